"""Mean effect of each step by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.found import headed, peak
from mediate.figures.over import Align, aligned
from mediate.figures.style import INK, SEQUENTIAL, canvas, effect_label
from mediate.figures.text import MOST_OF_A_KIND, in_lines, label
from mediate.results import EffectMap, mean_map
from mediate.results.kind_words import called
from mediate.stats.columnwise import interval_of_means

MOST_LINES = 8
LAYERS_SIZE = (7.2, 3.4)
# Characters of a line that the height of the figure has room for.
LABEL_WIDTH = 44
# Over fewer layers a line would be a claim about what lies between them: there are dots alone.
LEAST_OF_A_LINE = 4
DIMS = ("step", "layer")


def check_step_layer(maps: Sequence[EffectMap]) -> None:
    """Raises InputError unless there are maps and all have the axes step and layer."""
    if not any(each.values.size for each in maps):
        raise InputError("no map to draw; score with a map over step and layer, such as 'read:step,layer'")
    other = next((each for each in maps if each.dims != DIMS), None)
    if other is not None:
        raise InputError(f"item {other.item!r}: a map over {other.dims}; this figure draws maps over {DIMS}")


@dataclass(frozen=True, slots=True)
class StepMeans:
    """One step's mean effect in each layer, over the items that have the step.

    Args:
        step: The step, counted from 0.
        layers: The layers.
        mean: In nats.
        low: Lower ends of pointwise intervals over groups; NaN where there is none.
        high: Upper ends.
        n: Items that have the step.
        groups: Their groups.
    """

    step: int
    layers: tuple[int, ...]
    mean: Float[np.ndarray, " layer"]
    low: Float[np.ndarray, " layer"]
    high: Float[np.ndarray, " layer"]
    n: int
    groups: int


def layer_means(maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95) -> tuple[StepMeans, ...]:
    """Mean effect by layer of every step, with pointwise intervals over groups.

    Effects in different layers do not add up (swapping two layers at once is not the sum of swapping each), so each
    layer stands for itself.

    Raises:
        InputError: No maps, or maps over other axes than step and layer, or over different layers.
    """
    check_step_layer(maps)
    layers = maps[0].coords["layer"]
    if any(each.coords["layer"] != layers for each in maps):
        raise InputError("the maps are over different layers; draw those of one model at a time")
    means = []
    mean, coords, count = mean_map(maps)
    for row, step in enumerate(coords["step"]):
        having = [each for each in maps if step in each.coords["step"]]
        values = np.stack([each.values[each.coords["step"].index(step)] for each in having])
        groups = [each.group for each in having]
        low, high = interval_of_means(values, groups, seed=seed, level=level)
        means.append(StepMeans(step, coords["layer"], mean[row], low, high, int(count[row, 0]), len(set(groups))))
    return tuple(means)


def layers_data(
    maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95, align: Align = "start"
) -> pd.DataFrame:
    """What `plot_layers` draws: a row a step and layer with `effect`, `low`, `high`, `n` and `groups`."""
    found = layer_means(aligned(maps, align), seed=seed, level=level)
    frames = [
        pd.DataFrame({"step": each.step, "layer": each.layers, "effect": each.mean, "low": each.low, "high": each.high})
        .assign(n=each.n, groups=each.groups)
        .assign(kind=maps[0].kind, outcome=maps[0].outcome)
        for each in found
    ]
    return pd.concat(frames, ignore_index=True)


def plot_layers(
    maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95, align: Align = "start", ax: Axes | None = None
) -> Axes:
    """Mean effect by layer, a line a step, each over the items that have the step.

    Up to eight steps have a band each, the pointwise interval over groups; more are lines alone, with a colour bar for
    the step. Over fewer than four layers a step's means are dots, each with its interval. Effects in different layers
    do not add up, so a line is no decomposition of the total effect.

    Raises:
        InputError: See `layer_means`.
    """
    maps = aligned(maps, align)
    means = layer_means(maps, seed=seed, level=level)
    few = len(means) <= MOST_LINES
    colours = matplotlib.colormaps[SEQUENTIAL](np.linspace(0, 0.88, len(means)))
    with canvas(ax, LAYERS_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        for place, (each, colour) in enumerate(zip(means, colours, strict=True)):
            if len(each.layers) < LEAST_OF_A_LINE:
                _draw_dots(axes, each, colour, 0.5 * (place - (len(means) - 1) / 2) / len(means), few)
                continue
            axes.plot(each.layers, each.mean, color=colour, label=_key(each))
            if few and np.isfinite(each.low).any():
                axes.fill_between(each.layers, each.low, each.high, color=colour, alpha=0.16, linewidth=0)
        if few:
            axes.legend(title="step", loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, alignment="left")
        else:
            _step_bar(axes, means, colours)
        _label_axes(axes, maps[0], means, few, level)
        headed(axes, peak(maps, seed=seed, level=level))
    return axes


def _draw_dots(axes: Axes, each: StepMeans, colour: Float[np.ndarray, "4"], shift: float, few: bool) -> None:
    """A dot a layer; steps stand a little apart, so that no interval covers another."""
    at = np.array(each.layers) + shift
    bounded = few and np.isfinite(each.low).any()
    if bounded:
        axes.vlines(at, each.low, each.high, color=colour, linewidth=1.4)
    fill = colour if bounded or not few else "white"
    axes.plot(at, each.mean, "o", color=colour, markersize=5, markerfacecolor=fill, label=_key(each))


def _key(each: StepMeans) -> str:
    step = str(each.step).replace("-", "−")
    return f"{step} (n = {each.n}{', one group' if each.n > 1 and each.groups == 1 else ''})"


def _step_bar(axes: Axes, means: Sequence[StepMeans], colours: Float[np.ndarray, "step 4"]) -> None:
    norm = BoundaryNorm(np.arange(len(means) + 1) - 0.5, len(means))
    places = np.unique(np.linspace(0, len(means) - 1, 8).round().astype(int))
    bar = axes.figure.colorbar(ScalarMappable(norm, ListedColormap(list(colours))), ax=axes, ticks=places, pad=0.02)
    bar.ax.set_yticklabels([_key(means[place]) for place in places])
    bar.ax.tick_params(which="both", length=0)
    bar.ax.invert_yaxis()
    bar.outline.set_visible(False)
    bar.set_label("step")


def _label_axes(axes: Axes, first: EffectMap, means: Sequence[StepMeans], few: bool, level: float) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    layers = first.coords["layer"]
    if len(layers) < LEAST_OF_A_LINE:
        axes.set_xticks(layers)
        axes.set_xlim(layers[0] - 0.5, layers[-1] + 0.5)
    else:
        axes.margins(x=0.01)
    kind = label(first.kind, MOST_OF_A_KIND)
    if not few:
        band = ""
    elif any(np.isfinite(each.low).any() for each in means):
        drawn = "bands" if len(first.coords["layer"]) >= LEAST_OF_A_LINE else "bars"
        band = f"; {drawn}: pointwise {level * 100:g} % intervals over groups"
    else:
        band = f"; {'one group: ' if all(each.groups == 1 for each in means) else ''}no interval"
    axes.set_xlabel(f"layer{band}")
    of = effect_label(label(first.outcome)).removeprefix("effect ")
    number, bracket, unit = f"mean {called(kind)} {of}".partition("(")
    axes.set_ylabel(f"{in_lines(number)}\n{in_lines(bracket + unit, LABEL_WIDTH)}", parse_math=False)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
