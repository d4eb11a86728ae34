"""One item in one figure: tokens or steps down, layers across, what each row and column holds, and a layer's heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.found import item_name, lines_of, place_words
from mediate.figures.heat import colours_said, draw_heat, label_axis, signed
from mediate.figures.over import binned, own_scale
from mediate.figures.scale import ColourScale
from mediate.figures.steps import colours_of
from mediate.figures.style import FAINT, INK, Place, panelled
from mediate.figures.text import MOST_OF_A_KIND, in_lines, label
from mediate.results import EffectMap
from mediate.results.kind_words import called
from mediate.results.outcomes import unit_of

WIDTH, ROW, ABOVE = 7.2, 0.2, 2.05
# More rows than this are drawn several as one; a step's text beside its row has so many characters.
MOST_ROWS, MOST_SAID = 60, 34
POSITION = "position"
PLACES = (POSITION, "step")
HEADS = {"head": "head", "kv_head": "KV head"}


@dataclass(frozen=True, slots=True)
class ItemMap:
    """One item's map as it is drawn.

    Args:
        place: What its rows are: `step` or `position`.
        rows: The labels of the rows.
        layers: Those of the columns.
        values: Its effects, in the outcome's unit.
        by_row: The effect of each row in all layers: measured so, or the sum of its cells.
        by_layer: The same of each layer over all rows.
        measured: Whether each of the two was measured.
        heads: The component's heads at each row in the layer that was chosen, where they were measured.
        layer: That layer.
        head: What these heads are: `head`, or `KV head` where several query heads share one.
    """

    place: str
    rows: tuple[int, ...]
    layers: tuple[int, ...]
    values: Float[np.ndarray, "row layer"]
    by_row: Float[np.ndarray, " row"]
    by_layer: Float[np.ndarray, " layer"]
    measured: tuple[bool, bool]
    heads: Float[np.ndarray, "row head"] | None
    layer: int
    head: str = ""


def attribution_size(shown: EffectMap) -> tuple[float, float]:
    """Inches that `plot_attribution` needs for a map."""
    place = next((name for name in PLACES if name in shown.dims), "step")
    return WIDTH, ABOVE + ROW * min(MOST_ROWS, max(4, len(shown.coords.get(place, ()))))


def plot_attribution(
    shown: EffectMap,
    beside: Sequence[EffectMap] = (),
    *,
    said: Sequence[str] = (),
    asked: str = "",
    layer: int | None = None,
    scale: ColourScale | None = None,
    figure: Place | None = None,
) -> Axes:
    """One item's effects by step or token and layer, with those of whole rows and layers, and one layer's heads.

    Bars beside the map are effects of a row in all layers at once, and over it of a layer at all rows, where `beside`
    has them measured; else they are sums of the cells, and say so, for effects of cells do not add up. The panel on
    the right, where `beside` has a map by head, is of the heads in the layer with the largest cell, or in `layer`.

    Args:
        shown: Over steps or positions and layers.
        beside: Other maps of the item, of which those of the same kind are used.
        said: What each step or token says, from the chain's first on.
        asked: The item's question, which names it in the title where its id is a bare number or none.
        layer: The layer whose heads are shown.
        scale: The colours of items side by side; by default those of `own_scale`.
        figure: Where to draw: a figure, a part of one, or axes whose place the panels take; a new figure by default.

    Returns:
        The axes of the map; its figure has the others.

    Raises:
        InputError: The map is over other axes, or has no number.
    """
    found = item_map(shown, beside, layer=layer)
    values, size = found.values, -(-len(found.rows) // MOST_ROWS)
    rows, by_row, heads = list(found.rows), found.by_row, found.heads
    if size > 1:
        values, by_row = binned(values, 0, size), binned(by_row, 0, size)
        heads = None if heads is None else binned(heads, 0, size)
        rows = rows[::size]
    scale = scale or own_scale([shown], found.values)
    with panelled(figure, attribution_size(shown)) as drawn:
        axes, above, right, corner, third = _panels(drawn, has_heads=heads is not None)
        image = draw_heat(axes, values, scale, numbers=values.shape[1] <= 6)
        _label(axes, found, rows, said, size)
        _draw_above(above, found)
        _draw_right(right, by_row, found)
        _draw_scale(corner, image, scale, unit_of(shown.outcome))
        if third is not None and heads is not None:
            draw_heat(third, heads, scale, numbers=False)
            label_axis(third.xaxis, f"{found.head}\nof layer {found.layer}", range(heads.shape[1]))
            third.tick_params(axis="y", labelleft=False)
        axes.set_xlabel(f"layer\n({colours_said(values, scale, colours_of(shown))})")
        title = lines_of(_title(shown, found, asked), 0.97 * drawn.bbox.width / drawn.dpi - 0.3)
        drawn.suptitle(title, x=0.01, ha="left", fontsize=9.5, parse_math=False)
    return axes


def attribution_data(shown: EffectMap, beside: Sequence[EffectMap] = (), *, said: Sequence[str] = ()) -> pd.DataFrame:
    """What `plot_attribution` draws: a row a step or token and layer with its `effect` and, where given, its `text`.

    A row whose layer is NaN is the effect of all layers together, one whose step or token is NaN that of the layer at
    all of them, each with `measured`: whether it was, or is the sum of its cells.
    """
    found = item_map(shown, beside)
    text = _texts(found.rows, said)
    cells: list[tuple[float, float, float, str, bool]] = [
        (row, layer, found.values[at, column], text[at], True)
        for at, row in enumerate(found.rows)
        for column, layer in enumerate(found.layers)
    ]
    whole, over = found.measured
    cells += [
        (row, np.nan, value, words, whole) for row, value, words in zip(found.rows, found.by_row, text, strict=True)
    ]
    cells += [(np.nan, layer, value, "", over) for layer, value in zip(found.layers, found.by_layer, strict=True)]
    return pd.DataFrame(cells, columns=[found.place, "layer", "effect", "text", "measured"])


def item_map(shown: EffectMap, beside: Sequence[EffectMap] = (), *, layer: int | None = None) -> ItemMap:
    """One item's map with what is drawn beside it; see `plot_attribution`."""
    place = next((name for name in PLACES if name in shown.dims), None)
    if place is None or set(shown.dims) != {place, "layer"}:
        raise InputError(
            f"item {shown.item!r}: a map over {', '.join(shown.dims)}; score with 'read:step,layer' or "
            "'read:position,layer'"
        )
    if np.isnan(shown.values).all():
        raise InputError(f"item {shown.item!r}: no cell of its {shown.kind} map has a number")
    values = shown.values if shown.dims[0] == place else shown.values.T
    rows, layers = shown.coords[place], shown.coords["layer"]
    alike = [each for each in beside if (each.item, each.kind, each.outcome) == (shown.item, shown.kind, shown.outcome)]
    by_row = _along(alike, (place,), rows)
    by_layer = _along(alike, ("layer",), layers)
    chosen = layer if layer is not None else layers[int(np.nanargmax(np.nanmax(abs(np.nan_to_num(values)), axis=0)))]
    if chosen not in layers:
        raise InputError(f"no layer {chosen} in this map; it has {layers[0]} to {layers[-1]}")
    heads, head = _heads(beside, shown, place, rows, chosen)
    return ItemMap(
        place,
        rows,
        layers,
        values,
        np.nansum(values, axis=1) if by_row is None else by_row,
        np.nansum(values, axis=0) if by_layer is None else by_layer,
        (by_row is not None, by_layer is not None),
        heads,
        chosen,
        head,
    )


