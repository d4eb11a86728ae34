"""The figures of a comparison's page: those that `FIGURES` lists."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from mediate.compare import Compared
from mediate.compare.maps import Scope
from mediate.compare.quantities import SHARE
from mediate.compare.stacks import LAYER, STEP
from mediate.figures.difference import DIFFERENCE_SIZE
from mediate.figures.figure import Figure
from mediate.figures.ladder import LADDER_SIZE
from mediate.figures.paired import PAIRED_SIZE
from mediate.report.analysis import repeats
from mediate.report.comparison.plots import ComparisonPlots
from mediate.report.comparison.words import MAIN, levels_of
from mediate.report.words import plural, share_words
from mediate.results.kinds import is_estimate

# Of the maps by step and layer, those of the first runs are drawn; the tables have all.
MOST_HEATS = 3


def comparison_figures(compared: Compared) -> tuple[Figure, ...]:
    """Every figure of the page; not what is undefined in all runs, nor the same one twice."""
    return tuple(each for figures in FIGURES for each in figures(compared))


def _outcomes(compared: Compared) -> Iterator[tuple[str, str]]:
    """The outcomes whose numbers are not those of the first again, each with the end of its figures' names."""
    for place, outcome in enumerate(compared.outcomes):
        if any(repeats(run.results, outcome) is None for run in compared.runs):
            yield outcome, f"-{place}" if place else ""


def shares_figures(compared: Compared) -> Iterator[Figure]:
    """The mediated share in every run."""
    for outcome, suffix in _outcomes(compared):
        having = [each for each in levels_of(compared, outcome, SHARE) if each.quantity == MAIN]
        listed = "; ".join(f"{each.run} {share_words(each.estimate)}" for each in having)
        if any(each.estimate.defined for each in having):
            yield Figure(
                name=f"paired{suffix}",
                draw=partial(ComparisonPlots(compared).shares, MAIN, outcome),
                alt=f"Mediated share of {outcome} in each run: {listed}.",
                caption="The mediated share of each group of items, joined over the runs, and that of all items.",
                size=PAIRED_SIZE,
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
    """The differences of maps by layer, one a kind."""
    plots, alpha = ComparisonPlots(compared), compared.how.alpha
    kinds = dict.fromkeys(each.family.kind for each in compared.maps if each.scope is Scope.LAYER)
    for place, kind in enumerate(kinds):
        found = plots.of_scope(Scope.LAYER, kind)
        counts = "; ".join(f"{each.run} in {int((each.p_adjusted <= alpha).sum())} of {len(each.p)}" for each in found)
        yield Figure(
            name="depth" + (f"-{place}" if place else ""),
            draw=partial(plots.layers, kind),
            alt=f"Difference of {_named(kind)} from {found[0].reference} by relative depth; found to differ: {counts}.",
            caption=f"Differences of {_named(kind)} by layer, the other axes summed, as shares of each run's total "
            "effect.",
            size=DIFFERENCE_SIZE,
            outcome=found[0].family.outcome,
        )


def steps_figures(compared: Compared) -> Iterator[Figure]:
    """The differences of maps by step and layer, one a run and kind."""
    plots, alpha = ComparisonPlots(compared), compared.how.alpha
    heats = [each for each in compared.maps if each.scope is Scope.CELL and set(each.labels) == {STEP, LAYER}]
    for place, each in enumerate(heats[:MOST_HEATS]):
        run, kind = each.run, each.family.kind
        count = int((each.p_adjusted <= alpha).sum())
        yield Figure(
            name="cells" + (f"-{place}" if place else ""),
            draw=partial(plots.steps, run, kind),
            alt=f"Difference of {_named(kind)} by cell, {run} less {each.reference}; {plural(count, 'cell')} found.",
            caption=(
                f"Differences of {_named(kind)} cell by cell, {run} less {each.reference}: exploratory, with the "
                "expected part of false findings held."
            ),
            size=DIFFERENCE_SIZE,
            outcome=each.family.outcome,
        )


def _named(kind: str) -> str:
    return f"{kind} {'estimates' if is_estimate(kind) else 'effects'}"


FIGURES: tuple[Callable[[Compared], Iterable[Figure]], ...] = (
    shares_figures,
    ladder_figures,
    layers_figures,
    steps_figures,
)
