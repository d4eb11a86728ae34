"""A family of models on one page: several sizes, each before and after its fine-tunings, on the same pairs."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mediate.clock import stage
from mediate.compare import Verdict
from mediate.compare.quantities import SHARES
from mediate.errors import InputError
from mediate.figures import LadderLine, plot_ladder
from mediate.figures.figure import Figure
from mediate.figures.ladder import LADDER_SIZE
from mediate.report.analysis import analysis_of, section
from mediate.report.blocks import (
    Look,
    Notes,
    Page,
    Phrase,
    Row,
    Section,
    Table,
    TableCell,
    Text,
    columns,
    holding,
    numbers,
    prose,
    standing_in,
)
from mediate.report.comparison.comparison import Comparison
from mediate.report.comparison.words import margin_words, points, points_interval
from mediate.report.html import write_page
from mediate.report.run.evidence import control_row, control_summaries
from mediate.report.run.glossary import shared_words
from mediate.report.run.in_short import controls_found
from mediate.report.run.scores import Scores
from mediate.report.uncopied import Uncopied, uncopied_figures, uncopied_section, uncopied_words
from mediate.report.words import DASH, day_of, from_to, interval, number, percent, plural, share_value, share_words
from mediate.results.controls import ControlSummary

PAGE = "family.html"
MAIN = "mediated"


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a family, scored.

    Args:
        name: What the page calls it.
        state: `base`, or what became of it.
        scores: Its run.
        marks: What else is known of it, such as its accuracy, by column.
    """

    name: str
    state: str
    scores: Scores
    marks: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> int:
        """Its number of parameters."""
        return int(section(self.scores.results, "model")["parameters"])


@dataclass(frozen=True, slots=True)
class Family:
    """Models of several sizes in several states, on the same pairs.

    Args:
        members: Every model; the first state is the one before fine-tuning.
        sizes: The members of the first state compared, a ladder of sizes.
        afters: Of each size, its states compared, the first one being the reference.
        uncopied: Some members where nothing can be copied, which the page leads with.

    Raises:
        InputError: No members.
    """

    members: tuple[Member, ...]
    sizes: Comparison
    afters: tuple[Comparison, ...]
    uncopied: tuple[Uncopied, ...] = ()

    def __post_init__(self) -> None:
        if not self.members:
            raise InputError("a family needs members; score some models first")

    @property
    def states(self) -> tuple[str, ...]:
        """The states, in order."""
        return tuple(dict.fromkeys(each.state for each in self.members))

    def lines(self, quantity: str) -> list[LadderLine]:
        """A share against size, a line a state."""
        found = []
        for state in self.states:
            having = [each for each in self.members if each.state == state]
            estimates = tuple(each.scores.shares()[quantity] for each in having)
            found.append(LadderLine(state, tuple(each.parameters for each in having), estimates))
        return found


@stage("writing pages")
def write_family(folder: Path, family: Family) -> Path:
    """Writes `family.html` and its figures into a folder, and returns the page."""
    return write_page(folder / PAGE, family_page(folder, family))


def family_headline(family: Family) -> str:
    """How the mediated share orders by size, and whether the states exclude each other, in one paragraph."""
    # The first is of the first outcome.
    rung = next((each for each in family.sizes.compared.ladder if each.quantity == MAIN), None)
    items = plural(len(family.sizes.compared.pairing.items), "pair")
    told = uncopied_words(family.uncopied)
    told += f"At the answer, the chain of thought mediates {'; '.join(_by_state(family))} ({items}, the same for all)."
    if rung is not None and rung.slope.defined:
        slope = f"{points(rung.slope.value)} {points_interval(rung.slope)}"
        told += f" Over the sizes of {family.states[0]}, the share changes by {slope} for ten times the parameters."
    return told


def _by_state(family: Family) -> list[str]:
    """The least and the largest mediated share of each state."""
    parts = []
    for state in family.states:
        estimates = [each.scores.shares()[MAIN] for each in family.members if each.state == state]
        shares = sorted((each for each in estimates if each.defined), key=lambda each: each.value)
        if shares:
            ends = dict.fromkeys(share_value(each) for each in (shares[0], shares[-1]))
            parts.append(f"{' to '.join(ends)} in {state}")
    return parts


def sizes_figure(family: Family) -> Iterator[Figure]:
    """The mediated share against size."""
    outcome = family.members[0].scores.results.cube().outcome
    text = f"{MAIN} share of TE ({outcome})"
    listed = "; ".join(f"{each.name} {share_words(each.scores.shares()[MAIN])}" for each in family.members)
    level = percent(family.sizes.compared.how.level)
    yield Figure(
        name=f"sizes-{MAIN}",
        draw=partial(plot_ladder, family.lines(MAIN), quantity=text, percent=True),
        alt=f"The {MAIN} share against the number of parameters: {listed}.",
        caption=f"The {MAIN} share against the number of parameters, a line a state. Intervals of {level}.",
        size=LADDER_SIZE,
        section="sizes",
        outcome=outcome,
    )


def uncopied_figure(family: Family) -> Iterator[Figure]:
    """What is no copying."""
    return uncopied_figures(family.uncopied)


FIGURES: tuple[Callable[[Family], Iterable[Figure]], ...] = (uncopied_figure, sizes_figure)


