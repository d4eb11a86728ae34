"""What resampling says of a set: steps at each place of their chains, over items, with intervals over groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mediate.results.resampled import Resampled
from mediate.stats import Estimate, bootstrap_mean, bounded_mean

# Between what shares lie, and differences of two.
RATE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class StepTest:
    """Steps at one place of their chains, or all of them; each item's first averaged over its steps.

    Args:
        step: The step, counted from 0; None for all steps.
        importance: How much more often the measured answer follows with the step than with it resampled.
        beyond_chance: The distance of the final answers of both, less what it would be by chance.
        counterfactual: As `importance`, of resampled steps of another value alone.
        differing: The share of resampled steps of another value.
        resilience: How often the value had to be resampled away.
        returning: The share of samples in which it came back even so.
        undefined: Steps that were always resampled to their own value, which have no counterfactual importance.
    """

    step: int | None
    importance: Estimate
    beyond_chance: Estimate
    counterfactual: Estimate
    differing: Estimate
    resilience: Estimate
    returning: Estimate
    undefined: int


def resampling_tests(found: Sequence[Resampled], *, seed: int = 0, level: float = 0.95) -> tuple[StepTest, ...]:
    """All steps together, and then the steps of each place.

    Args:
        found: What was resampled.
        seed: Of the bootstrap over groups.
        level: Coverage of the intervals.
    """
    made = [each for each in found if each.made]
    places: list[int | None] = [None, *sorted({each.step for each in made})]
    return tuple(_test(made, step, seed, level) for step in places) if made else ()


def _test(made: Sequence[Resampled], step: int | None, seed: int, level: float) -> StepTest:
    rows = [each for each in made if step in (None, each.step)]

    def mean(what: Callable[[Resampled], float], bounds: tuple[float, float] | None) -> Estimate:
        groups, values = {each.item: each.group for each in rows}, dict[str, list[float]]()
        for each in rows:
            if not np.isnan(what(each)):
                values.setdefault(each.item, []).append(what(each))
        means = np.array([np.mean(each) for each in values.values()], dtype=float)
        having = [groups[item] for item in values]
        if bounds is None:
            return bootstrap_mean(means, having, seed=seed, level=level)
        return bounded_mean(means, having, bounds=bounds, level=level)

    return StepTest(
        step,
        importance=mean(lambda row: row.importance, DIFFERENCE),
        beyond_chance=mean(lambda row: row.distance - row.distance_by_chance, DIFFERENCE),
        counterfactual=mean(lambda row: row.counterfactual, DIFFERENCE),
        differing=mean(lambda row: row.differing, RATE),
        resilience=mean(lambda row: row.resilience, None),
        returning=mean(lambda row: row.returning, RATE),
        undefined=sum(bool(np.isnan(each.counterfactual)) for each in rows),
    )
