"""What an answer loses without the chain and what the chain alone gives it, of several models side by side."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.style import INK, RISING, canvas, effect_label
from mediate.figures.text import label
from mediate.showing import plural
from mediate.stats import Estimate

ROW, MARGINS = 0.42, 1.3
# What is drawn of each model, with its words and colour; neither is a channel.
DRAWN = {
    "necessity": ("necessity: lost without the chain", INK),
    "sufficiency": ("sufficiency: from the chain alone", RISING),
}


def necessity_size(rows: int) -> tuple[float, float]:
    """Inches that `plot_necessity` needs for so many models."""
    return 7.2, MARGINS + ROW * rows


def plot_necessity(found: Mapping[str, Mapping[str, Estimate]], *, outcome: str, ax: Axes | None = None) -> Axes:
    """A row a model: necessity and sufficiency of the chain with their intervals, and a tick at the total effect.

    Args:
        found: By model, the mean effects of a run of items that are held against what is hidden of them.
        outcome: What was read.
        ax: Where to draw.

    Raises:
        InputError: No model has a defined effect.
    """
    if not any(each[name].defined for each in found.values() for name in DRAWN):
        raise InputError("no model has a defined necessity or sufficiency, so there is nothing to draw")
    with canvas(ax, necessity_size(len(found))) as axes:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        for row, effects in enumerate(found.values()):
            if effects["te"].defined:
                axes.plot(effects["te"].value, row, "|", color="0.45", markersize=22, markeredgewidth=1.2)
            for shift, (name, (_, colour)) in zip((-0.13, 0.13), DRAWN.items(), strict=True):
                each = effects[name]
                bounded = bool(np.isfinite(each.low))
                if bounded:
                    axes.hlines(row + shift, each.low, each.high, color=colour, linewidth=2)
                fill = colour if bounded else "white"
                axes.plot(each.value, row + shift, "o", color=colour, markersize=5.5, markerfacecolor=fill)
        for words, colour in DRAWN.values():
            axes.plot([], [], "o", color=colour, markersize=5.5, label=words)
        axes.plot([], [], "|", color="0.45", markersize=9, markeredgewidth=1.2, label="total effect", linestyle="none")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3, columnspacing=1.0, borderaxespad=0.2)
        axes.set_yticks(range(len(found)), [label(name, 40) for name in found], parse_math=False)
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        n = sorted({effects["te"].n for effects in found.values()})
        counts = f"n = {plural(n[0], 'item')}" if len(n) == 1 else f"n = {n[0]} to {n[-1]} items"
        axes.set_xlabel(f"mean {effect_label(label(outcome))}; {counts}", parse_math=False)
        axes.grid(axis="x", color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_title(_title(found), loc="left", pad=22)
    return axes


def necessity_data(found: Mapping[str, Mapping[str, Estimate]]) -> pd.DataFrame:
    """What `plot_necessity` draws: a row a model and effect (`te`, `necessity`, `sufficiency`) with its interval."""
    rows = [
        (model, name, effects[name].value, effects[name].low, effects[name].high, effects[name].n)
        for model, effects in found.items()
        for name in ("te", *DRAWN)
    ]
    return pd.DataFrame(rows, columns=["model", "effect", "value", "low", "high", "n"])


def _title(found: Mapping[str, Mapping[str, Estimate]]) -> str:
    needing = [name for name, effects in found.items() if effects["necessity"].low > 0]
    return f"The answer needs its chain in {len(needing)} of {plural(len(found), 'model')}"
