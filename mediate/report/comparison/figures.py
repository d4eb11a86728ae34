"""The figures of a comparison's page: those that `FIGURES` lists."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from mediate.compare import Compared
from mediate.compare.maps import Scope
from mediate.compare.quantities import SHARE
from mediate.compare.stacks import LAYER, STEP
from mediate.figures.changes import changes_size
from mediate.figures.difference import DIFFERENCE_SIZE
from mediate.figures.figure import Figure
from mediate.figures.found import begun
from mediate.figures.ladder import LADDER_SIZE
from mediate.figures.multiples import multiples_size, narrow_size
from mediate.figures.narrow import NARROW
from mediate.figures.one_axis import extent_of, on_one_axis
from mediate.figures.style import in_panels
from mediate.figures.text import label
from mediate.report.comparison.plots import ComparisonPlots
from mediate.report.comparison.words import MAIN, levels_of, repeated_words
from mediate.report.parts import file_part
from mediate.report.words import plural, share_words
from mediate.results.kinds import is_estimate

# Characters of a figure's file name.
LONGEST_NAME = 120
# Runs that are named in a figure, and characters of a name.
MOST_NAMED, LONGEST_LABEL = 3, 32


def comparison_figures(compared: Compared) -> tuple[Figure, ...]:
    """Every figure of the page; not what is undefined in all runs, nor the same one twice."""
    runs = [label(run.label, LONGEST_LABEL) for run in compared.runs]
    named = ", ".join(runs[:MOST_NAMED]) + (f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else "")
    source = f"{named}; {plural(len(compared.pairing.items), 'shared item')}"
    made = (each for figures in FIGURES for each in figures(compared))
    return tuple(each.signed(source) for each in made)


def _outcomes(compared: Compared) -> Iterator[tuple[str, str]]:
    """The outcomes whose numbers are not those of the first again, each with the end of its figures' names."""
    for place, outcome in enumerate(compared.outcomes):
        if not repeated_words(compared, outcome):
            yield outcome, f"-{file_part(outcome, str(place))}" if place else ""


def shares_figures(compared: Compared) -> Iterator[Figure]:
    """The mediated share in every run."""
    for outcome, suffix in _outcomes(compared):
        having = [each for each in levels_of(compared, outcome, SHARE) if each.quantity == MAIN]
        listed = "; ".join(f"{each.run} {share_words(each.estimate)}" for each in having)
        plots = ComparisonPlots(compared)
        changes = plots.changes_of(MAIN, outcome)
        if any(each.estimate.defined for each in changes):
            yield Figure(
                name=f"changes-{MAIN}{suffix}",
                draw=partial(plots.changes, MAIN, outcome),
                alt=f"Mediated share of {outcome} in each run: {listed}. Against {compared.runs[0].label}: "
                + "; ".join(f"{each.name} {each.verdict}" for each in changes)
                + ".",
                caption=f"What each run has more of the mediated share than {compared.runs[0].label}: of each group of "
                "items (dots) and of all, paired on items.",
                size=changes_size(len(changes)),
                size_narrow=(NARROW, changes_size(len(changes), narrow=True)[1]),
                section="shares",
                outcome=outcome,
            )


def ladder_figures(compared: Compared) -> Iterator[Figure]:
    """The shares against model size."""
    for outcome, suffix in _outcomes(compared):
        slopes = "; ".join(f"{each.quantity} {each.slope:+.3f}" for each in compared.ladder if each.outcome == outcome)
        if not compared.no_ladder and any(each.estimate.defined for each in levels_of(compared, outcome, SHARE)):
            yield Figure(
                name=f"ladder{suffix}",
                draw=partial(ComparisonPlots(compared).ladder, outcome),
                alt=f"Shares of {outcome} against the number of parameters; "
                f"slopes for ten times the parameters: {slopes}.",
                caption="Every share against the number of parameters.",
                size=LADDER_SIZE,
                section="ladder",
                outcome=outcome,
            )


def layers_figures(compared: Compared) -> Iterator[Figure]:
    """The differences of maps by layer, one a kind; those of an outcome on one axis."""
    made: dict[str, list[Figure]] = {}
    for each in _depth_figures(compared):
        made.setdefault(each.outcome, []).append(each)
    for figures in made.values():
        yield from on_one_axis(figures, compared.how.margin)


def _depth_figures(compared: Compared) -> Iterator[Figure]:
    plots, alpha = ComparisonPlots(compared), compared.how.alpha
    kinds = dict.fromkeys(each.family.kind for each in compared.maps if each.scope is Scope.LAYER)
    for place, kind in enumerate(kinds):
        found = plots.of_scope(Scope.LAYER, kind)
        counts = "; ".join(f"{each.run} in {int((each.p_adjusted <= alpha).sum())} of {len(each.p)}" for each in found)
        yield Figure(
            name=f"depth-{file_part(kind, f'map{place}')}",
            draw=partial(plots.layers, kind),
            alt=f"Difference of {_named(kind)} from {found[0].reference} by relative depth; found to differ: {counts}.",
            caption=f"Differences of {_named(kind)} by layer, the other axes summed, as shares of each run's total "
            "effect.",
            size=DIFFERENCE_SIZE,
            outcome=found[0].family.outcome,
            extent=extent_of(plots.layers.data(kind), "difference"),
        )


def steps_figures(compared: Compared) -> Iterator[Figure]:
    """The maps of all runs side by side, and their differences, one figure a kind."""
    plots, alpha = ComparisonPlots(compared), compared.how.alpha
    heats = [each for each in compared.maps if each.scope is Scope.CELL and set(each.labels) == {STEP, LAYER}]
    for place, kind in enumerate(dict.fromkeys(each.family.kind for each in heats)):
        alike = [each for each in heats if each.family.kind == kind]
        counts = "; ".join(f"{each.run} in {plural(int((each.p_adjusted <= alpha).sum()), 'cell')}" for each in alike)
        reference = alike[0].reference
        runs = [*dict.fromkeys(each.run for each in alike)]
        models = f"{runs[0]}-vs-{reference}" if len(runs) == 1 else f"{len(runs)}-runs-vs-{reference}"
        yield Figure(
            name=file_part(f"cells-{kind}-{models}", f"cells-map{place}", most=LONGEST_NAME),
            draw=in_panels(partial(plots.maps, kind)),
            draw_narrow=in_panels(partial(plots.maps, kind, down=True)),
            size_narrow=narrow_size(len(runs) + 1),
            alt=f"{begun(_named(kind))} by step and layer of {plural(len(runs) + 1, 'run')} on one scale; found "
            f"to differ from {reference}: {counts}.",
            caption=(
                f"{_named(kind)} of every run, and below what they have more than {reference}, on one scale of "
                "colours: cell by cell, exploratory, with the expected part of false findings held."
            ),
            size=multiples_size(len(runs) + 1),
            outcome=alike[0].family.outcome,
        )


def _named(kind: str) -> str:
    return f"{kind} {'estimates' if is_estimate(kind) else 'effects'}"


FIGURES: tuple[Callable[[Compared], Iterable[Figure]], ...] = (
    shares_figures,
    ladder_figures,
    layers_figures,
    steps_figures,
)
