"""What `mediate.attribute` gives back: one item's numbers, where in chain and network they are, and its figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.figures.attributed_item import attribution_data, plot_attribution
from mediate.figures.layers import DIMS
from mediate.figures.style import Place
from mediate.report.analysis import analysis_of
from mediate.report.blocks import Notes, Page, Row, Section, Table, columns, numbers
from mediate.report.drawing import drawing
from mediate.report.html import to_notebook
from mediate.report.run.items import chains_section
from mediate.report.run.remarks import pulls
from mediate.report.run.scores import Scores
from mediate.report.terminal import WIDTH, to_text
from mediate.report.words import DASH, model_words, number, percent
from mediate.results import CHANNELS, Cube, EffectMap, Results, corners, item_shares, shapley
from mediate.results.outcomes import outcome_facts, unit_of

# The maps that it is made of.
ATTRIBUTED_MAPS = ("knockout:step,layer", "knockout:step")
ALONE = (
    "One item is an example and no evidence: n = 1, so no number has an interval. For a set of items, "
    "mediate.score(model, items)."
)
_COLUMNS = ("outcome", "quantity", "value", "share", "unit")


@dataclass(frozen=True, slots=True, repr=False)
class Attributed:
    """One item without a twin: how much its answer loses by what is hidden of it, and in which steps and layers.

    Nothing here has an interval: one item says nothing of others. The item is a run of one, which `save` writes.

    Args:
        results: What was found, as of a run; its maps are `ATTRIBUTED_MAPS`, with whatever else was asked for.

    Example:
        >>> found = md.attribute(model, "Start 4, add 9. Hint 3.", cot="4 + 9 = 3.", answer="3")
        >>> len(found.table())  # a row a step
        1
    """

    results: Results

    @property
    def map(self) -> EffectMap:
        """The knockout effect of each step in each layer, on the first outcome."""
        return self._map(DIMS)

    def table(self) -> pd.DataFrame:
        """A row a step: what it says, the effect of hiding it in all layers at once, and in each layer by itself.

        Effects are on the first outcome, in its unit, positive where the step speaks for the answer. Those of layers do
        not add up to that of all: each layer alone leaves the others to read the step.
        """
        steps, layers = self.map.coords["step"], self.map.coords["layer"]
        frame = pd.DataFrame({"step": steps, "text": self._said(), "all layers": self._map(DIMS[:1]).values})
        return pd.concat([frame, pd.DataFrame(self.map.values, columns=list(layers))], axis=1)

    def numbers(self, *, before_answer: bool = False) -> pd.DataFrame:
        """A row an outcome and quantity: its value, and the share of TE that is; NaN where |TE| is too small for one.

        TE, its direct, text and latent parts, what is mediated (TIE), and necessity, sufficiency and blind;
        docs/numbers.md has their formulas.

        Args:
            before_answer: Read before the chain states the answer, where nothing can be copied; empty where the chain
                cannot be cut there.
        """
        found = self._quantities(self.results.cut if before_answer else self.results.cubes)
        rows = [(*labels, *pair, unit_of(labels[0])) for labels, pair in found.items()]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    @drawing
    def plot(self, *, figure: Place | None = None, ax: Axes | None = None) -> Axes:
        """The effects of steps and layers, each step beside what it says, with those of whole steps and layers.

        See `mediate.figures.attributed_item.plot_attribution`; `plot.data()` has its numbers.

        Args:
            figure: Where to draw, a figure or part of one; a new figure by default.
            ax: Axes whose place the panels take, such as those of `pyplot.subplots`.
        """
        asked = self.results.items[0].base.question
        return plot_attribution(self.map, self.results.maps, said=self._said(), asked=asked, figure=ax or figure)

    def _plot_data(self) -> pd.DataFrame:
        return attribution_data(self.map, self.results.maps, said=self._said())

    def save(self, folder: str | Path) -> Scores:
        """Writes the item as a run directory, which `mediate.open` and `mediate report` open, and returns that run.

        Raises:
            InputError: The folder holds a run already.
        """
        return Scores(self.results).save(folder)

    def __repr__(self) -> str:
        return to_text(self._page(), WIDTH).rstrip("\n")

    def _repr_html_(self) -> str:
        page = self._page()
        shown = Page(page.title, page.heading, page.headline, (*page.sections, chains_section(self.results, 1)))
        return to_notebook(shown)

    def _page(self) -> Page:
        remarks = [ALONE, *self._pulls(), *self._copying(), *(each.reason for each in self.results.rejects)]
        blocks = (self._numbers_table(), self._steps_table(), Notes(tuple(remarks), "note"))
        return Page("", "", self._headline(), (Section("", blocks),))

    def _headline(self) -> str:
        (item,), outcome = self.results.items, self.results.cube().outcome
        found = self._quantities(self.results.cubes)
        (te, _), (_, share) = found[outcome, "TE"], found[outcome, "mediated"]
        what = outcome_facts(outcome).of or outcome
        loses = f"{'loses' if te >= 0 else 'gains'} {number(abs(te))} {unit_of(outcome)} of {what}"
        hidden = f"Answer {item.base.answer!r} {loses} when question and chain are hidden"
        if np.isnan(share):
            return f"{hidden}, too little for a share to say anything; {model_words(self.results)}."
        return f"{hidden}, and {percent(share)} of that when the chain alone is; {model_words(self.results)}."

    def _pulls(self) -> tuple[str, ...]:
        """Whether the channels pull against each other, on the first outcome."""
        return pulls(analysis_of(self.results).shares(self.results.cube()))

    def _copying(self) -> list[str]:
        """What is left where the answer cannot be copied from the chain."""
        stated, outcome = self.results.items[0].base, self.results.cube().outcome
        if stated.states_answer is None:
            return ["The chain does not state the answer."]
        where = f"The chain states the answer in step {stated.steps[stated.states_answer]}, and it can be copied"
        cut = self._quantities(self.results.cut)
        if (outcome, "TE") not in cut:
            return [f"{where}."]
        (te, _), (_, share) = cut[outcome, "TE"], cut[outcome, "mediated"]
        return [f"{where}; read just before that, TE is {number(te)}, of it mediated: {percent(share)}."]

    def _quantities(self, cubes: Sequence[Cube]) -> dict[tuple[str, str], tuple[float, float]]:
        """By outcome and quantity its value and share of TE; of an outcome that the item lacks, none."""
        found: dict[tuple[str, str], tuple[float, float]] = {}
        for cube in (each for each in cubes if each.items):
            least, effects = analysis_of(self.results).least(cube.outcome), corners(cube.y)
            shares = dict(zip((*CHANNELS, "mediated"), item_shares(cube, least)[0], strict=True))
            values = {"TE": effects.te[0], **dict(zip(CHANNELS, shapley(cube.y, cube.contrast)[0], strict=True))}
            values |= {"mediated": effects.tie[0], **{each.name: each.of(cube.y)[0] for each in cube.contrast.named}}
            for name, value in values.items():
                found[cube.outcome, name] = float(value), float(shares.get(name, np.nan))
        return found

    def _numbers_table(self) -> Table:
        """A row a quantity, two columns an outcome."""
        found = self._quantities(self.results.cubes)
        outcomes, names = (dict.fromkeys(label[place] for label in found) for place in range(2))
        heads = [head for name in outcomes for head in (f"{name} ({unit_of(name)})", "share of TE")]
        rows: list[Row] = []
        for name in names:
            pairs = [found[outcome, name] for outcome in outcomes]
            cells = [(number(value), "" if name in _WITHOUT else percent(share)) for value, share in pairs]
            rows.append((name, *(text for pair in cells for text in pair)))
        return Table((*columns(""), *numbers(*heads)), tuple(rows))

    def _steps_table(self) -> Table:
        """A row a step: its effect in all layers, and in the layer in which it is largest."""
        unit, rows = unit_of(self.map.outcome), list[Row]()
        for text, whole, row in zip(self._said(), self._map(DIMS[:1]).values, self.map.values, strict=True):
            layer = int(np.argmax(abs(row)))
            rows.append(
                (str(len(rows)), text or DASH, number(whole), str(self.map.coords["layer"][layer]), number(row[layer]))
            )
        heads = numbers(f"hidden in all layers ({unit})", "most in layer", "hidden there")
        return Table((*columns("step", "says"), *heads), tuple(rows))

    def _map(self, dims: tuple[str, ...]) -> EffectMap:
        return next(each for each in self.results.maps if (each.kind, each.dims) == ("knockout", dims))

    def _said(self) -> list[str]:
        """What each step says, without the white space around it."""
        told = self.results.items[0].base
        steps = self.map.coords["step"]
        return ["".join(t for t, s in zip(told.tokens, told.steps, strict=True) if s == step).strip() for step in steps]


# Quantities of which no share is told: TE itself, and those that are told as differences alone.
_WITHOUT = ("TE", "necessity", "sufficiency", "blind")
