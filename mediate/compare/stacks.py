"""Maps of one kind from several runs, as arrays over the same items and cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mediate.compare.runs import NamedRun
from mediate.results import EffectMap, total_effect
from mediate.results.kinds import is_estimate, parse_kind

# Places along the chain; tokens have no counterpart in another item or tokenizer, so positions are always summed.
STEP, POSITION, LAYER = "step", "position", "layer"
# At every layer the whole residual stream: neighbouring layers hold the same effect, not parts of one.
CUMULATIVE = ("resid_pre", "resid_mid", "resid_post")
FAR_APART = "their heads are not the same"


@dataclass(frozen=True, slots=True)
class MapFamily:
    """Maps of one kind, axes and outcome.

    Args:
        kind: Such as `read`.
        dims: The axes as measured.
        outcome: What is read at the answer.
    """

    kind: str
    dims: tuple[str, ...]
    outcome: str

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(self.dims)} of {self.outcome}"


@dataclass(frozen=True, slots=True)
class Stack:
    """One family of all runs on common axes.

    Args:
        family: What the maps are of.
        values: In nats; an item that lacks a step has 0 there, so that a sum over items and steps counts every effect.
        te: Each run's total effects of the same items.
        items: The items of which every run has such a map.
        groups: The group of each.
        labels: The labels along each axis of `dims`; a layer's is its relative depth, in (0, 1). Steps are counted from
            the first, 0, or where the items' chains differ in length to the last, -1, which all of them have.
        dims: Names of the axes of `values` after run and item: of step, layer, and the rest as measured.
        regridded: Whether the runs differ in depth, so that layers were put together on a common grid.
        estimated: Whether the maps are gradient estimates.
    """

    family: MapFamily
    values: Float[np.ndarray, "run item *axes"]
    te: Float[np.ndarray, "run item"]
    items: tuple[str, ...]
    groups: tuple[str, ...]
    labels: Mapping[str, tuple[float, ...]]
    dims: tuple[str, ...]
    regridded: bool
    estimated: bool


def families(run: NamedRun) -> tuple[MapFamily, ...]:
    """The kinds of maps that a run has."""
    return tuple(dict.fromkeys(MapFamily(each.kind, each.dims, each.outcome) for each in run.results.maps))


def stack_family(
    runs: Sequence[NamedRun], family: MapFamily, items: Mapping[str, str], same_steps: frozenset[str]
) -> Stack | str:
    """One family of all runs on common axes, or why it cannot be compared.

    Args:
        runs: What is compared.
        family: The maps.
        items: The shared items, each with its group.
        same_steps: Items whose chains have the same steps in all runs; only if all items do are steps told apart.
    """
    kind = parse_kind(family.kind)
    if kind.of.outcome:
        return "a step graph's cells have outcomes of their own, and no total effect in common"
    if kind.of.gaps:
        return f"not every cell of an {kind.of.name} map has a number"
    if kind.adaptive:
        return "an adaptive map leaves out other cells in each run"
    found = [_of_family(run, family) for run in runs]
    lacking = next((run.label for run, maps in zip(runs, found, strict=True) if not maps), None)
    if lacking is not None:
        return f"{lacking!r} has none"
    shared = [item for item in items if all(item in maps for maps in found)]
    if not shared:
        return "no item has one in all runs"
    kept = [{item: maps[item] for item in shared} for maps in found]
    rest = tuple(name for name in family.dims if name not in (STEP, POSITION, LAYER))
    if len({tuple(each.coords[name] for name in rest) for maps in kept for each in maps.values()}) > 1:
        return FAR_APART
    depth = [_depth(maps) for maps in kept] if LAYER in family.dims else []
    if any(layers is None for layers in depth):
        return "a map does not have every layer from 0 on, or not the same layers in all items"
    steps = _steps(kept) if STEP in family.dims and same_steps.issuperset(shared) else None
    return _stacked(runs, family, kept, {item: items[item] for item in shared}, steps, [each or 0 for each in depth])


def _of_family(run: NamedRun, family: MapFamily) -> dict[str, EffectMap]:
    wanted = (family.kind, family.dims, family.outcome)
    return {each.item: each for each in run.results.maps if (each.kind, each.dims, each.outcome) == wanted}


def _depth(maps: Mapping[str, EffectMap]) -> int | None:
    """The number of layers of a run's maps; None where they are not all layers from 0 on."""
    found = {each.coords[LAYER] for each in maps.values()}
    layers = next(iter(found))
    return len(layers) if len(found) == 1 and layers == tuple(range(len(layers))) else None