def family_figures(family: Family) -> tuple[Figure, ...]:
    """Every figure of the page, each with a line that says of which models, how many pairs and when."""
    names, pairing = [each.name for each in family.members], family.sizes.compared.pairing
    models = names[0] if len(names) == 1 else f"{len(names)} models, {names[0]} to {names[-1]}"
    days = sorted({day for each in family.members if (day := day_of(each.scores.results.manifest))})
    source = ", ".join([f"{models}; {plural(len(pairing.items), 'pair')}", *days[-1:]])
    return tuple(each.signed(source) for having in FIGURES for each in having(family))


def family_page(folder: Path, family: Family) -> Page:
    """All that is said of a family; the links of a page in `folder`."""
    figures = family_figures(family)
    links = [(family.sizes.folder, f"Sizes of {family.states[0]}, from {family.sizes.compared.runs[0].label} on")]
    links += [(each.folder, f"Before and after: {each.compared.runs[0].label}") for each in family.afters]
    more = [
        (Phrase(words, href=str((where / "comparison.html").relative_to(folder))),) for where, words in links if where
    ]
    return holding(
        Page(
            title="A family of models: how much of their answers do their chains carry?",
            heading="How much of their answers do the chains of a family of models carry?",
            headline=family_headline(family),
            sections=(
                *uncopied_section(family.uncopied, figures),
                Section(
                    "Decorative and needed, by size",
                    standing_in(figures, "sizes"),
                    id="sizes",
                    found=f"mediated: {'; '.join(_by_state(family))}",
                ),
                _models_section(folder, family),
                *_changes_section(family),
                *_controls_section(family),
                Section("More", (Notes(tuple(more), look=Look.PLAIN),), id="more"),
                shared_words(family.sizes.compared.how.min_te, family.sizes.compared.how.level),
            ),
        ),
        figures,
    )


def _models_section(folder: Path, family: Family) -> Section:
    marks = list(dict.fromkeys(name for each in family.members for name, _ in each.marks))
    heads = (
        *columns("model", look=Look.SHORT),
        *numbers("parameters", *SHARES, "TE (nats)", "items", *marks),
    )
    table = Table(heads, tuple(_row(folder, each, marks) for each in family.members))
    te = from_to(((each.name, each.scores.effects()["te"].value) for each in family.members), number)
    found = f"{plural(len(family.members), 'model')}; TE in nats: {te}"
    return Section("Models", (table, Text(MODELS, Look.BASIS)), id="models", found=found)


MODELS = (
    "Shares of TE are ratios of sums over items, with bootstrap intervals over groups; each name leads to the model's "
    "own report."
)


def _row(folder: Path, member: Member, marks: Sequence[str]) -> Row:
    shares, te, where = member.scores.shares(), member.scores.effects()["te"], member.scores.folder
    link = str((where / "report.html").relative_to(folder)) if where else ""
    return (
        (Phrase(member.name, href=link),),
        f"{member.parameters:,}",
        *(share_words(shares[name]) for name in SHARES),
        f"{number(te.value)} {interval(te)}",
        str(len(member.scores.results.items)),
        *(dict(member.marks).get(name, DASH) for name in marks),
    )


def _controls_section(family: Family) -> tuple[Section, ...]:
    """The controls of the models on which they were run; nothing where there are none."""
    rows, every = list[Row](), list[ControlSummary]()
    for member in family.members:
        results = member.scores.results
        own = control_summaries(results, analysis_of(results))
        every += own
        for each in map(control_row, own):
            shown = (each[name] for name in ("size", "size_interval", "beside", "n", "refused"))
            verdict = f"{each['verdict']} {each['extra']}" if each["extra"] else each["verdict"]
            rows.append((TableCell(member.name, Look.SHORT), TableCell(each["name"], Look.SHORT), *shown, verdict))
    if not rows:
        return ()
    states = dict.fromkeys(each.state for each in family.members if not each.scores.results.controls)
    said = prose(
        "In nats. *Real effect*: of the same items, to hold a control's against; what each control is, and what it "
        "must be, is said in the models' own reports. {rest}",
        rest=f"Not run on the models after {' and '.join(states)} tuning." if states else "",
    )
    heads = (
        *columns("model", "control"),
        *numbers("mean size", "interval", "real effect", "n", "refused"),
        *columns("verdict"),
    )
    blocks = (Table(heads, tuple(rows)), Text(said, Look.BASIS))
    return (Section("Controls", blocks, id="controls", found=controls_found(every)),)


def _changes_section(family: Family) -> tuple[Section, ...]:
    """The change of the mediated share of each state of each size, in the first outcome."""
    found = [
        each
        for compared in (after.compared for after in family.afters)
        for each in compared.differences
        if (each.outcome, each.kind, each.quantity) == (compared.outcomes[0], "share", MAIN)
    ]
    rows = [
        (
            TableCell(each.run, Look.SHORT),
            each.reference,
            points(each.estimate.value),
            points_interval(each.estimate),
            TableCell(each.verdict.value, Look.FAINT if each.verdict is Verdict.UNCLEAR else Look.PLAIN),
        )
        for each in found
    ]
    if not rows:
        return ()
    said = prose(
        "In percentage points of TE, paired on items. *Unchanged*: shown to be smaller than {margin}.",
        margin=margin_words(family.sizes.compared.how.margin),
    )
    heads = (
        *columns("model", "against"),
        *numbers("change of the mediated share", "interval"),
        *columns("verdict", look=Look.SHORT),
    )
    count = Counter(each.verdict for each in found)
    counted = ", ".join(f"{count[each]} {each.value}" for each in Verdict if count[each])
    blocks = (Table(heads, tuple(rows)), Text(said, Look.BASIS))
    return (Section("Before and after", blocks, id="changes", found=f"mediated share: {counted}"),)
