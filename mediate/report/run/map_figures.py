"""Of every map of a run a figure: which one draws maps over which axes, and where on the page it stands."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from mediate.figures.along import ALONG_SIZE, along_kinds_data, plot_along
from mediate.figures.arcs import arcs_size, plot_arcs
from mediate.figures.attributed_item import attribution_size, plot_attribution
from mediate.figures.by_step import BY_STEP_SIZE, by_step_data, plot_by_step
from mediate.figures.figure import Figure
from mediate.figures.grafts import GRAFTS_SIZE, plot_grafts
from mediate.figures.graph import GRAPH_SIZE, plot_interactions, plot_step_graph
from mediate.figures.grid import grid_axes, grid_size, plot_grid
from mediate.figures.layers import LAYERS_SIZE, LEAST_OF_A_LINE, layers_data
from mediate.figures.one_axis import on_one_axis
from mediate.figures.one_map import SORTS
from mediate.figures.over import Align, aligned, means_over, uneven
from mediate.figures.positions import POSITION, POSITIONS_SIZE, plot_positions, positions_data
from mediate.figures.steps import STEPS_SIZE, plot_step_layer
from mediate.figures.style import in_panels
from mediate.report.analysis import analysis_of
from mediate.report.parts import file_part
from mediate.report.run.added_up import added_up_words
from mediate.report.run.drawn_maps import (
    MapDrawing,
    Maps,
    alt_of,
    asked_of,
    axes_part,
    end_or_start,
    extent_for,
    families,
    file_named,
    next_to_nothing,
    origins,
    peak_of,
    resampled,
    said_of,
    scale_for,
    trust_words,
    two_steps,
    uneven_words,
)
from mediate.report.words import number, plural
from mediate.results import Results, mean_map
from mediate.results.kind_words import called
from mediate.results.kinds import parse_kind
from mediate.results.outcomes import unit_of


def map_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """A figure or more of every map of an outcome, in the order of `DRAWN`; lines and bars have one value axis."""
    yield from on_one_axis(list(_figures(results, outcome)), next_to_nothing(results, outcome))


def _figures(results: Results, outcome: str) -> Iterator[Figure]:
    left = families(results, outcome)
    for drawn in DRAWN:
        taken = [maps for key, maps in left.items() if drawn.fits(*key)]
        left = {key: maps for key, maps in left.items() if not drawn.fits(*key)}
        if taken:
            yield from drawn.figures(results, outcome, taken)


def step_layer_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """Of each kind of map over step and layer, a heat map, and lines where there are layers enough for one."""
    analysis = analysis_of(results)
    for place, maps in enumerate(families):
        kind, align = maps[0].kind, end_or_start(maps)
        name = file_named(kind, place)
        scale = scale_for(results, outcome, maps[0].dims, of=kind)
        yield Figure(
            name=f"steps-{name}",
            draw=partial(plot_step_layer, maps, scale=scale, align=align, **resampled(analysis)),
            alt=alt_of(aligned(maps, align), outcome),
            caption=f"Mean {called(kind)} of each step in each layer.{uneven_words(maps)}{trust_words(maps)}"
            + added_up_words(analysis, results, maps),
            size=STEPS_SIZE,
        )
        layers = {each.coords["layer"] for each in maps}
        if len(layers) > 1 or len(next(iter(layers))) < LEAST_OF_A_LINE:
            continue
        found = layers_data(maps, align=align, **resampled(analysis))
        largest = {int(str(step)): max(own, key=abs) for step, own in found.groupby("step")["effect"]}
        peaks = "; ".join(f"step {step} {number(value)}".replace("-", "−") for step, value in largest.items())
        yield Figure(
            name=f"layers-{name}",
            draw=partial(analysis.draw_layers, maps, align=align),
            alt=f"Mean {called(kind)} on {outcome} by layer, a line a step; largest in nats: {peaks}.",
            caption="The same means by layer. Effects in different layers do not add up, so a line is no split of TE."
            + trust_words(maps),
            size=LAYERS_SIZE,
            extent=extent_for(found, outcome),
        )


def step_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """The maps over steps alone, a line a kind."""
    analysis = analysis_of(results)
    align: Align = "end" if any(uneven(maps) for maps in families) else "start"
    means = "; ".join(
        f"{maps[0].kind} {', '.join(number(float(value)) for value in mean_map(aligned(maps, align))[0])}"
        for maps in families
    )
    sums = [f" {maps[0].kind}:{said}" for maps in families if (said := added_up_words(analysis, results, maps))]
    said = next((words for maps in families if (words := uneven_words(maps))), "")
    yield Figure(
        name="by-step",
        draw=partial(plot_by_step, families, seed=analysis.seed, level=analysis.level, align=align),
        alt=f"Mean effects of single steps on {outcome}, {'to the last' if align == 'end' else 'from step 0 on'}, "
        f"in nats: {means}.",
        caption="Mean effect of each step by itself; a step is a mean over the items that have it."
        + said
        + "".join(map(trust_words, families))
        + "".join(sums),
        size=BY_STEP_SIZE,
        extent=extent_for(by_step_data(families, align=align, **resampled(analysis)), outcome),
    )


def graft_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """The graft curves."""
    analysis = analysis_of(results)
    for place, maps in enumerate(families):
        ends = np.array([each.values[-1] for each in maps])
        yield Figure(
            name="grafts" if maps[0].kind == "graft" else f"grafts-{file_named(maps[0].kind, place)}",
            draw=partial(plot_grafts, maps, seed=analysis.seed, level=analysis.level),
            alt=f"Effect on {outcome} of grafting steps of the source's chain, over {plural(len(maps), 'item')}; of "
            f"all steps {number(float(ends.mean()))} nats.",
            caption="What the outcome loses where the first steps that the answer reads are the source's and the rest "
            "the base's own: from nothing to TIE. It rises where the answer's reading lies.",
            size=GRAFTS_SIZE,
        )


def interaction_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """What two steps do together."""
    for place, maps in enumerate(families):
        align = end_or_start(maps)
        value, at = two_steps(aligned(maps, align), "{} and {}")
        yield Figure(
            name="interactions" if maps[0].kind == "interaction" else f"interactions-{file_named(maps[0].kind, place)}",
            draw=partial(plot_interactions, maps, align=align, **resampled(analysis_of(results))),
            alt=f"Mean interaction of two steps on {outcome} over {plural(len(maps), 'item')}; largest: steps {at}, "
            f"{number(value)} nats.",
            caption="The effect of two steps together less that of each alone. Positive: either of them will do, so "
            f"that each hides the other. Negative: the answer needs both.{uneven_words(maps)}",
            size=GRAPH_SIZE,
        )


# Steps of a chain whose graph is drawn as arcs.
OF_ARCS = 3
_EDGES = {"read": "read by that step's own tokens", "state": "with what goes through other steps"}


def graph_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """The step graphs."""
    for place, maps in enumerate(sorted(families, key=lambda each: each[0].kind)):
        kind, align = maps[0].kind, end_or_start(maps)
        value, edge = two_steps(aligned(maps, align), "from step {} to step {}")
        yield Figure(
            name=file_part(kind.replace(".", "-"), f"graph{place}"),
            draw=partial(plot_step_graph, maps, align=align, **resampled(analysis_of(results))),
            alt=f"Mean {kind} over {plural(len(maps), 'item')}: the largest effect is {edge}, {number(value)} nats.",
            caption="How much each step determines what a later step states: "
            f"{_EDGES.get(parse_kind(kind).part, kind)}.{uneven_words(maps)}",
            size=GRAPH_SIZE,
        )
        if place == 0:
            yield from _arcs(results, maps)


def _arcs(results: Results, maps: Maps) -> Iterator[Figure]:
    """The first graph of a chain of three steps or more, or else the first, as arcs over its item's text."""
    graph = next((each for each in maps if len(each.values) >= OF_ARCS), maps[0])
    value, at = peak_of((graph,))
    yield Figure(
        name=f"{file_part(graph.kind.replace('.', '-'), 'graph')}-arcs",
        draw=partial(plot_arcs, graph, said_of(results, graph.item)),
        alt=f"{graph.kind} of item {graph.item} as arcs over its steps: the largest is at {at}, {number(value)} nats.",
        caption=f"The same of one item, {graph.item}, the first one of {OF_ARCS} steps or more: not chosen by result.",
        size=arcs_size(graph),
    )