def _steps(kept: Sequence[Mapping[str, EffectMap]]) -> tuple[int, ...] | None:
    """All steps that any item has, as they are counted; None where an item has others in another run.

    Chains of one length are counted from the first step, 0. What steps of chains that differ have in common is how far
    they are from the last one, so these are counted to it, -1.
    """
    if any(each.coords[STEP] != kept[0][item].coords[STEP] for maps in kept[1:] for item, each in maps.items()):
        return None
    found = {each.coords[STEP] for each in kept[0].values()}
    if len(found) == 1:
        return tuple(sorted(*found))
    return tuple(sorted({step for steps in found for step in _to_the_last(steps)}))


def _to_the_last(steps: tuple[int, ...]) -> tuple[int, ...]:
    """A chain's steps, counted to the last one, -1."""
    count = 1 + max(steps, default=-1)
    return tuple(step - count for step in steps)


def _stacked(
    runs: Sequence[NamedRun],
    family: MapFamily,
    kept: Sequence[Mapping[str, EffectMap]],
    items: Mapping[str, str],
    steps: tuple[int, ...] | None,
    depth: Sequence[int],
) -> Stack:
    bins = min(depth, default=0)
    first = next(iter(kept[0].values()))
    dims = tuple(name for name in family.dims if name == LAYER or (name == STEP and steps is not None))
    dims = (*dims, *(name for name in family.dims if name not in (STEP, POSITION, LAYER)))
    labels: dict[str, tuple[float, ...]] = {name: tuple(map(float, first.coords[name])) for name in dims}
    if steps is not None:
        labels[STEP] = tuple(map(float, steps))
    if LAYER in dims:
        labels[LAYER] = tuple((np.arange(bins) + 0.5) / bins)
    weights = [depth_weights(layers, bins, average=cumulative(family.kind)) for layers in depth]
    shape = (len(runs), len(items), *(len(labels[name]) for name in dims))
    values = np.zeros(shape)
    for place, maps in enumerate(kept):
        for row, item in enumerate(items):
            cells = None if steps is None else _places(maps[item].coords[STEP], steps)
            found = _on_grid(maps[item], cells, weights[place] if weights else None)
            if cells is None:
                values[place, row] = found
            else:
                axis = dims.index(STEP)
                np.moveaxis(values[place, row], axis, 0)[cells] = np.moveaxis(found, axis, 0)
    te = np.stack([_te(run, family.outcome, tuple(items)) for run in runs])
    estimated = is_estimate(family.kind)
    regridded = len(set(depth)) > 1
    return Stack(family, values, te, tuple(items), tuple(items.values()), labels, dims, regridded, estimated)


def _places(own: tuple[int, ...], steps: tuple[int, ...]) -> Int[np.ndarray, " step"]:
    """Where a chain's steps stand among all of them."""
    counted = _to_the_last(own) if min(steps, default=0) < 0 else own
    return np.searchsorted(steps, counted)


def _on_grid(
    each: EffectMap, steps: np.ndarray | None, weights: Float[np.ndarray, "bin layer"] | None
) -> Float[np.ndarray, "*axes"]:
    """One map with its places along the chain summed, unless steps are told apart, and its layers in bins."""
    values, dims = each.values, list(each.dims)
    for name in (STEP, POSITION):
        if name in dims and not (name == STEP and steps is not None):
            values = values.sum(axis=dims.index(name))
            dims.remove(name)
    if weights is not None and weights.shape[0] != weights.shape[1]:
        axis = dims.index(LAYER)
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    return values


def _te(run: NamedRun, outcome: str, items: tuple[str, ...]) -> Float[np.ndarray, " item"]:
    cube = run.results.cube(outcome)
    rows = {item: row for row, item in enumerate(cube.items)}
    return total_effect(cube.y[[rows[item] for item in items]])


def cumulative(kind: str) -> bool:
    """Whether a map's layers each hold the effect of all layers before, so that a sum over layers counts it again."""
    return parse_kind(kind).part in CUMULATIVE


def depth_weights(layers: int, bins: int, *, average: bool = False) -> Float[np.ndarray, "bin layer"]:
    """How much of each layer counts in each bin of relative depth.

    Layer l of L fills the depths from l / L to (l + 1) / L, bin b of B those from b / B to (b + 1) / B, and a layer's
    effect is spread evenly over its depths. So the sum over bins is the sum over layers, whatever their number; an
    interpolation between layers would keep no sum. With `average` a bin is the mean over its depths instead, for
    effects that do not add up over layers. With as many bins as layers this is the identity.
    """
    edges, cuts = np.arange(layers + 1) * bins, np.arange(bins + 1) * layers  # in units of 1 / (layers * bins)
    shared = np.minimum(edges[None, 1:], cuts[1:, None]) - np.maximum(edges[None, :-1], cuts[:-1, None])
    overlap: Float[np.ndarray, "bin layer"] = np.maximum(shared, 0) / (layers if average else bins)
    return overlap
