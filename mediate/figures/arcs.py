"""The step graph of one item as arcs over its text: from each step to the later ones that it determines."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from mediate.errors import InputError
from mediate.figures.found import headed, item_name
from mediate.figures.graph import check_graph
from mediate.figures.heat import signed
from mediate.figures.style import DIVERGING, FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results import EffectMap

WIDTH, ROW = 7.2, 0.34
# An arc whose effect is below this part of the largest is not drawn.
LEAST_PART = 0.05
# More steps than this have no text beside them, and only the strongest arcs.
MOST_STEPS, MOST_ARCS, MOST_SAID = 24, 40, 60


def arcs_size(graph: EffectMap) -> tuple[float, float]:
    """Inches that `plot_arcs` needs for a graph."""
    return WIDTH, 1.0 + ROW * min(MOST_STEPS, max(3, _steps(graph)))


def plot_arcs(graph: EffectMap, said: Sequence[str] = (), *, ax: Axes | None = None) -> Axes:
    """One item's step graph: a line of text a step, and an arc from a step to each later one whose result it changes.

    Red: swapping the step takes away from what the base chain states there; blue: it adds. The wider, the larger; arcs
    below a twentieth of the largest are left out and counted.

    Args:
        graph: A map of `step_graph.read` or `step_graph.state`.
        said: What each step says.
        ax: Where to draw.

    Raises:
        InputError: It is no step graph, or has no entry.
    """
    found = arcs_data(graph)
    largest = float(found["effect"].abs().max()) or 1.0
    drawn = found[found["effect"].abs() >= LEAST_PART * largest]
    drawn = drawn.loc[drawn["effect"].abs().sort_values().index[-MOST_ARCS:]]
    steps, colours = _steps(graph), colormaps[DIVERGING]
    with canvas(ax, arcs_size(graph)) as axes:
        for step, result, effect in drawn[["step", "result", "effect"]].to_numpy().tolist():
            size = effect / largest
            arrow = FancyArrowPatch(
                (0.0, step),
                (0.0, result),
                connectionstyle=f"arc3,rad={0.55 if result > step else -0.55}",
                arrowstyle="-|>",
                mutation_scale=9,
                shrinkA=3,
                shrinkB=3,
                linewidth=0.6 + 2.6 * abs(size),
                color=colours(0.5 + 0.5 * np.sign(size) * max(0.45, abs(size))),
            )
            arrow.set_label(signed(effect))
            axes.add_patch(arrow)
        axes.plot(np.zeros(steps), range(steps), "o", color=INK, markersize=4, zorder=3)
        for step in range(steps if steps <= MOST_STEPS else 0):
            words = label(said[step].strip(), MOST_SAID) if step < len(said) else ""
            axes.text(0.06, step, f"{step}  {words}", va="center", fontsize=8, parse_math=False)
        axes.set_xlim(-0.5 - 0.28 * min(steps, 5), 2.4)
        axes.set_ylim(steps - 0.4, -0.6)
        axes.set_yticks([])
        axes.set_xticks([])
        axes.spines[:].set_visible(False)
        left = len(found) - len(drawn)
        axes.set_xlabel(
            f"{label(graph.kind)}, nats; arcs of {signed(LEAST_PART * largest)} to {signed(largest)} in size"
            + (f", {left} smaller ones left out" if left else ""),
            color=FAINT if not len(drawn) else INK,
        )
        step, result, effect = found[["step", "result", "effect"]].to_numpy()[int(found["effect"].abs().argmax())]
        said_top = f"the largest effect is of step {int(step)} on step {int(result)}, {signed(effect)} nats"
        headed(axes, f"{item_name(graph.item)}: {said_top} (one item)")
    return axes


def arcs_data(graph: EffectMap) -> pd.DataFrame:
    """What `plot_arcs` draws from: a row an edge with `step`, `result` and `effect`."""
    check_graph([graph])
    if not len(graph.values):
        raise InputError("a graph without steps has no arcs")
    rows = [
        (graph.coords["step"][row], graph.coords["result"][column], float(graph.values[row, column]))
        for row, column in np.argwhere(~np.isnan(graph.values))
    ]
    return pd.DataFrame(rows, columns=["step", "result", "effect"])


def _steps(graph: EffectMap) -> int:
    return 1 + max(*graph.coords["step"], *graph.coords["result"])
