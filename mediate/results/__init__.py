"""What was measured, as labelled arrays: the cube, maps, their arithmetic and shares; tables in and out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Modules are imported on first use: tables and statistics take seconds, which a mistyped command need not pay.
_HOME = {
    "CHANNELS": "cube",
    "MIN_TE": "kinds",
    "Cube": "cube",
    "EffectMap": "maps",
    "Measured": "told",
    "Reject": "told",
    "Results": "folder",
    "Told": "told",
    "corners": "cube",
    "item_shares": "cube",
    "mean_map": "maps",
    "read_results": "folder",
    "set_effects": "cube",
    "set_shares": "cube",
    "shapley": "cube",
    "total_effect": "cube",
    "write_results": "folder",
}
__all__ = [*_HOME]

if TYPE_CHECKING:
    from mediate.results.cube import CHANNELS as CHANNELS
    from mediate.results.cube import Cube as Cube
    from mediate.results.cube import corners as corners
    from mediate.results.cube import item_shares as item_shares
    from mediate.results.cube import set_effects as set_effects
    from mediate.results.cube import set_shares as set_shares
    from mediate.results.cube import shapley as shapley
    from mediate.results.cube import total_effect as total_effect
    from mediate.results.folder import Results as Results
    from mediate.results.folder import read_results as read_results
    from mediate.results.folder import write_results as write_results
    from mediate.results.kinds import MIN_TE as MIN_TE
    from mediate.results.maps import EffectMap as EffectMap
    from mediate.results.maps import mean_map as mean_map
    from mediate.results.told import Measured as Measured
    from mediate.results.told import Reject as Reject
    from mediate.results.told import Told as Told


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mediate.results' has no attribute {name!r}")
    return getattr(import_module(f"mediate.results.{_HOME[name]}"), name)
