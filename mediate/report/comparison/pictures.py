"""The figures of a comparison as PNG, each with the text that stands in for it."""

from mediate.compare import Compared
from mediate.compare.maps import Scope
from mediate.compare.quantities import SHARE
from mediate.compare.stacks import LAYER, STEP
from mediate.figures.difference import DIFFERENCE_SIZE
from mediate.figures.ladder import LADDER_SIZE
from mediate.figures.paired import PAIRED_SIZE
from mediate.report.analysis import repeats
from mediate.report.comparison.plots import ComparisonPlots
from mediate.report.comparison.words import MAIN, levels_of
from mediate.report.run.pictures import Picture, png
from mediate.report.words import plural, share_words
from mediate.results.kinds import is_estimate

# Of the maps by step and layer, those of the first runs are drawn; the tables have all.
MOST_HEATS = 3


def comparison_pictures(compared: Compared) -> tuple[Picture, ...]:
    """Every figure of the page, outcome by outcome; not what is undefined in all runs, nor the same one twice."""
    plots = ComparisonPlots(compared)
    drawn: list[Picture] = []
    for place, outcome in enumerate(compared.outcomes):
        if all(repeats(run.results, outcome) is not None for run in compared.runs):
            continue
        shares = [each for each in levels_of(compared, outcome, SHARE) if each.estimate.defined]
        suffix = f"-{place}" if place else ""
        if any(each.quantity == MAIN for each in shares):
            drawn.append(_shares(plots, outcome, suffix))
        if shares and not compared.no_ladder:
            drawn.append(_ladder(plots, outcome, suffix))
    kinds = dict.fromkeys(each.family.kind for each in compared.maps if each.scope is Scope.LAYER)
    for place, kind in enumerate(kinds):
        drawn.append(_layers(plots, kind, f"-{place}" if place else ""))
    heats = [each for each in compared.maps if each.scope is Scope.CELL and set(each.labels) == {STEP, LAYER}]
    for place, each in enumerate(heats[:MOST_HEATS]):
        drawn.append(_steps(plots, each.run, each.family.kind, each.family.outcome, f"-{place}" if place else ""))
    return tuple(drawn)


def _shares(plots: ComparisonPlots, outcome: str, suffix: str) -> Picture:
    having = [each for each in levels_of(plots.compared, outcome, SHARE) if each.quantity == MAIN]
    listed = "; ".join(f"{each.run} {share_words(each.estimate)}" for each in having)
    return Picture(
        name=f"paired{suffix}",
        role="shares",
        outcome=outcome,
        png=png(PAIRED_SIZE, lambda ax: plots.shares(outcome=outcome, ax=ax)),
        alt=f"Mediated share of {outcome} in each run: {listed}.",
        caption="The mediated share of each group of items, joined over the runs, and that of all items.",
    )


def _ladder(plots: ComparisonPlots, outcome: str, suffix: str) -> Picture:
    slopes = "; ".join(
        f"{each.quantity} {each.slope:+.3f}" for each in plots.compared.ladder if each.outcome == outcome
    )
    return Picture(
        name=f"ladder{suffix}",
        role="ladder",
        outcome=outcome,
        png=png(LADDER_SIZE, lambda ax: plots.ladder(outcome, ax=ax)),
        alt=f"Shares of {outcome} against the number of parameters; slopes for ten times the parameters: {slopes}.",
        caption="Every share against the number of parameters.",
    )


def _layers(plots: ComparisonPlots, kind: str, suffix: str) -> Picture:
    found = plots.of_scope(Scope.LAYER, kind)
    alpha = plots.compared.how.alpha
    counts = "; ".join(f"{each.run} in {int((each.p_adjusted <= alpha).sum())} of {len(each.p)}" for each in found)
    return Picture(
        name=f"depth{suffix}",
        role="maps",
        outcome=found[0].family.outcome,
        png=png(DIFFERENCE_SIZE, lambda ax: plots.layers(kind, ax=ax)),
        alt=f"Difference of {_named(kind)} from {found[0].reference} by relative depth; found to differ: {counts}.",
        caption=f"Differences of {_named(kind)} by layer, the other axes summed, as shares of each run's total effect.",
    )


def _steps(plots: ComparisonPlots, run: str, kind: str, outcome: str, suffix: str) -> Picture:
    found = next(each for each in plots.of_scope(Scope.CELL, kind) if each.run == run)
    count = int((found.p_adjusted <= plots.compared.how.alpha).sum())
    return Picture(
        name=f"cells{suffix}",
        role="maps",
        outcome=outcome,
        png=png(DIFFERENCE_SIZE, lambda ax: plots.steps(run, kind, ax=ax)),
        alt=f"Difference of {_named(kind)} by cell, {run} less {found.reference}; {plural(count, 'cell')} found.",
        caption=(
            f"Differences of {_named(kind)} cell by cell, {run} less {found.reference}: exploratory, with the expected "
            "part of false findings held."
        ),
    )


def _named(kind: str) -> str:
    return f"{kind} {'estimates' if is_estimate(kind) else 'effects'}"
