"""Effects of single CoT tokens: of items together, counted from where the chain states its answer or ends."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed, peak
from mediate.figures.heat import draw_heat, heat_key, label_axis
from mediate.figures.over import along_data, check_maps, mean_data, mean_te, means_over, own_scale
from mediate.figures.scale import ColourScale
from mediate.figures.steps import bar_words, colours_of
from mediate.figures.style import FAINT, INK, canvas, effect_label, hold_margin
from mediate.figures.text import in_lines, label
from mediate.figures.told_apart import crossed_of, crossed_words
from mediate.results import EffectMap
from mediate.showing import plural

POSITIONS_SIZE = (7.2, 3.0)
POSITION = "position"
# Tokens on either side of the one that is counted from.
MOST_AWAY = 60
# A position that fewer of the items have, as a part of them, is not drawn.
LEAST_PART = 0.1


def from_token(maps: Sequence[EffectMap], origins: Mapping[str, int]) -> tuple[EffectMap, ...]:
    """The maps with positions counted from one of each item's tokens, which is 0; without items that have none."""
    return tuple(_moved(each, origins[each.item]) for each in maps if each.item in origins)


def from_end(maps: Sequence[EffectMap]) -> tuple[EffectMap, ...]:
    """The maps with positions counted to the chain's last token, -1."""
    return tuple(_moved(each, max(each.coords[POSITION]) + 1) for each in maps if each.coords[POSITION])


def _moved(each: EffectMap, origin: int) -> EffectMap:
    places = tuple(place - origin for place in each.coords[POSITION])
    return replace(each, coords={**each.coords, POSITION: places})


def plot_positions(
    maps: Sequence[EffectMap],
    origins: Mapping[str, int] | None = None,
    *,
    scale: ColourScale | None = None,
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Mean effect by CoT token over items, counted from a token that all have: with layers a heat map, else a line.

    Tokens of different chains have nothing in common but how far they are from such a token: from the one at which the
    chain states its answer, if `origins` has it for an item or more, else from the end of the chain. Up to 60 tokens on
    either side are drawn, and of these such as a tenth of the items have. Of further axes, a cell is the effect that is
    largest in size along them.

    Args:
        maps: Of one kind, over positions and perhaps more.
        origins: By item, the token that is counted from; items without one are left out.
        scale: The colours of maps that stand side by side; by default those of `own_scale`.
        seed: Of the bootstrap.
        level: Coverage of the pointwise intervals of a line, and of cells, which are crossed if not told from 0.
        ax: Where to draw.

    Raises:
        InputError: No maps, maps without positions, or none with a number.
    """
    counted, name = _counted(maps, origins)
    if counted[0].dims == (POSITION,):
        return _plot_line(counted, name, seed=seed, level=level, ax=ax)
    across = "layer" if "layer" in counted[0].dims else next(each for each in counted[0].dims if each != POSITION)
    means = means_over(counted, (across, POSITION))
    scale = scale or own_scale(counted, means.values)
    crossed = None if means.notes else crossed_of(counted, (across, POSITION), seed=seed, level=level)
    with canvas(ax, POSITIONS_SIZE) as axes:
        draw_heat(axes, means.values, scale, bar=bar_words(counted), crossed=crossed)
        places = means.coords[POSITION]
        zero = places.index(0) if 0 in places else len(places) - 1
        if 0 in places:
            axes.axvline(zero, color=INK, linewidth=0.6, linestyle=(0, (1, 2)))
        label_axis(axes.xaxis, "", places, named=zero)
        axes.set_xlabel("; ".join([name, *means.notes]))
        label_axis(axes.yaxis, f"{across.replace('kv_head', 'KV head')} (n = {_items(counted)})", means.coords[across])
        lines = heat_key(axes, means.values, scale, colours_of(maps[0]), crossed=crossed, said=crossed_words(level))
        headed(axes, peak(counted, seed=seed, level=level), over=lines)
    return axes


def positions_data(
    maps: Sequence[EffectMap], origins: Mapping[str, int] | None = None, *, seed: int = 0, level: float = 0.95
) -> pd.DataFrame:
    """What `plot_positions` draws: a row a position as it is counted, and of further axes; see `mean_data`.

    Of maps over positions alone, with intervals: see `along_data`.
    """
    counted, _ = _counted(maps, origins)
    table = along_data if counted[0].dims == (POSITION,) else mean_data
    return table(counted, seed=seed, level=level)


def _counted(maps: Sequence[EffectMap], origins: Mapping[str, int] | None) -> tuple[tuple[EffectMap, ...], str]:
    """The maps as they are counted, without the tokens that hardly any item has, and what the axis is called."""
    check_maps(maps, (POSITION,), "read:position,layer")
    counted, name = from_token(maps, origins or {}), "CoT token, from where the answer is stated"
    if not counted:
        counted, name = from_end(maps), "CoT token, −1 the last"
    having: dict[int, int] = {}
    for each in counted:
        for place in each.coords[POSITION]:
            having[place] = having.get(place, 0) + 1
    kept = {place for place, count in having.items() if count >= LEAST_PART * len(counted) and abs(place) <= MOST_AWAY}
    if not kept:
        raise InputError("no CoT token of these maps is near enough to the one that is counted from")
    return tuple(_only(each, kept) for each in counted), name


def _only(each: EffectMap, kept: set[int]) -> EffectMap:
    rows = [row for row, place in enumerate(each.coords[POSITION]) if place in kept]
    values = np.take(each.values, rows, axis=each.dims.index(POSITION))
    places = tuple(each.coords[POSITION][row] for row in rows)
    return replace(each, values=values, coords={**each.coords, POSITION: places})


def _plot_line(maps: Sequence[EffectMap], name: str, *, seed: int, level: float, ax: Axes | None) -> Axes:
    found = along_data(maps, seed=seed, level=level)
    with canvas(ax, POSITIONS_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        if 0 in found[POSITION].to_numpy():
            axes.axvline(0, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        bounded = bool(np.isfinite(found["low"]).any())
        if bounded:
            axes.vlines(found[POSITION], found["low"], found["high"], color=FAINT, linewidth=1.2)
        axes.plot(found[POSITION], found["effect"], "o", color=INK, markersize=3.5)
        bars = f"; bars: pointwise {level * 100:g} % intervals over groups" if bounded else "; no interval"
        axes.set_xlabel(f"{name} (n = {_items(maps)}){bars}")
        axes.set_ylabel(in_lines(f"mean {effect_label(label(maps[0].outcome))}", 40), parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        hold_margin(axes, mean_te(maps))
        headed(axes, peak(maps, seed=seed, level=level))
    return axes


def _items(maps: Sequence[EffectMap]) -> str:
    n = len({each.item for each in maps})
    return f"{plural(n, 'item')}"
