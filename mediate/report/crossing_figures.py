"""The figures of two checkpoints crossed: the changes, and the maps of where they are, in one scale of colours."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from mediate.figures.components import DIMS as LAYER_DIMS
from mediate.figures.components import components_size, plot_components
from mediate.figures.crossing import CROSSING_NARROW, CROSSING_SIZE, component_rows, crossing_said, plot_crossing
from mediate.figures.figure import Figure
from mediate.figures.layers import DIMS
from mediate.figures.over import Align, uneven
from mediate.figures.scale import ColourScale, scale_of
from mediate.figures.steps import STEPS_SIZE, plot_step_layer
from mediate.figures.style import MARGIN
from mediate.report.crossing_words import repeated
from mediate.report.parts import file_part
from mediate.report.words import interval, number, plain, plural
from mediate.results.crossing import change
from mediate.results.crossing_folder import CrossResults
from mediate.results.crossing_names import CHANGE_WORDS
from mediate.results.kind_words import called, view_words
from mediate.results.maps import EffectMap, mean_map


def crossing_figures(results: CrossResults) -> tuple[Figure, ...]:
    """The changes of each outcome, and the maps of the first; none where no item was crossed."""
    source = _source(results)
    made = (each for figures in FIGURES for each in figures(results))
    return tuple(each.signed(source) for each in made)


def _source(results: CrossResults) -> str:
    """Where a figure comes from, in a line that stands in it: both models, how many items, and the day."""
    manifest = results.manifest
    names = [plain(manifest.get("model", {}).get(each, {}).get("name")) for each in ("tuned", "original")]
    items = {item for crossing in results.crossings for item in crossing.items}
    day = str(manifest.get("finished") or manifest.get("created") or "")[:10]
    return ", ".join(filter(None, (f"{names[0]} less {names[1]}", f"{plural(len(items), 'item')} crossed", day)))


def change_figures(results: CrossResults) -> Iterator[Figure]:
    """How each outcome changes."""
    having = [each for each in results.crossings if each.items]
    for place, crossing in enumerate(having):
        if repeated(results, crossing) is not None:
            continue
        changes = results.changes(crossing.outcome)
        said = crossing_said(changes)
        listed = "; ".join(
            f"{CHANGE_WORDS[name]} {number(changes[name].value)} {interval(changes[name])}"
            for name in ("total", "state", "rest")
        )
        yield Figure(
            name="crossing" if place == 0 else f"crossing-{place}",
            draw=partial(plot_crossing, crossing, **_drawn(results)),
            draw_narrow=partial(plot_crossing, crossing, within=True, **_drawn(results)),
            size_narrow=CROSSING_NARROW,
            alt=f"Change of {crossing.outcome}, tuned less original: {listed}.{said and f' {said}.'}",
            caption="CoT state and all else sum to the total change, and so do the last three.",
            size=CROSSING_SIZE,
            section="changes",
            outcome=crossing.outcome,
        )


def map_figures(results: CrossResults) -> Iterator[Figure]:
    """The maps by step and layer, one a kind, all in one scale of colours."""
    scales = scales_of_maps(results)
    for place, (kind, maps) in enumerate(step_layer_kinds(results).items()):
        align: Align = "end" if uneven(maps) else "start"
        counted = " Steps are counted to the last one, −1." if align == "end" else ""
        yield _map_figure(
            name=file_part(kind.replace(".", "_"), f"map{place}"),
            words=called(kind),
            more=counted,
            outcome=maps[0].outcome,
            size=STEPS_SIZE,
            draw=partial(plot_step_layer, maps, scale=scales[maps[0].outcome], align=align, **_drawn(results)),
        )


def component_figures(results: CrossResults) -> Iterator[Figure]:
    """The maps by layer, a row a component, in the same scale."""
    scales = scales_of_maps(results)
    for name, rows in component_rows(results).items():
        first = next(iter(rows.values()))[0]
        yield _map_figure(
            name=name,
            words=f"effects {view_words(first.kind)}, by component",
            outcome=first.outcome,
            size=components_size(len(rows)),
            draw=partial(plot_components, rows, scale=scales[first.outcome], **_drawn(results)),
        )


FIGURES: tuple[Callable[[CrossResults], Iterable[Figure]], ...] = (change_figures, map_figures, component_figures)


def step_layer_kinds(results: CrossResults) -> dict[str, tuple[EffectMap, ...]]:
    """The maps by step and layer, by kind."""
    kinds = dict.fromkeys(each.kind for each in results.maps if each.dims == DIMS)
    return {kind: tuple(each for each in results.maps if (each.kind, each.dims) == (kind, DIMS)) for kind in kinds}


def scales_of_maps(results: CrossResults) -> dict[str, ColourScale]:
    """By outcome, the colours of all maps that are drawn, never deeper than a twentieth of the total change allows."""
    families: dict[tuple[str, str, tuple[str, ...]], list[EffectMap]] = {}
    for each in results.maps:
        if each.dims in (DIMS, LAYER_DIMS):
            families.setdefault((each.outcome, each.kind, each.dims), []).append(each)
    least = {each.outcome: MARGIN * abs(float(change(each.y).total.mean())) for each in results.crossings if each.items}
    means = [(outcome, mean_map(maps)[0]) for (outcome, _, _), maps in families.items()]
    return {
        outcome: scale_of([mean for of, mean in means if of == outcome], least.get(outcome, 0.0))
        for outcome in dict.fromkeys(outcome for outcome, _ in means)
    }


def _drawn(results: CrossResults) -> dict[str, Any]:
    spec = results.manifest["spec"]
    return {"seed": spec["seed"], "level": spec["level"]}


def _map_figure(
    *, name: str, words: str, outcome: str, size: tuple[float, float], draw: Callable[..., object], more: str = ""
) -> Figure:
    return Figure(
        name=name,
        draw=draw,
        alt=f"Map of the change of {outcome}: {words}.",
        caption=f"Mean {words}: what a cell's CoT state changes, in nats; one scale of colours for all maps.{more}",
        size=size,
        outcome=outcome,
    )
