"""Effects by step, layer and head: labelled arrays, and their mean over items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mediate.effects.agreement import Agreement
from mediate.effects.kinds import ADAPTIVE as ADAPTIVE
from mediate.effects.kinds import WITH_GAPS as WITH_GAPS

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True, slots=True)
class EffectMap:
    """One item's effects over named axes.

    Args:
        values: In nats, positive towards the base answer; one axis for each of `dims`.
        dims: Names of the axes, such as `("step", "layer")`.
        coords: The labels along each axis.
        item: The item's id.
        group: The item's group.
        kind: What the effect is of, such as `read`.
        outcome: The name of the outcome.
        te: The item's total effect on the same outcome, for scale; NaN where the cells have outcomes of their own.
        agreement: Of an estimated map, how far it agrees with exact patching; None of an exact one.

    NaN is an effect that is undefined, which only maps of `WITH_GAPS` may hold, or one that an adaptive map left out.
    """

    values: Float[np.ndarray, "..."]
    dims: tuple[str, ...]
    coords: Mapping[str, tuple[int, ...]]
    item: str
    group: str
    kind: str
    outcome: str
    te: float
    agreement: Agreement | None = None

    def __post_init__(self) -> None:
        wanted = tuple(len(self.coords[name]) for name in self.dims)
        if self.values.shape != wanted or set(self.coords) != set(self.dims):
            raise ValueError(
                f"item {self.item!r}: values {self.values.shape} and labels {dict(zip(self.dims, wanted, strict=True))}"
            )
        holes = np.isnan(self.values) & (self.kind in WITH_GAPS or self.kind.endswith(ADAPTIVE))
        if not (np.isfinite(self.values) | holes).all():
            raise ValueError(f"item {self.item!r}: a {self.kind} effect is NaN or infinite")

    def to_frame(self) -> "pandas.DataFrame":
        """A row a cell, columns as in `results/effects.parquet`: the axes, item, group, kind, outcome, te, effect."""
        from mediate.effects.frames import effect_table

        return effect_table([self])

    def to_xarray(self) -> "xarray.DataArray":
        """A labelled array; see `mediate.effects.arrays.map_array`.

        Raises:
            InputError: xarray is not installed.
        """
        from mediate.effects.arrays import map_array

        return map_array(self)


def mean_map(
    maps: Sequence[EffectMap],
) -> tuple[Float[np.ndarray, "..."], dict[str, tuple[int, ...]], Float[np.ndarray, "..."]]:
    """Mean over items at each label, the labels, and how many items have each cell.

    Chains differ in length: a cell's mean is over the items that have that step, and in which its effect is defined;
    the third array counts them; the mean is NaN where there is none.

    Raises:
        ValueError: No maps, or maps of different kinds, outcomes or axes.
    """
    if not maps:
        raise ValueError("mean_map needs at least one map")
    if len({(each.dims, each.kind, each.outcome) for each in maps}) != 1:
        raise ValueError("maps of different kinds, outcomes or axes have no common mean")
    dims = maps[0].dims
    coords = {name: tuple(sorted(set().union(*(each.coords[name] for each in maps)))) for name in dims}
    total = np.zeros(tuple(len(coords[name]) for name in dims))
    count = np.zeros_like(total)
    for each in maps:
        cells = np.ix_(*(np.searchsorted(coords[name], each.coords[name]) for name in dims))
        total[cells] += np.nan_to_num(each.values)
        count[cells] += ~np.isnan(each.values)
    mean = np.full_like(total, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean, coords, count
