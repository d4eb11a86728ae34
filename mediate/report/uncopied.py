"""What a family's chains do that is no copying: which step is worked out from which, and what hiding a chain takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mediate.figures import plot_step_graph
from mediate.figures.figure import Figure
from mediate.figures.graph import GRAPH_SIZE
from mediate.figures.necessity import necessity_size, plot_necessity
from mediate.figures.over import aligned
from mediate.report.analysis import analysis_of, graph_maps
from mediate.report.blocks import Block, Look, Row, Section, Table, Text, columns, numbers, standing_in
from mediate.report.run.scores import Scores
from mediate.report.words import interval, number, plural
from mediate.results import Cube, EffectMap
from mediate.results.outcomes import unit_of
from mediate.stats import Estimate, bootstrap_mean

GRAPH = "step_graph.read"
SECTION = "uncopied"
NAMED = ("te", "necessity", "sufficiency")


@dataclass(frozen=True, slots=True)
class Uncopied:
    """One model of a family, looked at where nothing can be copied.

    Args:
        name: What the page calls it.
        scores: Its run, with a step graph.
        hidden: A run of its items by themselves, held against what is hidden of them.
    """

    name: str
    scores: Scores
    hidden: Scores

    @property
    def graphs(self) -> tuple[EffectMap, ...]:
        """Its step graphs, with steps counted to the last one, -1."""
        return aligned(graph_maps(self.scores.results, GRAPH), "end")

    @property
    def cut(self) -> Cube | None:
        """The cube of the items whose chains were cut before they state their answer; None where none was."""
        return next((each for each in self.hidden.results.cut if each.items), None)

    def reaching(self, *, next_one: bool) -> Estimate:
        """The mean effect of a step on what the next one states, or else a later one, a mean an item."""
        found = [(_mean(each, next_one=next_one), each.group) for each in self.graphs]
        there = [(value, group) for value, group in found if not np.isnan(value)]
        analysis = analysis_of(self.scores.results)
        values = np.array([value for value, _ in there], dtype=np.float64)
        return bootstrap_mean(values, [group for _, group in there], seed=analysis.seed, level=analysis.level)

    def effects(self) -> dict[str, Estimate]:
        """Total effect, necessity and sufficiency, read where the chain is about to state its answer."""
        cut = self.cut
        return {} if cut is None else analysis_of(self.hidden.results).effects(cut)


def _mean(graph: EffectMap, *, next_one: bool) -> float:
    steps, results = (np.array(graph.coords[name]) for name in ("step", "result"))
    apart = results[None, :] - steps[:, None]
    cells = graph.values[(apart == 1) if next_one else (apart > 1)]
    cells = cells[~np.isnan(cells)]
    return float(cells.mean()) if len(cells) else float("nan")


def uncopied_words(found: Sequence[Uncopied]) -> str:
    """What is seen, in a sentence or two; empty where nothing was looked at."""
    if not found:
        return ""
    first = found[0]
    near, far = first.reaching(next_one=True), first.reaching(next_one=False)
    told = ""
    if near.defined:
        told = (
            f"Each step is worked out from the one before: swapping a step changes what the next one states by "
            f"{number(near.value)} nats {interval(near)}"
        )
        told += f", and what later ones state by {number(far.value)} {interval(far)}" if far.defined else ""
        told += f" ({first.name}, {plural(near.n, 'pair')}). "
    having = [(each.name, each.effects(), each.cut) for each in found]
    parts = [
        f"{number(effects['necessity'].value)} of {number(effects['te'].value)} nats in {name}"
        for name, effects, cut in having
        if cut is not None
    ]
    if parts:
        told += f"Where a chain is about to state its answer, hiding it takes {', '.join(parts)}. "
    return told


def uncopied_figures(found: Sequence[Uncopied]) -> Iterator[Figure]:
    """The step graph of the first model, and what hiding the chain takes in each."""
    if not found:
        return
    first = found[0]
    if first.graphs:
        near, far = first.reaching(next_one=True), first.reaching(next_one=False)
        yield Figure(
            name=f"step-graph-{first.name}",
            draw=partial(plot_step_graph, first.graphs),
            alt=f"Step graph of {first.name}: on the next step {number(near.value)} nats, on later ones "
            f"{number(far.value)}.",
            caption=f"{first.name}: how much each step (row) determines what a later one states (column), as that "
            "step's own tokens read it. Steps are counted to the last one, −1.",
            size=GRAPH_SIZE,
            section=SECTION,
        )
    known = {each.name: each.effects() for each in found if each.cut is not None}
    cut = next((each.cut for each in found if each.cut is not None), None)
    if cut is not None:
        listed = "; ".join(
            f"{name} {', '.join(f'{each} {number(effects[each].value)}' for each in NAMED)}"
            for name, effects in known.items()
        )
        yield Figure(
            name="necessity-before-answer",
            draw=partial(plot_necessity, known, outcome=cut.outcome),
            alt=f"Before the chain states its answer, in {unit_of(cut.outcome)}: {listed}.",
            caption="Questions by themselves, each chain cut before it states its answer: what the model is about to "
            "write loses this much where the chain is hidden, and gets this much from the chain with the question "
            "hidden. The tick is the total effect.",
            size=necessity_size(len(known)),
            section=SECTION,
        )


def uncopied_section(found: Sequence[Uncopied], figures: Sequence[Figure]) -> tuple[Section, ...]:
    """The section of the page; nothing where nothing was looked at."""
    if not found:
        return ()
    rows: list[Row] = []
    for each in found:
        near, far = each.reaching(next_one=True), each.reaching(next_one=False)
        effects = each.effects()
        hidden = [f"{number(effects[name].value)} {interval(effects[name])}" if effects else "" for name in NAMED]
        reach = [f"{number(e.value)} {interval(e)}" if each.graphs else "" for e in (near, far)]
        rows.append((each.name, *reach, *hidden))
    heads = (
        *columns("model"),
        *numbers("on the next step", "on later steps", group="swapping a step changes, nats"),
        *numbers("total effect", "necessity", "sufficiency", group="before the answer is stated, nats"),
    )
    blocks: tuple[Block, ...] = (
        Text(OPENING),
        *standing_in(figures, SECTION),
        Table(heads, tuple(rows)),
        Text(BASIS, Look.BASIS),
    )
    near, far = (found[0].reaching(next_one=each) for each in (True, False))
    told = f"a step moves the next by {number(near.value)} nats, later ones by {number(far.value)}"
    return (Section("What is not copying", blocks, id=SECTION, found=told if near.defined else ""),)


OPENING = (
    "A chain that states its answer can be copied, and then it mediates all of the answer whatever came before. So "
    "this comes first: which step is worked out from which, and what hiding the chain takes where it is about to state "
    "the answer, so that there is nothing to copy."
)
BASIS = (
    "Means over items with bootstrap intervals over groups. A step is swapped for the source's as later steps' own "
    "tokens read it. Necessity: hiding the chain; sufficiency: what the chain gives with the question hidden."
)
