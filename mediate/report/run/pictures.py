"""The figures of a report as PNG, each with the text that stands in for it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from mediate.clock import stage
from mediate.figures import channels_size, detached, layer_means, plot_step_graph, plot_step_layer
from mediate.figures.channels import MOST_BARS
from mediate.figures.graph import GRAPH_SIZE
from mediate.figures.layers import LAYERS_SIZE
from mediate.figures.shares import SHARES_SIZE
from mediate.figures.steps import STEPS_SIZE
from mediate.files import write_bytes
from mediate.report.analysis import Analysis, analysis_of, graph_kinds, graph_maps, map_kinds, repeats, step_layer_maps
from mediate.report.run.evidence import verdicts
from mediate.report.words import number, plural, share_words
from mediate.results import Cube, Results, mean_map
from mediate.results.kinds import called, is_estimate, parse_kind

DPI = 160


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure.

    Args:
        name: File name without its ending.
        role: `shares`, `channels`, `steps`, `layers` or `graph`.
        outcome: The outcome that it shows.
        png: The image.
        alt: What it shows, with its main numbers, for readers who do not see it.
        caption: What a reader must know to read it.
    """

    name: str
    role: str
    outcome: str
    png: bytes
    alt: str
    caption: str


def write_pictures(folder: Path, drawn: Iterable[Picture]) -> None:
    """Writes each figure to `figures/` of a folder, whole or not at all."""
    for each in drawn:
        write_bytes(folder / "figures" / f"{each.name}.png", each.png)


def png(size: tuple[float, float], draw: Callable[[Axes], object]) -> bytes:
    """What `draw` draws on new axes of `size` inches; the same bytes for the same drawing."""
    with stage("drawing"), detached(size) as (figure, ax), BytesIO() as file:
        figure.set_dpi(DPI)
        draw(ax)
        # Laid out here: savefig would go through the whole drawing once more for it.
        if (layout := figure.get_layout_engine()) is not None:
            layout.execute(figure)
            figure.set_layout_engine("none")
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
        return file.getvalue()


def pictures(results: Results) -> tuple[Picture, ...]:
    """Every figure of the report, outcome by outcome; none where no item was measured, nor the same one twice."""
    made: list[Picture] = []
    analysis = analysis_of(results)
    for place, cube in enumerate(results.cubes if results.items else ()):
        if repeats(results, cube.outcome) is not None:
            continue
        suffix = "" if place == 0 else f"-{file_part(cube.outcome, f'outcome{place}')}"
        made += [_shares_picture(cube, analysis, suffix), _channels_picture(cube, analysis, suffix)]
        for number_of_kind, kind in enumerate(map_kinds(results, cube.outcome)):
            name = file_part(kind.replace(":", "_"), f"map{number_of_kind}")
            made += _map_pictures(results, cube.outcome, kind, f"-{name}{suffix}", analysis)
        if not place:
            made += [_graph_picture(results, cube.outcome, kind) for kind in graph_kinds(results)]
    return tuple(made)


def file_part(text: str, otherwise: str) -> str:
    """The text where it can be part of a file name anywhere, else a plain replacement."""
    return text if re.fullmatch(r"[a-z0-9_]{1,60}", text) else otherwise


def _shares_picture(cube: Cube, analysis: Analysis, suffix: str) -> Picture:
    listed = "; ".join(f"{name} {share_words(share)}" for name, share in analysis.shares(cube).items())
    return Picture(
        name=f"shares{suffix}",
        role="shares",
        outcome=cube.outcome,
        png=png(SHARES_SIZE, lambda ax: analysis.draw_shares(cube, ax)),
        alt=f"Shares of the total effect on {cube.outcome}: {listed}.",
        caption="Share of each channel, and the mediated share, with its interval; dashed lines at 0 and 100 %.",
    )


def _channels_picture(cube: Cube, analysis: Analysis, suffix: str) -> Picture:
    effects = analysis.effects(cube)
    means = ", ".join(f"{name} {number(effects[name].value)}" for name in ("direct", "text", "latent", "te"))
    if len(cube.items) <= MOST_BARS:
        caption = (
            "Each item's total effect (diamond) as the sum of its three channels (bars); the mean is the last row."
        )
    else:
        caption = f"Each of {len(cube.items)} items is a point in every row; diamonds are means with their intervals."
    return Picture(
        name=f"channels{suffix}",
        role="channels",
        outcome=cube.outcome,
        png=png(channels_size(cube), lambda ax: analysis.draw_channels(cube, ax)),
        alt=f"Channels of {plural(len(cube.items), 'item')}, effect on {cube.outcome}; means in nats: {means}.",
        caption=caption,
    )


def _map_pictures(results: Results, outcome: str, kind: str, suffix: str, analysis: Analysis) -> list[Picture]:
    maps = step_layer_maps(results, outcome, kind)
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
    heat = Picture(
        name=f"steps{suffix}",
        role="steps",
        outcome=outcome,
        png=png(STEPS_SIZE, lambda ax: plot_step_layer(maps, ax=ax)),
        alt=alt,
        caption=f"Mean {called(kind)} of each step in each layer.{uneven}{trusted}",
    )
    if len({each.coords["layer"] for each in maps}) > 1:
        return [heat]
    peaks = "; ".join(
        f"step {each.step} {number(float(each.mean[abs(each.mean).argmax()]))}"
        for each in layer_means(maps, seed=analysis.seed, level=analysis.level)
    )
    lines = Picture(
        name=f"layers{suffix}",
        role="layers",
        outcome=outcome,
        png=png(LAYERS_SIZE, lambda ax: analysis.draw_layers(maps, ax)),
        alt=f"Mean {called(kind)} on {outcome} by layer, a line a step; largest in nats: {peaks}.",
        caption="The same means by layer. Effects in different layers do not add up, so a line is no split of TE."
        + trusted,
    )
    return [heat, lines]


_EDGES = {"read": "read by that step's own tokens", "state": "with what goes through other steps"}


def _graph_picture(results: Results, outcome: str, kind: str) -> Picture:
    maps, edge = graph_maps(results, kind), _EDGES.get(parse_kind(kind).part, kind)
    mean, coords, _ = mean_map(maps)
    row, column = np.unravel_index(np.nanargmax(abs(mean)), mean.shape)
    peak = (
        f"from step {coords['step'][row]} to step {coords['result'][column]}, {number(float(mean[row, column]))} nats"
    )
    return Picture(
        name=kind.replace(".", "-"),
        role="graph",
        outcome=outcome,
        png=png(GRAPH_SIZE, lambda ax: plot_step_graph(maps, ax=ax)),
        alt=f"Mean {kind} over {plural(len(maps), 'item')}: the largest effect is {peak}.",
        caption=f"How much each step determines what a later step states: {edge}.",
    )
