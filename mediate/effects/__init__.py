"""What was measured, as labelled arrays: the cube, maps, their arithmetic and shares; tables in and out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Modules are imported on first use: tables and statistics take seconds, which a mistyped command need not pay.
_HOME = {
    "CHANNELS": "cube",
    "MIN_TE": "kinds",
    "Cube": "cube",
    "EffectMap": "maps",
    "Measured": "measured",
    "Reject": "measured",
    "Results": "results",
    "World": "measured",
    "corners": "cube",
    "item_shares": "cube",
    "mean_map": "maps",
    "read_results": "results",
    "set_effects": "cube",
    "set_shares": "cube",
    "shapley": "cube",
    "total_effect": "cube",
    "write_results": "results",
}
__all__ = [*_HOME]

if TYPE_CHECKING:
    from mediate.effects.cube import CHANNELS as CHANNELS
    from mediate.effects.cube import Cube as Cube
    from mediate.effects.cube import corners as corners
    from mediate.effects.cube import item_shares as item_shares
    from mediate.effects.cube import set_effects as set_effects
    from mediate.effects.cube import set_shares as set_shares
    from mediate.effects.cube import shapley as shapley
    from mediate.effects.cube import total_effect as total_effect
    from mediate.effects.kinds import MIN_TE as MIN_TE
    from mediate.effects.maps import EffectMap as EffectMap
    from mediate.effects.maps import mean_map as mean_map
    from mediate.effects.measured import Measured as Measured
    from mediate.effects.measured import Reject as Reject
    from mediate.effects.measured import World as World
    from mediate.effects.results import Results as Results
    from mediate.effects.results import read_results as read_results
    from mediate.effects.results import write_results as write_results


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mediate.effects' has no attribute {name!r}")
    return getattr(import_module(f"mediate.effects.{_HOME[name]}"), name)
