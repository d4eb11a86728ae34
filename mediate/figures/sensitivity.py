"""The effects of replacing the chain by different things, side by side."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import estimate_words, headed
from mediate.figures.style import FAINT, INK, canvas, effect_label
from mediate.figures.text import label
from mediate.results.outcomes import unit_of
from mediate.results.sensitivity import Sensitivity
from mediate.showing import plural

ROW_HEIGHT, MARGIN = 0.24, 1.2


def sensitivity_size(rows: int) -> tuple[float, float]:
    """Width and height for so many replacements, in inches."""
    return 7.2, MARGIN + ROW_HEIGHT * rows


def plot_sensitivity(found: Sequence[Sensitivity], *, outcome: str, ax: Axes | None = None) -> Axes:
    """A dot a replacement with its interval; one without an interval is a hollow dot, one without a value is named.

    The first row is what the run's own contrast does to the chain; a line goes down from it.

    Args:
        found: From `mediate.results.sensitivity.sensitivity`.
        outcome: What was read at the answer.
        ax: Where to draw.

    Raises:
        InputError: No replacement has an effect.
    """
    if not any(each.effect.defined for each in found):
        raise InputError("no replacement of the chain has an effect, so there is nothing to draw")
    with canvas(ax, sensitivity_size(len(found))) as axes:
        axes.axvline(0, color=FAINT, linewidth=0.8)
        if found[0].effect.defined:
            axes.axvline(found[0].effect.value, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        for row, each in enumerate(found):
            effect = each.effect
            if not effect.defined:
                axes.annotate("not measured", (0, row), xytext=(4, 0), textcoords="offset points", va="center")
                continue
            bounded = bool(np.isfinite(effect.low))
            if bounded:
                axes.hlines(row, effect.low, effect.high, color=INK, linewidth=2.0)
            axes.plot(effect.value, row, "o", color=INK, markersize=6, markerfacecolor=INK if bounded else "white")
        axes.set_yticks(range(len(found)), [label(each.name) for each in found])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(effect_label(label(outcome)), parse_math=False)
        headed(axes, _title(found, unit_of(outcome)))
    return axes


def _title(found: Sequence[Sensitivity], unit: str) -> str:
    """Which replacement takes most, where its interval has nothing in common with the run's own contrast's."""
    own, others = found[0].effect, [each for each in found[1:] if np.isfinite(each.effect.low)]
    plain = f"What is lost with each of {plural(len(found), 'replacement')} of the chain"
    if not others or not np.isfinite(own.low):
        return plain
    most = max(others, key=lambda each: abs(each.effect.value))
    if own.low <= most.effect.high and most.effect.low <= own.high:
        return f"{plain}: none is told apart from {label(found[0].name, 40)}" if len(others) == 1 else plain
    more = "more" if abs(most.effect.value) > abs(own.value) else "less"
    return f"{label(most.name, 40)} takes {estimate_words(most.effect)} {unit}, {more} than {label(found[0].name, 40)}"


def sensitivity_data(found: Sequence[Sensitivity]) -> pd.DataFrame:
    """What `plot_sensitivity` draws: a row a replacement with `effect`, `low`, `high`, `n` and how many it lacks."""
    rows = [
        (each.name, each.effect.value, each.effect.low, each.effect.high, each.effect.n, each.left_out)
        for each in found
    ]
    return pd.DataFrame(rows, columns=["replacement", "effect", "low", "high", "n", "left_out"])
