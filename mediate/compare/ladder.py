"""Shares over a ladder of model sizes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediate.compare.design import Design
from mediate.compare.pairing import Pairing
from mediate.compare.quantities import SHARES, aligned, share_numerators
from mediate.compare.runs import NamedRun, by_label
from mediate.compare.settings import Settings
from mediate.results import total_effect
from mediate.stats import Estimate
from mediate.stats.ladder import FEWEST, ladder_rank_correlation, ladder_slope


@dataclass(frozen=True, slots=True)
class LadderShare:
    """One share over all runs' sizes.

    Args:
        outcome: What is read at the answer.
        quantity: The share.
        models: How many runs the ladder has.
        slope: Change of the share for ten times the parameters.
        rank: Spearman's correlation of the runs' shares with their sizes.
        p: Of that correlation, over permutations of the models.
    """

    outcome: str
    quantity: str
    models: int
    slope: Estimate
    rank: Estimate
    p: float


def no_ladder(runs: Sequence[NamedRun], design: Design) -> str:
    """Why these runs are no ladder of sizes; empty where they are."""
    sizes = [run.parameters for run in runs]
    if any(size is None for size in sizes):
        missing = next(run.label for run in runs if run.parameters is None)
        return f"run {missing!r} does not say how many parameters its model has"
    if len(set(sizes)) < FEWEST:
        return f"a ladder needs {FEWEST} sizes, and there are {len(set(sizes))}"
    if design is Design.CROSSED:
        return "readers are crossed with writers, so runs of one size differ in their chains"
    return ""


def climb(runs: Sequence[NamedRun], pairing: Pairing, outcome: str, how: Settings) -> tuple[LadderShare, ...]:
    """Slope and rank correlation of every share on log10 of the parameters."""
    sizes = np.log10([run.parameters or 1 for run in runs])
    cubes = [aligned(run.results.cube(outcome), pairing.items) for run in runs]
    te, tops = np.stack([total_effect(each.y) for each in cubes]), np.stack([share_numerators(each) for each in cubes])
    found = []
    for place, name in enumerate(SHARES):
        given = (sizes, tops[:, place], te, pairing.groups)
        slope = ladder_slope(*given, min_mean_denominator=how.min_te, seed=how.seed, level=how.level)
        rank = ladder_rank_correlation(*given, min_mean_denominator=how.min_te, seed=how.seed, level=how.level)
        slope, order = (by_label(each, runs, outcome) for each in (slope, rank.estimate))
        found.append(LadderShare(outcome, name, len(runs), slope, order, rank.p))
    return tuple(found)
