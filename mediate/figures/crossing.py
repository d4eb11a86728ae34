"""What changed between two checkpoints, split into state and rest."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.components import DIMS as LAYER_DIMS
from mediate.figures.found import clear, estimate_words, headed
from mediate.figures.heat import signed
from mediate.figures.style import FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results.crossing import Crossing, set_changes
from mediate.results.crossing_folder import CrossResults
from mediate.results.crossing_names import CHANGE_WORDS
from mediate.results.kinds import parse_kind
from mediate.results.maps import EffectMap
from mediate.showing import plural
from mediate.stats import Estimate

CROSSING_SIZE, CROSSING_NARROW = (7.2, 3.7), (3.6, 4.6)
COMPONENTS = "cross-components-"
# None of these is a channel's: what is split here is a change between two checkpoints.
STATE, REST, QUESTION, READERS = "#D55E00", "#56B4E9", "#CC79A7", "#882255"
# From top to bottom, a gap between blocks: the estimates, each with its colour.
_BLOCKS = (
    (("total", INK),),
    (("state", STATE), ("rest", REST), ("interaction", FAINT)),
    (("state_in_original", STATE), ("state_in_tuned", STATE)),
    (("question", QUESTION), ("chain", STATE), ("readers", READERS)),
)
DRAWN = tuple(name for block in _BLOCKS for name, _ in block)
_GAP = 0.5


def plot_crossing(
    crossing: Crossing, *, seed: int = 0, level: float = 0.95, within: bool = False, ax: Axes | None = None
) -> Axes:
    """Mean change from the original to the tuned checkpoint, and its splits, in nats with intervals over groups.

    Positive speaks for the right answer. State and all else sum to the total change, and so do the three of the last
    block; the two in between are the state's effect into either model, which differ by the interaction. A hollow point
    has no interval. The title says with what the change comes, where the intervals tell it.

    Args:
        crossing: Of one outcome.
        seed: Of the bootstrap.
        level: Coverage of the intervals.
        within: Whether names and numbers stand over their rows, within the axes, as on a phone.
        ax: Where to draw.

    Raises:
        InputError: The crossing has no items.
    """
    if not crossing.items:
        raise InputError("no item was crossed, so there is no change to draw")
    changes = set_changes(crossing, seed=seed, level=level)
    with canvas(ax, CROSSING_SIZE) as axes:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        rows = _draw_rows(axes, changes, within=within)
        axes.set_yticks(rows, [CHANGE_WORDS[name] for name in DRAWN])
        axes.tick_params(axis="y", labelleft=not within)
        axes.set_ylim(rows[-1] + 0.6, -0.9 if within else -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.06)
        axes.set_xlabel(_axis_label(crossing, changes["total"], level), parse_math=False)
        headed(axes, crossing_said(changes) or "Change from the original to the tuned checkpoint")
    return axes


def crossing_data(crossing: Crossing, *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What `plot_crossing` draws: a row a change with its `value`, `low`, `high`, `n` and `groups`, in nats."""
    changes = set_changes(crossing, seed=seed, level=level)
    rows = [
        (CHANGE_WORDS[name], changes[name].value, changes[name].low, changes[name].high, changes[name].n)
        for name in DRAWN
    ]
    frame = pd.DataFrame(rows, columns=["change", "value", "low", "high", "n"])
    return frame.assign(groups=changes["total"].groups, outcome=crossing.outcome)


def crossing_said(changes: Mapping[str, Estimate]) -> str:
    """With what the change comes, in a sentence; empty where its interval does not tell it from 0."""
    total, parts = changes["total"], {name: changes[name] for name in ("state", "rest")}
    if not clear(total):
        return ""
    moved = f"The right answer {'gains' if total.value > 0 else 'loses'} {signed(abs(total.value))} nats"
    told = [name for name, each in parts.items() if clear(each)]
    if not told:
        return f"{moved}; how that splits cannot be told"
    if len(told) == 1:
        (other,) = parts.keys() - set(told)
        return f"{moved}, with {_with(told[0])}; that of {_with(other)} cannot be told from 0"
    listed = " and ".join(f"{signed(each.value)} with {_with(name)}" for name, each in parts.items())
    against = any(each.value * total.value < 0 for each in parts.values())
    return f"{moved}{', of two that pull apart' if against else ''}: {listed}"


def _with(name: str) -> str:
    return "the CoT state" if name == "state" else CHANGE_WORDS[name]


def _draw_rows(axes: Axes, changes: Mapping[str, Estimate], *, within: bool) -> list[float]:
    rows: list[float] = []
    row = 0.0
    for block in _BLOCKS:
        for name, colour in block:
            each = changes[name]
            has_interval = bool(np.isfinite(each.low))
            if has_interval:
                axes.hlines(row, each.low, each.high, color=colour, linewidth=2.2)
            fill = colour if has_interval else "white"
            axes.plot(each.value, row, "o", color=colour, markersize=6.5, markerfacecolor=fill)
            _say(axes, name, each, row, within=within)
            rows.append(row)
            row += 1
        row += _GAP
    return rows


def _say(axes: Axes, name: str, each: Estimate, row: float, *, within: bool) -> None:
    """The number of a row at its right, or over it after its name."""
    if within:
        said, at, size = f"{CHANGE_WORDS[name]}: {estimate_words(each)}", (0.0, row - 0.38), 7.5
    else:
        said, at, size = estimate_words(each), (1.02, row), 9.0
    place = ("axes fraction", "data")
    axes.annotate(said, at, xycoords=place, va="center", fontsize=size, annotation_clip=False)


def _axis_label(crossing: Crossing, total: Estimate, level: float) -> str:
    items, groups = len(set(crossing.items)), len(set(crossing.groups))
    worlds = " in both worlds" if len(set(crossing.worlds)) == 2 else ""
    counts = f"n = {plural(items, 'item')}{worlds}, {plural(groups, 'group')}"
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
