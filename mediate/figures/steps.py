"""Mean effect of each step in each layer, as a heat map."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from mediate.figures.found import about, headed, peak
from mediate.figures.heat import MOST_TICKS as MOST_TICKS
from mediate.figures.heat import draw_heat, heat_key, label_axis, thinned
from mediate.figures.layers import check_step_layer
from mediate.figures.over import Align, aligned, mean_data, means_over, own_scale
from mediate.figures.scale import ColourScale
from mediate.figures.style import canvas
from mediate.figures.text import MOST_OF_A_KIND, label
from mediate.figures.told_apart import crossed_of, crossed_words
from mediate.results import EffectMap
from mediate.results.kind_words import called
from mediate.results.kinds import View, parse_kind
from mediate.results.outcomes import outcome_facts, unit_of
from mediate.showing import plural

STEPS_SIZE = (7.2, 3.0)
# Characters of a step that stand beside its row.
MOST_SAID = 32
# What red and what blue says of maps between the worlds, and of maps between two checkpoints.
WORLDS = ("towards the base answer", "towards the source answer")
TAKEN = ("speaks for the answer", "speaks against it")
CROSSED = ("towards the right answer", "away from it")
INTERACTION = ("more in the tuned one", "more in the original")


def plot_step_layer(
    maps: Sequence[EffectMap],
    *,
    said: Sequence[str] = (),
    scale: ColourScale | None = None,
    align: Align = "start",
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Mean effect of each step in each layer over the items that have it, in nats; red is towards the base answer.

    Of two checkpoints crossed, red is towards the right answer of the item's world, and of their interaction, more in
    the tuned one. The colours are symmetric about 0. A cell that no item has is hatched grey, one that its pointwise
    interval over groups does not tell from 0 is crossed, and few cells have their numbers in them. Where chains differ
    in length, each step says how many items it is a mean over. The title says where the mean is largest, if its
    interval leaves out 0.

    Args:
        maps: Of one kind, an item each.
        said: Of one item's map, what each of its steps says, which then stands beside it: nothing is a mean.
        scale: The colours of maps that stand side by side; by default those of `own_scale`.
        align: Whether steps are counted from the first one, 0, or to the last one, -1.
        seed: Of the bootstrap behind crosses and title.
        level: Coverage of its intervals.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: No maps, or maps over other axes than step and layer.
    """
    check_step_layer(maps)
    maps = aligned(maps, align)
    means = means_over(maps, ("step", "layer"))
    mean, coords, count = means.values, means.coords, means.count
    scale = scale or own_scale(maps, mean)
    crossed = None if means.notes else crossed_of(maps, ("step", "layer"), seed=seed, level=level)
    with canvas(ax, STEPS_SIZE) as axes:
        draw_heat(axes, mean, scale, bar=bar_words(maps, one=bool(said)), crossed=crossed)
        top = np.unravel_index(int(np.nanargmax(abs(mean))), mean.shape) if np.isfinite(mean).any() else (0, 0)
        label_axis(axes.xaxis, "", coords["layer"], named=int(top[1]))
        _label_steps(axes, coords, count, len({each.item for each in maps}), align)
        if said:
            _say_steps(axes, coords["step"], said)
        axes.set_xlabel("; ".join(["layer", *means.notes]))
        lines = heat_key(axes, mean, scale, colours_of(maps[0]), crossed=crossed, said=crossed_words(level))
        headed(axes, about(maps) if said else peak(maps, seed=seed, level=level), over=lines)
    return axes


def steps_data(
    maps: Sequence[EffectMap], *, align: Align = "start", seed: int = 0, level: float = 0.95
) -> pd.DataFrame:
    """What `plot_step_layer` draws: a row a step and layer with the mean `effect`, its interval, and `n` items."""
    check_step_layer(maps)
    return mean_data(maps, align=align, seed=seed, level=level)


def bar_words(maps: Sequence[EffectMap], *, one: bool = False) -> str:
    """What the colours of a map's mean show, with its unit; `one`: of one item's map, which is no mean."""
    first = maps[0]
    number = ("" if one else "mean ") + called(label(first.kind, MOST_OF_A_KIND))
    return f"{number}\non {label(first.outcome)} ({unit_of(first.outcome)})"


def colours_of(each: EffectMap) -> tuple[str, str]:
    """What red and what blue says in maps like this one."""
    view = parse_kind(each.kind).view
    if view is None:
        return WORLDS if outcome_facts(each.outcome).answers == 2 else TAKEN
    return INTERACTION if view is View.INTERACTION else CROSSED


def _label_steps(
    axes: Axes, coords: Mapping[str, tuple[int, ...]], count: Float[np.ndarray, "step layer"], n: int, align: Align
) -> None:
    steps = [str(step).replace("-", "−") for step in coords["step"]]
    name = "step" if align == "start" else "step, −1 the last"
    if (count == n).all():
        label_axis(axes.yaxis, f"{name} (n = {plural(n, 'item')})", steps)
        return
    low, high = count.min(axis=1).astype(int), count.max(axis=1).astype(int)
    sizes = [str(most) if least == most else f"{least}–{most}" for least, most in zip(low, high, strict=True)]
    named = [f"{step} (n = {size})" for step, size in zip(steps, sizes, strict=True)]
    label_axis(axes.yaxis, f"{name} (n items of {n})", named)


def _say_steps(axes: Axes, steps: tuple[int, ...], said: Sequence[str]) -> None:
    rows = thinned(len(steps))
    axes.set_yticks(rows, [f"{label(said[row], MOST_SAID)}  {steps[row]}" for row in rows], parse_math=False)
    axes.set_ylabel("step")