def position_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """The maps over single CoT tokens, counted from where the answer is stated."""
    analysis, stated = analysis_of(results), origins(results)
    for place, maps in enumerate(families):
        having = sum(each.item in stated for each in maps)
        counted = (
            f"from the token at which {plural(having, 'chain')} of {len(maps)} first state the answer as a result"
            if having
            else "to the last one, for no chain states its answer as a result"
        )
        values = [float(np.nanmax(abs(each.values), initial=0.0)) for each in maps]
        alone = maps[0].dims == (POSITION,)
        yield Figure(
            name=f"positions-{file_named(maps[0].kind, place)}{axes_part(maps[0].dims, but=(POSITION, 'layer'))}",
            draw=partial(
                plot_positions,
                maps,
                stated,
                scale=scale_for(results, outcome, maps[0].dims, of=maps[0].kind),
                **resampled(analysis),
            ),
            alt=f"Mean {called(maps[0].kind)} on {outcome} by CoT token, over {plural(len(maps), 'item')}; the "
            f"largest of an item is {number(float(np.median(values)))} {unit_of(maps[0].outcome)} in the median.",
            caption=f"Mean {called(maps[0].kind)} of single CoT tokens, counted {counted}.{trust_words(maps)}",
            size=POSITIONS_SIZE,
            extent=extent_for(positions_data(maps, stated, **resampled(analysis)), outcome) if alone else None,
        )
        if place == 0 and set(maps[0].dims) == {POSITION, "layer"}:
            yield _first_item(results, outcome, maps)


