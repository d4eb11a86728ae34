"""What was measured, as labelled arrays: the cube, maps, their arithmetic and shares; tables in and out."""

from mediate.effects.cube import (
    CHANNELS,
    MIN_TE,
    Cube,
    corners,
    item_shares,
    set_effects,
    set_shares,
    shapley,
    total_effect,
)
from mediate.effects.maps import EffectMap, mean_map
from mediate.effects.measured import Measured, Reject, World
from mediate.effects.results import Results, read_results, write_results

__all__ = [
    "CHANNELS",
    "MIN_TE",
    "Cube",
    "EffectMap",
    "Measured",
    "Reject",
    "Results",
    "World",
    "corners",
    "item_shares",
    "mean_map",
    "read_results",
    "set_effects",
    "set_shares",
    "shapley",
    "total_effect",
    "write_results",
]
