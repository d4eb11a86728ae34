"""What changed between two checkpoints, split into state and rest."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.components import DIMS as LAYER_DIMS
from mediate.figures.style import FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results.crossing import Crossing, set_changes
from mediate.results.crossing_folder import CrossResults
from mediate.results.kinds import parse_kind
from mediate.results.maps import EffectMap
from mediate.stats import Estimate

CROSSING_SIZE = (7.2, 3.7)
COMPONENTS = "cross-components-"
# None of these is a channel's: what is split here is a change between two checkpoints.
STATE, REST, QUESTION, READERS = "#D55E00", "#56B4E9", "#CC79A7", "#882255"
# From top to bottom, a gap between blocks: the estimate, what to call it, its colour.
_BLOCKS = (
    (("total", "total change", INK),),
    (
        ("state", "CoT state (Shapley of two)", STATE),
        ("rest", "all else (Shapley of two)", REST),
        ("interaction", "interaction", FAINT),
    ),
    (
        ("state_in_original", "CoT state, in the original", STATE),
        ("state_in_tuned", "CoT state, in the tuned", STATE),
    ),
    (
        ("question", "question state (Shapley of three)", QUESTION),
        ("chain", "CoT state (Shapley of three)", STATE),
        ("readers", "reading weights (Shapley of three)", READERS),
    ),
)
_GAP = 0.5


def plot_crossing(crossing: Crossing, *, seed: int = 0, level: float = 0.95, ax: Axes | None = None) -> Axes:
    """Mean change from the original to the tuned checkpoint, and its splits, in nats with intervals over groups.

    Positive speaks for the right answer. State and all else sum to the total change, and so do the three of the last
    block; the two in between are the state's effect into either model, which differ by the interaction. A hollow point
    has no interval.

    Raises:
        InputError: The crossing has no items.
    """
    if not crossing.items:
        raise InputError("no item was crossed, so there is no change to draw")
    changes = set_changes(crossing, seed=seed, level=level)
    with canvas(ax, CROSSING_SIZE) as axes:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        rows = _draw_rows(axes, changes)
        axes.set_yticks(rows, [words for block in _BLOCKS for _, words, _ in block])
        axes.set_ylim(rows[-1] + 0.6, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.06)
        axes.set_xlabel(_axis_label(crossing, changes["total"], level), parse_math=False)
    return axes


def _draw_rows(axes: Axes, changes: Mapping[str, Estimate]) -> list[float]:
    rows: list[float] = []
    row = 0.0
    for block in _BLOCKS:
        for name, _, colour in block:
            each = changes[name]
            has_interval = bool(np.isfinite(each.low))
            if has_interval:
                axes.hlines(row, each.low, each.high, color=colour, linewidth=2.2)
            fill = colour if has_interval else "white"
            axes.plot(each.value, row, "o", color=colour, markersize=6.5, markerfacecolor=fill)
            text = f"{each:.3g}".replace("-", "−")
            axes.annotate(text, (1.02, row), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
            rows.append(row)
            row += 1
        row += _GAP
    return rows


def _axis_label(crossing: Crossing, total: Estimate, level: float) -> str:
    items, groups = len(set(crossing.items)), len(set(crossing.groups))
    worlds = " in both worlds" if len(set(crossing.worlds)) == 2 else ""
    counts = f"n = {items} item{'s' * (items != 1)}{worlds}, {groups} group{'s' * (groups != 1)}"
    missing = f"; {'one group: ' if total.groups == 1 else ''}no interval"
    interval = f"; {level * 100:g} % intervals" if np.isfinite(total.low) else missing
    first = f"change in {label(crossing.outcome)}, tuned less original (nats; positive: for the right answer)"
    return f"{first}\n{counts}{interval}"


def component_rows(results: CrossResults) -> dict[str, dict[str, list[EffectMap]]]:
    """By the figure's name, one a view and world: the maps over layers alone, by component; two components at least."""
    found: dict[str, dict[str, list[EffectMap]]] = {}
    for each in results.maps:
        kind = parse_kind(each.kind)
        if kind.view is not None and each.dims == LAYER_DIMS:
            name = f"{COMPONENTS}{kind.view}{'-source' * kind.source}"
            found.setdefault(name, {}).setdefault(str(replace(kind, view=None)), []).append(each)
    return {name: rows for name, rows in found.items() if len(rows) > 1}