def _texts(rows: Sequence[int], said: Sequence[str]) -> list[str]:
    """What each row says; nothing of one that the chain has not."""
    return [said[row] if row < len(said) else "" for row in rows]


def _along(maps: Sequence[EffectMap], dims: tuple[str, ...], labels: tuple[int, ...]) -> np.ndarray | None:
    """The effects of a map over one axis, if there is one with these labels."""
    return next((each.values for each in maps if each.dims == dims and each.coords[dims[0]] == labels), None)


def _heads(
    beside: Sequence[EffectMap], shown: EffectMap, place: str, rows: tuple[int, ...], layer: int
) -> tuple[np.ndarray | None, str]:
    """Effects by row and head of one layer, of the first of the item's maps that has them for these rows, and which."""
    for each in beside:
        head = next((name for name in HEADS if name in each.dims), "")
        if (each.item, each.outcome) != (shown.item, shown.outcome) or set(each.dims) != {place, "layer", head}:
            continue
        if each.coords[place] == rows and layer in each.coords["layer"]:
            order = [each.dims.index(name) for name in (place, "layer", head)]
            found: np.ndarray = each.values.transpose(order)[:, each.coords["layer"].index(layer)]
            return found, HEADS[head]
    return None, ""


def _panels(drawn: Figure | SubFigure, *, has_heads: bool) -> tuple[Axes, Axes, Axes, Axes, Axes | None]:
    """The map, what is over it, what is right of it, the corner between these for the scale, and the heads."""
    widths = [5, 1.25, 1.7] if has_heads else [5, 1.25]
    grid = drawn.add_gridspec(2, len(widths), height_ratios=[1, 4], width_ratios=widths)
    axes = drawn.add_subplot(grid[1, 0])
    above = drawn.add_subplot(grid[0, 0], sharex=axes)
    right = drawn.add_subplot(grid[1, 1], sharey=axes)
    corner = drawn.add_subplot(grid[0, 1])
    corner.set_axis_off()
    third = drawn.add_subplot(grid[1, 2], sharey=axes) if has_heads else None
    return axes, above, right, corner, third


