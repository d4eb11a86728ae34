"""Effects along one axis, layers or heads: a group of bars a layer, a bar a kind of map; many layers are lines."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.found import headed, peak
from mediate.figures.over import along_data, mean_te
from mediate.figures.style import INK, canvas, effect_label, hold_margin, run_colours
from mediate.figures.text import MOST_OF_A_KIND, in_lines, label
from mediate.results import EffectMap

ALONG_SIZE = (7.2, 3.0)
# More bars than this are lines.
MOST_BARS = 48


def plot_along(
    kinds: Sequence[Sequence[EffectMap]], *, seed: int = 0, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """The mean effect at each label of the one axis of maps, a bar a kind, with its pointwise interval over groups.

    Maps over layers by component, such as `state.attn_out:layer` and `state.mlp_out:layer`, so stand side by side.
    Their bars do not add up: what is patched in one layer is computed from in the next.

    Args:
        kinds: The maps of each kind, all over the same one axis.
        seed: Of the bootstrap.
        level: Coverage of the intervals.
        ax: Where to draw.

    Raises:
        InputError: No maps, or maps over more than one axis or over different ones.
    """
    found = along_kinds_data(kinds, seed=seed, level=level)
    name = kinds[0][0].dims[0]
    labels = sorted(set(found[name]))
    colours = run_colours(len(kinds))
    bars = len(labels) * len(kinds) <= MOST_BARS
    with canvas(ax, ALONG_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=3)
        bounded = bool((found["high"] > found["low"]).any())
        for place, (maps, colour) in enumerate(zip(kinds, colours, strict=True)):
            own = found[found["kind"] == maps[0].kind]
            key = f"{label(maps[0].kind, MOST_OF_A_KIND)} (n = {len({each.item for each in maps})})"
            if bars:
                width = 0.8 / len(kinds)
                at = own[name] + (place - (len(kinds) - 1) / 2) * width
                axes.bar(at, own["effect"], 0.92 * width, color=colour, label=key, alpha=0.85)
                axes.vlines(at, own["low"], own["high"], color="0.55" if colour == INK else INK, linewidth=1.1)
            else:
                axes.plot(own[name], own["effect"], color=colour, label=key)
                if len(kinds) <= 4:
                    axes.fill_between(own[name], own["low"], own["high"], color=colour, alpha=0.16, linewidth=0)
        if bars:
            axes.set_xticks(labels if len(labels) <= 30 else labels[::2])
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        said = f"{'bars' if bars else 'bands'}: pointwise {level * 100:g} % intervals over groups"
        axes.set_xlabel(f"{name.replace('kv_head', 'KV head')}; {said if bounded else 'no interval'}")
        axes.set_ylabel(in_lines(f"mean {effect_label(label(kinds[0][0].outcome))}", 40), parse_math=False)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        hold_margin(axes, mean_te(kinds[0]))
        headed(axes, peak(max(kinds, key=_size), seed=seed, level=level))
    return axes


def along_kinds_data(kinds: Sequence[Sequence[EffectMap]], *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What `plot_along` draws: a row a kind and label, see `along_data`."""
    if not kinds or not all(kinds) or any(len(each.dims) != 1 for maps in kinds for each in maps):
        raise InputError("bars are drawn from maps over one axis; score with a map such as 'state.mlp_out:layer'")
    if len({each.dims for maps in kinds for each in maps}) > 1:
        raise InputError("the maps are over different axes; draw those over layers, or those over heads")
    return pd.concat([along_data(maps, seed=seed, level=level) for maps in kinds], ignore_index=True)


def _size(maps: Sequence[EffectMap]) -> float:
    return float(np.mean([np.nanmax(abs(each.values), initial=0.0) for each in maps]))
