"""The figures of a run's page: of each outcome, those that `FIGURES` lists."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from mediate.figures import (
    channels_size,
    layer_means,
    plot_grafts,
    plot_interactions,
    plot_step_graph,
    plot_step_layer,
)
from mediate.figures.by_step import BY_STEP_SIZE, plot_by_step
from mediate.figures.by_step import DIMS as BY_STEP
from mediate.figures.channels import MOST_BARS
from mediate.figures.figure import Figure
from mediate.figures.grafts import GRAFTS_SIZE
from mediate.figures.graph import GRAPH_SIZE
from mediate.figures.layers import LAYERS_SIZE
from mediate.figures.shares import SHARES_SIZE
from mediate.figures.steps import STEPS_SIZE
from mediate.report.analysis import (
    analysis_of,
    graft_maps,
    graph_kinds,
    graph_maps,
    interaction_maps,
    map_kinds,
    repeats,
    step_layer_maps,
)
from mediate.report.parts import file_part
from mediate.report.run.added_up import added_up_words, mapped
from mediate.report.run.behaviour import behaviour_figures
from mediate.report.run.conditions import condition_figures
from mediate.report.run.evidence import verdicts
from mediate.report.run.sensitivity import sensitivity_figure
from mediate.report.words import number, plural, share_words
from mediate.results import EffectMap, Results, mean_map
from mediate.results.kind_words import called
from mediate.results.kinds import is_estimate, parse_kind


def run_figures(results: Results) -> tuple[Figure, ...]:
    """Every figure of the page, outcome by outcome; none where no item was measured, nor the same one twice."""
    made: list[Figure] = []
    for place, cube in enumerate(results.cubes if results.items else ()):
        if repeats(results, cube.outcome) is not None:
            continue
        suffix = "" if place == 0 else f"-{file_part(cube.outcome, f'outcome{place}')}"
        having = [each for figures in FIGURES for each in figures(results, cube.outcome)]
        made += [replace(each, name=each.name + suffix, outcome=cube.outcome) for each in having]
    return tuple(made)


def shares_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """The shares of the set."""
    analysis, cube = analysis_of(results), results.cube(outcome)
    listed = "; ".join(f"{name} {share_words(share)}" for name, share in analysis.shares(cube).items())
    yield Figure(
        name="shares",
        draw=partial(analysis.draw_shares, cube),
        alt=f"Shares of the total effect on {cube.outcome}: {listed}.",
        caption="Share of each channel, and the mediated share, with its interval; dashed lines at 0 and 100 %.",
        size=SHARES_SIZE,
        section="shares",
    )


def channels_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """The channels of each item."""
    analysis, cube = analysis_of(results), results.cube(outcome)
    effects = analysis.effects(cube)
    means = ", ".join(f"{name} {number(effects[name].value)}" for name in ("direct", "text", "latent", "te"))
    if len(cube.items) <= MOST_BARS:
        caption = (
            "Each item's total effect (diamond) as the sum of its three channels (bars); the mean is the last row."
        )
    else:
        caption = f"Each of {len(cube.items)} items is a point in every row; diamonds are means with their intervals."
    yield Figure(
        name="channels",
        draw=partial(analysis.draw_channels, cube),
        alt=f"Channels of {plural(len(cube.items), 'item')}, effect on {cube.outcome}; means in nats: {means}.",
        caption=caption,
        size=channels_size(cube),
        section="channels",
    )


def map_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """Of each kind of map over step and layer, a heat map and lines by layer."""
    for place, kind in enumerate(map_kinds(results, outcome)):
        yield from _of_kind(results, outcome, kind, file_part(kind.replace(":", "_"), f"map{place}"))


def _of_kind(results: Results, outcome: str, kind: str, name: str) -> Iterator[Figure]:
    analysis, maps = analysis_of(results), step_layer_maps(results, outcome, kind)
    mean, coords, count = mean_map(maps)
    row, column = np.unravel_index(np.nanargmax(abs(mean)), mean.shape)
    peak = f"step {coords['step'][row]}, layer {coords['layer'][column]}, {number(float(mean[row, column]))} nats"
    over = f"by step and layer over {plural(len(maps), 'item')}"
    alt = f"Mean {called(kind)} on {outcome} {over}; the largest is at {peak}."
    uneven = (
        " Chains differ in length: a step is a mean over the items that have it." if count.min() < count.max() else ""
    )
    trust = verdicts(maps) or "not assessed"
    trusted = f" Estimated; against exact patching, over the items: {trust}." if is_estimate(kind) else ""
    yield Figure(
        name=f"steps-{name}",
        draw=partial(plot_step_layer, maps),
        alt=alt,
        caption=f"Mean {called(kind)} of each step in each layer.{uneven}{trusted}"
        + added_up_words(analysis, results, maps),
        size=STEPS_SIZE,
    )
    if len({each.coords["layer"] for each in maps}) > 1:
        return
    peaks = "; ".join(
        f"step {each.step} {number(float(each.mean[abs(each.mean).argmax()]))}"
        for each in layer_means(maps, seed=analysis.seed, level=analysis.level)
    )
    yield Figure(
        name=f"layers-{name}",
        draw=partial(analysis.draw_layers, maps),
        alt=f"Mean {called(kind)} on {outcome} by layer, a line a step; largest in nats: {peaks}.",
        caption="The same means by layer. Effects in different layers do not add up, so a line is no split of TE."
        + trusted,
        size=LAYERS_SIZE,
    )


def step_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """The maps over steps alone."""
    analysis = analysis_of(results)
    kinds = [maps for (_, dims), maps in mapped(results, outcome).items() if dims == BY_STEP]
    if kinds:
        means = "; ".join(
            f"{maps[0].kind} {', '.join(number(float(value)) for value in mean_map(maps)[0])}" for maps in kinds
        )
        sums = [f" {maps[0].kind}:{said}" for maps in kinds if (said := added_up_words(analysis, results, maps))]
        yield Figure(
            name="by-step",
            draw=partial(plot_by_step, kinds, seed=analysis.seed, level=analysis.level),
            alt=f"Mean effects of single steps on {outcome}, from step 0 on, in nats: {means}.",
            caption="Mean effect of each step by itself; a step is a mean over the items that have it." + "".join(sums),
            size=BY_STEP_SIZE,
        )


def graft_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """The graft curves."""
    maps, analysis = graft_maps(results, outcome), analysis_of(results)
    if maps:
        ends = np.array([each.values[-1] for each in maps])
        yield Figure(
            name="grafts",
            draw=partial(plot_grafts, maps, seed=analysis.seed, level=analysis.level),
            alt=f"Effect on {outcome} of grafting steps of the source's chain, over {plural(len(maps), 'item')}; of "
            f"all steps {number(float(ends.mean()))} nats.",
            caption="What the outcome loses where the first steps that the answer reads are the source's and the rest "
            "the base's own: from nothing to TIE. It rises where the answer's reading lies.",
            size=GRAFTS_SIZE,
        )


def interaction_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """What two steps do together."""
    maps = interaction_maps(results, outcome)
    if maps:
        mean, coords, _ = mean_map(maps)
        row, column = np.unravel_index(np.nanargmax(abs(mean)), mean.shape)
        peak = f"steps {coords['step'][row]} and {coords['later'][column]}, {number(float(mean[row, column]))} nats"
        yield Figure(
            name="interactions",
            draw=partial(plot_interactions, maps),
            alt=f"Mean interaction of two steps on {outcome} over {plural(len(maps), 'item')}; largest: {peak}.",
            caption="The effect of two steps together less that of each alone. Positive: either of them will do, so "
            "that each hides the other. Negative: the answer needs both.",
            size=GRAPH_SIZE,
        )


def graph_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """The step graphs, which have an outcome of their own: once, with the first."""
    if outcome != results.cubes[0].outcome:
        return
    for kind in graph_kinds(results):
        yield _graph(kind, graph_maps(results, kind))


_EDGES = {"read": "read by that step's own tokens", "state": "with what goes through other steps"}


def _graph(kind: str, maps: tuple[EffectMap, ...]) -> Figure:
    edge = _EDGES.get(parse_kind(kind).part, kind)
    mean, coords, _ = mean_map(maps)
    row, column = np.unravel_index(np.nanargmax(abs(mean)), mean.shape)
    peak = (
        f"from step {coords['step'][row]} to step {coords['result'][column]}, {number(float(mean[row, column]))} nats"
    )
    return Figure(
        name=kind.replace(".", "-"),
        draw=partial(plot_step_graph, maps),
        alt=f"Mean {kind} over {plural(len(maps), 'item')}: the largest effect is {peak}.",
        caption=f"How much each step determines what a later step states: {edge}.",
        size=GRAPH_SIZE,
    )


# Each gives the figures of one outcome, in any of the page's sections that take figures.
FIGURES: tuple[Callable[[Results, str], Iterable[Figure]], ...] = (
    shares_figure,
    channels_figure,
    condition_figures,
    map_figures,
    step_figures,
    graft_figures,
    interaction_figures,
    graph_figures,
    sensitivity_figure,
    behaviour_figures,
)
