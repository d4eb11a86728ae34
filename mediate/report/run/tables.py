"""The numbers of a run as data frames, one row a thing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mediate.figures import layer_means
from mediate.report.analysis import analysis_of
from mediate.results import CHANNELS, MIN_TE, Cube, EffectMap, Reject, Results, corners, item_shares, shapley
from mediate.results.cube import cube_table, named_effects
from mediate.results.outcomes import unit_of
from mediate.stats import Estimate

SHARE = "share of TE"
EFFECT_NAMES = {
    "te": "TE",
    "nde": "NDE",
    "nie": "NIE",
    "tde": "TDE",
    "tie": "TIE",
    "interaction": "interaction",
    **{channel: f"{channel} effect" for channel in CHANNELS},
}
SUMMARY_COLUMNS = (
    *("outcome", "quantity", "value", "low", "high", "level", "unit"),
    *("n", "groups", "undefined", "method", "seed", "reason"),
)
REJECT_COLUMNS = ("code", "part", "count", "example")


def summary_table(results: Results) -> pd.DataFrame:
    """A row an outcome and quantity: the classical effects, the three channels', those that the contrast names, and
    the four shares.

    Effects are means over items, in nats; shares are ratios of sums. `value` is NaN where a share is undefined and
    `low`, `high` where there is no interval; `reason` then says why. `undefined` counts the items that have no share of
    their own (they count in the set's shares).
    """
    analysis, rows = analysis_of(results), []
    for cube in results.cubes:
        effects, shares, small = (
            analysis.effects(cube),
            analysis.shares(cube),
            cube.undefined(analysis.least(cube.outcome)),
        )
        for key, name in (EFFECT_NAMES | {each.name: each.name for each in cube.contrast.named}).items():
            rows.append(_row(cube.outcome, name, effects[key], unit_of(cube.outcome), 0))
        for key, share in shares.items():
            rows.append(_row(cube.outcome, f"{key} share", share, SHARE, small))
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _row(outcome: str, quantity: str, estimate: Estimate, unit: str, undefined: int) -> dict[str, object]:
    return {
        "outcome": outcome,
        "quantity": quantity,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "level": estimate.level,
        "unit": unit,
        "n": estimate.n,
        "groups": estimate.groups,
        "undefined": undefined,
        "method": estimate.method,
        "seed": estimate.seed,
        "reason": estimate.reason,
    }


def channel_table(cube: Cube, *, min_te: float = MIN_TE) -> pd.DataFrame:
    """A row an item: TE, the three channels' effects, the classical ones and those that the contrast names, in the
    outcome's unit, and the item's shares.

    Shares are NaN where |TE| <= `min_te`: undefined, not 0.
    """
    frame = pd.DataFrame({"item": cube.items, "group": cube.groups, "outcome": cube.outcome})
    effects = corners(cube.y)
    frame["te"] = effects.te
    frame[list(CHANNELS)] = shapley(cube.y, cube.contrast)
    for name in ("nde", "nie", "tde", "tie", "interaction"):
        frame[name] = getattr(effects, name)
    for name, values in named_effects(cube).items():
        frame[name] = values
    frame[[f"{name}_share" for name in (*CHANNELS, "mediated")]] = item_shares(cube, min_te)
    return frame


def cell_table(cubes: Sequence[Cube]) -> pd.DataFrame:
    """A row an item and outcome: the eight cells `y000` ... `y111`, and the differences of them that the contrast
    names."""
    frame = cube_table(cubes)
    for each in dict.fromkeys(named for cube in cubes for named in cube.contrast.named):
        having = [each.of(cube.y) if each in cube.contrast.named else np.full(len(cube.y), np.nan) for cube in cubes]
        frame[each.name] = np.concatenate(having)
    return frame


def identity_error(cube: Cube) -> float:
    """The largest gap, over items, between TE and NDE + TIE, NIE + TDE or the sum of the Shapley values, in nats."""
    effects, total = corners(cube.y), shapley(cube.y, cube.contrast).sum(axis=1)
    gaps = [effects.nde + effects.tie - effects.te, effects.nie + effects.tde - effects.te, total - effects.te]
    return float(abs(np.stack(gaps)).max(initial=0.0))


def mean_map_table(maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """A row a step and layer: the mean effect in nats, its pointwise interval over groups, n and groups.

    Raises:
        InputError: No maps, or maps over other axes than step and layer, or over different layers.
    """
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "step": each.step,
                    "layer": each.layers,
                    "mean": each.mean,
                    "low": each.low,
                    "high": each.high,
                    "n": each.n,
                    "groups": each.groups,
                }
            )
            for each in layer_means(maps, seed=seed, level=level)
        ],
        ignore_index=True,
    )


def reject_table(rejects: Sequence[Reject]) -> pd.DataFrame:
    """A row a reason: its code, what it left out (an item or one map of it), how often, and the first example."""
    rows: dict[tuple[str, str], list[Reject]] = {}
    for reject in rejects:
        rows.setdefault((reject.part, reject.code), []).append(reject)
    return pd.DataFrame(
        [
            {"code": code, "part": part, "count": len(having), "example": having[0].reason}
            for (part, code), having in rows.items()
        ],
        columns=list(REJECT_COLUMNS),
    )
