"""Which component, in which layer: maps over layers alone, a row a component."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.style import DIVERGING, canvas
from mediate.figures.text import label
from mediate.results import EffectMap, mean_map
from mediate.results.kinds import View, parse_kind

WIDTH = 7.2
DIMS = ("layer",)


def components_size(rows: int) -> tuple[float, float]:
    """Inches that `plot_components` needs for so many rows."""
    return WIDTH, 1.2 + 0.32 * rows


def plot_components(maps: Mapping[str, Sequence[EffectMap]], *, ax: Axes | None = None) -> Axes:
    """Mean effect of each component (row) in each layer, in nats; red is towards the right answer.

    Args:
        maps: By what to call the row: maps over layers of one kind; all rows of the same items, layers and outcome.
        ax: Where to draw.

    Raises:
        InputError: No maps, maps over other axes, or rows of different items, layers or outcomes.
    """
    if not maps or not all(maps.values()) or any(each.dims != DIMS for row in maps.values() for each in row):
        raise InputError("components are drawn from maps over layers alone, such as 'state.mlp_out:layer'")
    means = {name: mean_map(row) for name, row in maps.items()}
    first, *others = ((tuple(each.item for each in row), row[0].outcome, means[name][1]) for name, row in maps.items())
    if any(each != first for each in others):
        raise InputError("the components were measured on different items, outcomes or layers; draw those of one run")
    items, outcome, coords = first
    values = np.stack([mean for mean, _, _ in means.values()])
    limit = float(abs(values).max()) or 1.0
    layers = coords["layer"]
    with canvas(ax, components_size(len(maps))) as axes:
        image = axes.imshow(
            values,
            cmap=DIVERGING,
            vmin=-limit,
            vmax=limit,
            aspect="auto",
            interpolation="nearest",
            extent=(layers[0] - 0.5, layers[-1] + 0.5, len(maps) - 0.5, -0.5),
        )
        bar = axes.figure.colorbar(image, ax=axes, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_label(f"mean effect on\n{label(outcome)} (nats)", parse_math=False)
        axes.spines[:].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        view = parse_kind(next(iter(maps.values()))[0].kind).view
        red = "more in the tuned one" if view is View.INTERACTION else "for the right answer"
        axes.set_xlabel(f"layer (n = {len(set(items))} item{'s' * (len(set(items)) != 1)}; red: {red})")
        axes.set_yticks(range(len(maps)), [label(name) for name in maps], parse_math=False)
        axes.tick_params(axis="y", length=0)
    return axes
