"""Mean effect of each step in each layer, as a heat map."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from mediate.figures.layers import check_step_layer
from mediate.figures.style import canvas, signed_cells
from mediate.figures.text import MOST_OF_A_KIND, in_lines, label
from mediate.results import EffectMap, mean_map
from mediate.results.kind_words import called
from mediate.results.kinds import View, parse_kind
from mediate.results.outcomes import outcome_facts, unit_of

STEPS_SIZE = (7.2, 3.0)
MOST_TICKS = 16
# Characters of a step that stand beside its row.
MOST_SAID = 32
# What the colours say of maps between the worlds, and of maps between two checkpoints.
WORLDS = "red: towards the base answer; blue: towards the source answer"
TAKEN = "red: what is taken away speaks for the answer; blue: against it"
CROSSED = "red: towards the right answer; blue: away from it"
INTERACTION = "red: more in the tuned one; blue: more in the original"


def plot_step_layer(
    maps: Sequence[EffectMap], *, said: Sequence[str] = (), limit: float | None = None, ax: Axes | None = None
) -> Axes:
    """Mean effect of each step in each layer over the items that have it, in nats; red is towards the base answer.

    Of two checkpoints crossed, red is towards the right answer of the item's world, and of their interaction, more in
    the tuned one. The colours are symmetric about 0. A cell that no item has is hatched grey. Where chains differ in
    length, each step says how many items it is a mean over.

    Args:
        maps: Of one kind, an item each.
        said: Of one item's map, what each of its steps says, which then stands beside it: nothing is a mean.
        limit: The effect of the deepest colours, for maps that stand side by side; by default the largest here.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: No maps, or maps over other axes than step and layer.
    """
    check_step_layer(maps)
    mean, coords, count = mean_map(maps)
    limit = (float(np.nanmax(abs(mean))) if limit is None else limit) or 1.0
    with canvas(ax, STEPS_SIZE) as axes:
        image = signed_cells(axes, mean, limit)
        bar = axes.figure.colorbar(image, ax=axes, pad=0.02)
        bar.outline.set_visible(False)
        first = maps[0]
        number = ("" if said else "mean ") + called(label(first.kind, MOST_OF_A_KIND))
        read = f"on {label(first.outcome)} ({unit_of(first.outcome)})"
        bar.set_label(in_lines(f"{number}\n{read}"), parse_math=False)
        axes.spines[:].set_visible(False)
        _label_cells(axes, coords, count, len({each.item for each in maps}))
        if said:
            _label_steps(axes, coords["step"], said)
        axes.set_xlabel(f"layer ({_colours(first)})")
    return axes


def _colours(each: EffectMap) -> str:
    view = parse_kind(each.kind).view
    if view is None:
        return WORLDS if outcome_facts(each.outcome).answers == 2 else TAKEN
    return INTERACTION if view is View.INTERACTION else CROSSED


def _label_cells(
    axes: Axes, coords: dict[str, tuple[int, ...]], count: Float[np.ndarray, "step layer"], n: int
) -> None:
    layers, steps = coords["layer"], coords["step"]
    places = _thinned(len(layers))
    axes.set_xticks(places, [str(layers[place]) for place in places])
    axes.tick_params(axis="y", length=0)
    rows = _thinned(len(steps))
    low, high = count.min(axis=1).astype(int), count.max(axis=1).astype(int)
    if (count == n).all():
        axes.set_yticks(rows, [str(steps[row]) for row in rows])
        axes.set_ylabel(f"step (n = {n} items)")
        return
    sizes = [str(high[row]) if low[row] == high[row] else f"{low[row]}–{high[row]}" for row in rows]
    axes.set_yticks(rows, [f"{steps[row]} (n = {size})" for row, size in zip(rows, sizes, strict=True)])
    axes.set_ylabel(f"step (n items of {n})")


def _label_steps(axes: Axes, steps: tuple[int, ...], said: Sequence[str]) -> None:
    rows = _thinned(len(steps))
    axes.set_yticks(rows, [f"{label(said[row], MOST_SAID)}  {steps[row]}" for row in rows], parse_math=False)
    axes.set_ylabel("step")


def _thinned(count: int) -> list[int]:
    """At most `MOST_TICKS` evenly spaced places, from the first on."""
    return list(range(0, count, -(-count // MOST_TICKS)))
