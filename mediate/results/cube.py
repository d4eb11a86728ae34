"""The cube Y[d, t, h]: its arithmetic, and the shares of a set of items.

The three channels are *direct* (which world's question the answer reads), *text* (which world's chain of thought stands
there) and *latent* (under which world's question that chain was computed). Index 1 is the base world, 0 the source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from mediate.results.contrasts import TWIN, Contrast, contrast_named
from mediate.results.kinds import MIN_TE as MIN_TE
from mediate.results.labelled import needed_xarray, units_of
from mediate.results.outcomes import outcome_facts
from mediate.stats import Estimate
from mediate.stats.columnwise import ratios_of

if TYPE_CHECKING:
    import pandas
    import xarray

CHANNELS = ("direct", "text", "latent")
CELLS = tuple((d, t, h) for d in (0, 1) for t in (0, 1) for h in (0, 1))
IDENTITY_TOLERANCE = 1e-9
# What a table and a labelled array of cubes call the cells and their axes.
CELL_COLUMNS = tuple(f"y{d}{t}{h}" for d, t, h in CELLS)
CUBE_DIMS = ("item", "d", "t", "h")


class Corners(NamedTuple):
    """The classical effects with the whole CoT as one mediator (Pearl 2001; Robins and Greenland 1992)."""

    te: Float[np.ndarray, " item"]
    nde: Float[np.ndarray, " item"]
    nie: Float[np.ndarray, " item"]
    tde: Float[np.ndarray, " item"]
    tie: Float[np.ndarray, " item"]
    interaction: Float[np.ndarray, " item"]


def total_effect(y: Float[np.ndarray, "item 2 2 2"]) -> Float[np.ndarray, " item"]:
    """TE = Y[1,1,1] - Y[0,0,0], in the outcome's unit."""
    effect: Float[np.ndarray, " item"] = y[:, 1, 1, 1] - y[:, 0, 0, 0]
    return effect


def corners(y: Float[np.ndarray, "item 2 2 2"]) -> Corners:
    """Classical mediation effects with t = h: Y_qm reads question q and mediator m.

    NDE = Y10 - Y00, NIE = Y01 - Y00, TIE = Y11 - Y10, TDE = Y11 - Y01, and the interaction Y11 - Y10 - Y01 + Y00. So
    TE = NDE + TIE = NIE + TDE, while NDE + NIE = TE only without interaction.
    """
    y00, y01, y10, y11 = y[:, 0, 0, 0], y[:, 0, 1, 1], y[:, 1, 0, 0], y[:, 1, 1, 1]
    return Corners(
        te=y11 - y00, nde=y10 - y00, nie=y01 - y00, tde=y11 - y01, tie=y11 - y10, interaction=(y11 - y10) - (y01 - y00)
    )


def shapley(y: Float[np.ndarray, "item 2 2 2"], contrast: Contrast = TWIN) -> Float[np.ndarray, "item 3"]:
    """Each channel's part of the total effect; columns as in `CHANNELS`, rows sum to TE.

    A channel's part is the mean effect of switching it, over the orders in which the three can be switched. The
    contrast says which orders count: all six (Shapley 1953), or the three that switch text before latent; see
    `mediate.results.contrasts`.
    """
    return contrast.shapley(y)