def _label(axes: Axes, found: ItemMap, rows: Sequence[int], said: Sequence[str], size: int) -> None:
    quoted = found.place == POSITION
    words = [label(each, MOST_SAID) for each in _texts(rows, said)]
    named = [f"“{text}”  {row}" if quoted else f"{text}  {row}" for text, row in zip(words, rows, strict=True)]
    named = named if said else [str(row) for row in rows]
    axes.set_yticks(range(len(rows)), named, parse_math=False, fontsize=7.5 if len(rows) <= 30 else 5.5)
    together = f" (the largest of {size} at a time)" if size > 1 else ""
    axes.set_ylabel("" if said and not together else f"{'CoT token' if quoted else 'step'}{together}")
    top = int(np.nanargmax(np.nanmax(abs(np.nan_to_num(found.values)), axis=0)))
    label_axis(axes.xaxis, "layer", found.layers, named=top)


def _draw_scale(corner: Axes, image: AxesImage, scale: ColourScale, unit: str) -> None:
    bar = corner.figure.colorbar(image, cax=corner.inset_axes((0.12, 0.5, 0.74, 0.2)), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    ends = [-scale.limit, 0.0, scale.limit]
    bar.set_ticks(ends, labels=[signed(each, 1) for each in ends])
    bar.minorticks_off()
    bar.set_label(in_lines("; ".join(filter(None, (unit, scale.words()))), 16), fontsize=7.5)


def _draw_above(above: Axes, found: ItemMap) -> None:
    above.bar(range(len(found.layers)), found.by_layer, 0.7, color=FAINT)
    above.axhline(0, color=INK, linewidth=0.8)
    above.tick_params(axis="x", labelbottom=False, length=0)
    above.tick_params(axis="y", labelsize=7)
    above.set_ylabel("all rows\nat once" if found.measured[1] else "sum of\ncells", fontsize=7.5)


def _draw_right(right: Axes, by_row: Float[np.ndarray, " row"], found: ItemMap) -> None:
    right.barh(range(len(by_row)), by_row, 0.7, color=FAINT)
    right.axvline(0, color=INK, linewidth=0.8)
    right.tick_params(axis="y", labelleft=False, length=0)
    right.tick_params(axis="x", labelsize=7)
    right.xaxis.set_major_locator(MaxNLocator(2))
    right.set_xlabel("all layers at once" if found.measured[0] else "sum of cells", fontsize=7.5)


def _title(shown: EffectMap, found: ItemMap, asked: str) -> str:
    """Where the item's effects are: of one item that is a description, and no finding of a set."""
    row, column = np.unravel_index(int(np.nanargmax(abs(found.values))), found.values.shape)
    value, unit = float(found.values[row, column]), unit_of(shown.outcome)
    at = f"{place_words(found.place.replace('position', 'token'), found.rows[row])}, layer {found.layers[column]}"
    of = f" of TE {signed(shown.te)}" if np.isfinite(shown.te) else ""
    kind = called(label(shown.kind, MOST_OF_A_KIND))
    return f"{item_name(shown.item, asked)}: {kind} is largest at {at}, {signed(value)}{of} {unit} (one item)"
