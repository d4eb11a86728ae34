"""Where runs differ: maps as shares of the total effect, by layer, by step and cell by cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from mediate.compare.design import Traces
from mediate.compare.differences import flip_family
from mediate.compare.pairing import Pairing
from mediate.compare.quantities import linearised
from mediate.compare.runs import NamedRun
from mediate.compare.settings import Settings
from mediate.compare.stacks import LAYER, STEP, MapFamily, Stack, families, stack_family
from mediate.results.kinds import parse_kind
from mediate.stats.signflip import false_discovery


class Scope(StrEnum):
    """What a difference of maps is over; the other axes are summed."""

    LAYER = "by layer"
    STEP = "by step"
    CELL = "by cell"


@dataclass(frozen=True, slots=True)
class MapDifference:
    """One family of maps of one run less that of the first; arrays have an entry a cell.

    Args:
        family: What the maps are of.
        scope: What the cells are.
        run: The run's label.
        reference: The first run's label.
        labels: Along the cells: the step, the relative depth of the layer, and so on.
        here: The run's effect at the cell, as a share of its total effect: a ratio of sums over items.
        there: The same of the first run.
        difference: The one less the other.
        low: Lower end of the band that holds all cells together; NaN where there is none.
        high: Its upper end.
        p: Of sign flips of whole groups, of the cell by itself; NaN where the cell is not tested.
        p_adjusted: For all cells together: by layer and by step, with the chance of any false finding held (max-T);
            by cell, with the expected part of false findings held (Benjamini and Hochberg).
        n: Items.
        groups: Groups that were flipped.
        estimated: Whether the maps are gradient estimates.
        regridded: Whether layers were put together on a common grid of relative depth.
    """

    family: MapFamily
    scope: Scope
    run: str
    reference: str
    labels: Mapping[str, Float[np.ndarray, " cell"]]
    here: Float[np.ndarray, " cell"]
    there: Float[np.ndarray, " cell"]
    difference: Float[np.ndarray, " cell"]
    low: Float[np.ndarray, " cell"]
    high: Float[np.ndarray, " cell"]
    p: Float[np.ndarray, " cell"]
    p_adjusted: Float[np.ndarray, " cell"]
    n: int
    groups: int
    estimated: bool
    regridded: bool


def compare_maps(
    runs: Sequence[NamedRun], pairing: Pairing, traces: Traces, outcomes: Sequence[str], how: Settings
) -> tuple[tuple[MapDifference, ...], dict[str, str]]:
    """The differences of all maps that all runs have, and why other maps were not compared."""
    items = dict(zip(pairing.items, pairing.groups, strict=True))
    found: list[MapDifference] = []
    refused: dict[str, str] = {}
    for family in dict.fromkeys(family for run in runs for family in families(run)):
        if family.outcome not in outcomes and not parse_kind(family.kind).of.outcome:
            refused[str(family)] = "not all runs have the outcome"
            continue
        stack = stack_family(runs, family, items, traces.same_steps)
        why = stack if isinstance(stack, str) else _no_share(stack, runs, how.min_te)
        if isinstance(stack, str) or why:
            refused[str(family)] = why
            continue
        for place in range(1, len(runs)):
            found += [_difference(stack, scope, runs, place, how) for scope in _scopes(stack)]
    return tuple(found), refused


def _no_share(stack: Stack, runs: Sequence[NamedRun], min_te: float) -> str:
    """Why maps are no shares of the total effect; empty where they are."""
    means = stack.te.mean(axis=1)
    small = int(abs(means).argmin())
    if abs(means[small]) > min_te:
        return ""
    return f"the mean total effect in {runs[small].label} is {means[small]:.3g}, within {min_te:g} of 0"


def _scopes(stack: Stack) -> list[Scope]:
    found = [scope for scope, axis in ((Scope.LAYER, LAYER), (Scope.STEP, STEP)) if axis in stack.dims]
    return [*found, Scope.CELL] if len(stack.dims) > 1 else found or [Scope.CELL]


def _difference(stack: Stack, scope: Scope, runs: Sequence[NamedRun], place: int, how: Settings) -> MapDifference:
    """One run against the first, over the cells of one scope."""
    axis = {Scope.LAYER: LAYER, Scope.STEP: STEP}.get(scope)
    kept = stack.dims if axis is None else (axis,)
    over = tuple(number for number, name in enumerate(stack.dims, start=1) if name not in kept)
    pair = [stack.values[run].sum(axis=over).reshape(len(stack.items), -1).T for run in (0, place)]
    there, here = (linearised(values, stack.te[run]) for values, run in zip(pair, (0, place), strict=True))
    flips = flip_family((here - there).T, stack.groups, how)
    grid = np.meshgrid(*(stack.labels[name] for name in kept), indexing="ij")
    exploratory = scope is Scope.CELL
    return MapDifference(
        family=stack.family,
        scope=scope,
        run=runs[place].label,
        reference=runs[0].label,
        labels={name: each.ravel() for name, each in zip(kept, grid, strict=True)},
        here=here.mean(axis=1),
        there=there.mean(axis=1),
        difference=flips.mean,
        low=flips.mean - flips.reach,
        high=flips.mean + flips.reach,
        p=flips.p,
        p_adjusted=false_discovery(flips.p) if exploratory else flips.p_adjusted,
        n=len(stack.items),
        groups=len(set(stack.groups)),
        estimated=stack.estimated,
        regridded=stack.regridded,
    )
