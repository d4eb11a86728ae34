"""What was found in a part of a run's page, in the few words that its contents list has room for."""

from collections.abc import Sequence

import numpy as np

from mediate.figures.over import aligned, uneven
from mediate.report.analysis import map_kinds, step_layer_maps
from mediate.report.words import number, plural
from mediate.results import EffectMap, Results, mean_map
from mediate.results.controls import ControlSummary
from mediate.results.outcomes import unit_of


def largest(results: Results, outcome: str) -> str:
    """Where the first kind of map over step and layer is largest, in a few words."""
    kinds = map_kinds(results, outcome)
    return peak(step_layer_maps(results, outcome, kinds[0]), kinds[0]) if kinds else ""


def peak(maps: Sequence[EffectMap], name: str) -> str:
    """Where the mean of maps over step and layer is largest, in a few words; empty where nothing of it is a number."""
    # As in the figure: steps of chains of different length are counted to the last one.
    mean, coords, _ = mean_map(aligned(maps, "end" if uneven(maps) else "start"))
    if np.isnan(mean).all():
        return ""
    row, column = np.unravel_index(np.nanargmax(abs(mean)), mean.shape)
    step = coords["step"][row]
    where = "the last step" if step == -1 else f"step {number(float(step), 0)}"
    place = f"{where}, layer {coords['layer'][column]}"
    return f"{name}: largest at {place}, {number(float(mean[row, column]))} {unit_of(maps[0].outcome)}"


def controls_found(found: Sequence[ControlSummary]) -> str:
    """How many of the controls that must be 0 are, and how many others there are."""
    must = [each.held for each in found if each.held is not None]
    broken = must.count(False)
    said = f"{broken} of {len(must)} that must be 0 BROKEN" if broken else f"all {len(must)} that must be 0 are"
    return f"{said if must else 'none must be 0'}; {plural(len(found) - len(must), 'other')}"