def _first_item(results: Results, outcome: str, maps: Maps) -> Figure:
    """One item, token by token."""
    first = maps[0]
    value, at = peak_of((first,))
    beside = [each for each in results.maps if each.item == first.item]
    scale = scale_for(results, outcome, first.dims, of=first.kind)
    words = said_of(results, first.item, tokens=True), asked_of(results, first.item)
    plot = partial(plot_attribution, first, beside, said=words[0], asked=words[1], scale=scale)
    return Figure(
        name=f"tokens-{file_named(first.kind, 0)}-first",
        draw=in_panels(plot),
        alt=f"{called(first.kind)} of item {first.item} by CoT token and layer: largest at {at}, {number(value)} "
        f"{unit_of(first.outcome)}.",
        caption=f"One item, {first.item}, the first one that has such a map: not chosen by result.",
        size=attribution_size(first),
    )


def along_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """The maps over layers, or heads, alone: the kinds side by side."""
    analysis = analysis_of(results)
    for (axis,) in dict.fromkeys(maps[0].dims for maps in families):
        alike = [maps for maps in families if maps[0].dims == (axis,)]
        words = {maps[0].kind: peak_of(maps) for maps in alike}
        listed = "; ".join(f"{kind} {number(value)} at {at}" for kind, (value, at) in words.items())
        yield Figure(
            name=f"by-{axis.replace('_', '-')}",
            draw=partial(plot_along, alike, seed=analysis.seed, level=analysis.level),
            alt=f"Mean effects on {outcome} by {axis}; largest in nats: {listed}.",
            caption=f"Mean effect of each {axis.replace('kv_head', 'KV head')}, kinds side by side. They do not add "
            "up: what is changed in one layer is computed from in the next." + "".join(map(trust_words, alike)),
            size=ALONG_SIZE,
            extent=extent_for(along_kinds_data(alike, **resampled(analysis)), outcome),
        )


def grid_figures(results: Results, outcome: str, families: Sequence[Maps]) -> Iterator[Figure]:
    """Any other map, over two of its axes: layers by heads, steps by heads."""
    analysis = analysis_of(results)
    for place, maps in enumerate(families):
        kind, dims = maps[0].kind, maps[0].dims
        down, across = grid_axes(dims)
        rest = means_over(maps, (down, across)).largest_over
        over = f"; of each cell, what is largest over its {' and '.join(rest)}" if rest else ""
        prefix = "heads" if across in ("head", "kv_head") else "map"
        yield Figure(
            name=f"{prefix}-{file_named(kind, place)}{axes_part(dims, but=('layer', 'head'))}",
            draw=partial(
                plot_grid,
                maps,
                scale=scale_for(results, outcome, maps[0].dims, of=maps[0].kind),
                **resampled(analysis),
            ),
            alt=alt_of(maps, outcome),
            caption=f"Mean {called(kind)} by {down.replace('_', ' ')} and {across.replace('_', ' ')}{over}."
            + trust_words(maps)
            + added_up_words(analysis, results, maps),
            size=grid_size(maps),
        )


# By the sort of maps, as `SORTS` names them.
_FIGURES: Mapping[str, Callable[[Results, str, Sequence[Maps]], Iterable[Figure]]] = {
    "step by layer": step_layer_figures,
    "graft": graft_figures,
    "by step": step_figures,
    "position": position_figures,
    "along": along_figures,
    "interaction": interaction_figures,
    "graph": graph_figures,
    "grid": grid_figures,
}
# In the order of the page; a map is drawn by the first that fits it.
DRAWN: tuple[MapDrawing, ...] = tuple(MapDrawing(sort.name, sort.fits, _FIGURES[sort.name]) for sort in SORTS)


def drawn_by(kind: str, dims: tuple[str, ...]) -> MapDrawing | None:
    """The way in which maps of a kind and axes are drawn."""
    return next((each for each in DRAWN if each.fits(kind, dims)), None)