def check_identities(y: Float[np.ndarray, "item 2 2 2"], contrast: Contrast = TWIN) -> None:
    """Raises ArithmeticError on a row where TE = NDE + TIE = NIE + TDE = sum of Shapley values fails."""
    effects, values = corners(y), shapley(y, contrast)
    # Cells that are NaN or infinite do not count here, so that the error names the sum that they spoil.
    scale = np.maximum(1.0, np.nan_to_num(abs(y), posinf=0.0).max(axis=(1, 2, 3)))
    sums = {
        "NDE + TIE": effects.nde + effects.tie,
        "NIE + TDE": effects.nie + effects.tde,
        "Shapley": values.sum(axis=1),
    }
    for name, total in sums.items():
        wrong = np.flatnonzero(~(abs(total - effects.te) <= IDENTITY_TOLERANCE * scale))
        if len(wrong):
            row = int(wrong[0])
            raise ArithmeticError(f"row {row}: {name} is {float(total[row])!r}, and TE is {float(effects.te[row])!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Cube:
    """One outcome of a set of items in all eight combinations of worlds.

    Args:
        y: Axes item, d, t, h (`CHANNELS` in order); index 1 is the base world. In the outcome's
            unit, positive towards the base answer, which of an item by itself is the measured one.
        items: The item ids.
        groups: The group of each item, which the bootstrap resamples.
        outcome: The name of the outcome.
        contrast: What the items are held against: what index 0 means.

    Raises:
        ArithmeticError: An identity of the effects fails on a row.
        ValueError: Labels and values disagree, or a value is not finite.
    """

    y: Float[np.ndarray, "item 2 2 2"]
    items: tuple[str, ...]
    groups: tuple[str, ...]
    outcome: str
    contrast: Contrast = TWIN

    def __post_init__(self) -> None:
        if self.y.shape[1:] != (2, 2, 2) or not len(self.items) == len(self.groups) == len(self.y):
            raise ValueError(f"cube {self.y.shape}, {len(self.items)} items, {len(self.groups)} groups")
        if not np.isfinite(self.y).all():
            raise ValueError(f"outcome {self.outcome!r}: a cell is NaN or infinite")
        check_identities(self.y, self.contrast)

    @property
    def partial(self) -> bool:
        """Whether some items may lack the outcome: one that has no rival answer to be held against."""
        return outcome_facts(self.outcome).partial

    def undefined(self, min_te: float = MIN_TE) -> int:
        """Items whose own shares are undefined because |TE| is not above `min_te`."""
        return int((abs(total_effect(self.y)) <= min_te).sum())

    def to_frame(self) -> "pandas.DataFrame":
        """A row an item, with the columns of `results/cube.parquet`: item, group, outcome, y000 ... y111."""
        return cube_table([self])

    def to_xarray(self) -> "xarray.DataArray":
        """A labelled array with dimensions item, d, t and h; see `cube_array`.

        Raises:
            InputError: xarray is not installed.
        """
        return cube_array(self)


def item_shares(cube: Cube, min_te: float = MIN_TE) -> Float[np.ndarray, "item 4"]:
    """Each item's share of direct, text, latent (Shapley / TE) and mediated (TIE / TE); NaN where |TE| <= `min_te`.

    Shares are not clipped: they leave [0, 1] where channels pull in opposite directions.
    """
    te = total_effect(cube.y)
    effects = np.column_stack([shapley(cube.y, cube.contrast), corners(cube.y).tie])
    shares = np.full(effects.shape, np.nan)
    np.divide(effects, te[:, None], out=shares, where=(abs(te) > min_te)[:, None])
    return shares


def set_shares(cube: Cube, *, min_te: float = MIN_TE, seed: int = 0, level: float = 0.95) -> dict[str, Estimate]:
    """Shares of the whole set: ratios of sums over items, with intervals over resampled groups.

    Keys are the three channels and `mediated`. Every item counts, also those whose own share is undefined; a set's
    share is undefined (NaN, with a reason) where the size of its mean TE is not above `min_te`.
    """
    te = total_effect(cube.y)
    values = dict(zip(CHANNELS, shapley(cube.y, cube.contrast).T, strict=True)) | {"mediated": corners(cube.y).tie}
    return _estimates(cube, values, te, min_te, seed=seed, level=level)


def named_effects(cube: Cube) -> dict[str, Float[np.ndarray, " item"]]:
    """Each item's differences of cells that its contrast names: of `hidden`, necessity, sufficiency and blind."""
    return {each.name: each.of(cube.y) for each in cube.contrast.named}


def set_effects(cube: Cube, *, seed: int = 0, level: float = 0.95) -> dict[str, Estimate]:
    """Mean over items of TE, of each channel's Shapley value, of the classical effects and of those that the contrast
    names, each with its interval."""
    effects = corners(cube.y)._asdict() | named_effects(cube)
    values = dict(zip(CHANNELS, shapley(cube.y, cube.contrast).T, strict=True)) | effects
    return _estimates(cube, values, np.ones(len(cube.items)), 0.0, seed=seed, level=level)


def _estimates(
    cube: Cube,
    numerators: Mapping[str, Float[np.ndarray, " item"]],
    denominator: Float[np.ndarray, " item"],
    least: float,
    *,
    seed: int,
    level: float,
) -> dict[str, Estimate]:
    """Named ratios of sums over one denominator."""
    found = ratios_of(
        np.stack(list(numerators.values())),
        denominator,
        cube.groups,
        min_mean_denominator=least,
        seed=seed,
        level=level,
    )
    return dict(zip(numerators, found, strict=True))


def select(cube: Cube, keep: Sequence[str]) -> Cube:
    """The same cube with only the named items, in the cube's order."""
    wanted = set(keep)
    rows = [row for row, item in enumerate(cube.items) if item in wanted]
    items, groups = tuple(cube.items[row] for row in rows), tuple(cube.groups[row] for row in rows)
    return replace(cube, y=cube.y[rows], items=items, groups=groups)


def cube_table(cubes: Sequence[Cube]) -> "pandas.DataFrame":
    """A row an item and outcome, with columns `y000` ... `y111` in the order d, t, h."""
    import pandas as pd

    frames = [
        pd.DataFrame(
            {"item": cube.items, "group": cube.groups, "outcome": cube.outcome, "contrast": str(cube.contrast)}
            | {name: cube.y[:, d, t, h] for name, (d, t, h) in zip(CELL_COLUMNS, CELLS, strict=True)}
        )
        for cube in cubes
    ]
    return (
        pd.concat(frames, ignore_index=True)
        if frames
        else pd.DataFrame(columns=["item", "group", "outcome", "contrast", *CELL_COLUMNS])
    )


def cubes_from_table(table: "pandas.DataFrame") -> tuple[Cube, ...]:
    """The inverse of `cube_table`; a table from before there were several contrasts is of twins."""
    cubes = []
    named = table if "contrast" in table else table.assign(contrast=str(TWIN))
    for (outcome, contrast), rows in named.groupby(["outcome", "contrast"], sort=False):
        y = rows[list(CELL_COLUMNS)].to_numpy(dtype=np.float64).reshape(-1, 2, 2, 2)
        cubes.append(Cube(y, tuple(rows["item"]), tuple(rows["group"]), str(outcome), contrast_named(str(contrast))))
    return tuple(cubes)


def cube_array(cube: Cube) -> "xarray.DataArray":
    """A cube with dimensions item, d, t and h, and each item's group along item.

    Raises:
        InputError: xarray is not installed.
    """
    array: xarray.DataArray = needed_xarray().DataArray(
        cube.y.copy(),
        dims=CUBE_DIMS,
        coords=cube_coords(cube.items, cube.groups, cube.contrast),
        name=cube.outcome,
        attrs={"units": units_of([cube.outcome]), "outcome": cube.outcome},
    )
    return array


def cube_coords(items: Sequence[str], groups: Sequence[str], contrast: Contrast) -> dict[str, Any]:
    """The labels along the axes of a labelled array of cubes that are all of one contrast."""
    worlds = {
        letter: (letter, [0, 1], {"long_name": f"{channel}: 1 the item as it is, 0 {zero}"})
        for letter, channel, zero in zip("dth", CHANNELS, contrast.zero, strict=True)
    }
    return {"item": list(items), "group": ("item", list(groups)), **worlds}
