"""Maps as the page's figures take them: by kind and axes, their common scale, and words that all say alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mediate.figures.figure import Figure
from mediate.figures.one_axis import extent_of
from mediate.figures.over import Align, aligned, common_scale, uneven
from mediate.figures.scale import ColourScale
from mediate.figures.style import MARGIN
from mediate.report.analysis import Analysis
from mediate.report.parts import file_part
from mediate.report.run.evidence import verdicts
from mediate.report.words import number, plural
from mediate.results import EffectMap, Results, mean_map, total_effect
from mediate.results.kind_words import called
from mediate.results.kinds import KINDS, KindName, is_estimate, parse_kind
from mediate.results.outcomes import unit_of

Maps = tuple[EffectMap, ...]


@dataclass(frozen=True, slots=True)
class MapDrawing:
    """A way to draw maps.

    Args:
        name: What it is called.
        fits: Whether it draws maps of this kind and over these axes.
        figures: The figures of all such maps of an outcome, by kind and axes.
    """

    name: str
    fits: Callable[[str, tuple[str, ...]], bool]
    figures: Callable[[Results, str, Sequence[Maps]], Iterable[Figure]]


def families(results: Results, outcome: str) -> dict[tuple[str, tuple[str, ...]], Maps]:
    """The maps that have a number, by kind and axes, in the order in which they come.

    Cells with outcomes of their own, which are no outcome of the run, are with the first of these.
    """
    own = {cube.outcome for cube in results.cubes}
    first = bool(results.cubes) and outcome == results.cubes[0].outcome
    found: dict[tuple[str, tuple[str, ...]], list[EffectMap]] = {}
    for each in results.maps:
        here = each.outcome == outcome or (first and each.outcome not in own)
        if here and not np.isnan(each.values).all():
            found.setdefault((each.kind, each.dims), []).append(each)
    return {key: tuple(maps) for key, maps in found.items()}


def scale_for(results: Results, outcome: str, dims: tuple[str, ...], *, of: str = "") -> ColourScale | None:
    """The colours of all maps of a page over these axes; None of cells with other outcomes.

    They are those of the exact maps, for an estimate that is far too large would leave these pale, or of all where none
    is exact; and never deeper than the margin allows, a twentieth of the mean TE, so that nothing looks like an effect.
    """
    if parse_kind(of).of.outcome:
        return None
    here = {
        kind: maps
        for (kind, axes), maps in families(results, outcome).items()
        if axes == dims and maps[0].outcome == outcome
    }
    exact = [maps for kind, maps in here.items() if not is_estimate(kind)]
    shown = [aligned(maps, end_or_start(maps)) for maps in exact or here.values()]
    return common_scale(shown, dims, next_to_nothing(results, outcome))


def next_to_nothing(results: Results, outcome: str) -> float:
    """The size of an effect that must not look like one: the margin's part of the mean TE, in the outcome's unit."""
    return MARGIN * abs(float(total_effect(results.cube(outcome).y).mean()))


def extent_for(found: pd.DataFrame, outcome: str) -> tuple[float, float] | None:
    """How far effects and their intervals reach in what a figure draws; None of effects on another outcome."""
    return extent_of(found) if set(found["outcome"]) == {outcome} else None


def resampled(analysis: Analysis) -> dict[str, Any]:
    """The seed and the level of a figure's intervals."""
    return {"seed": analysis.seed, "level": analysis.level}


def exact_kind(kind: str) -> str:
    """The kind of map that an estimated one is an estimate of: of `attribution.z.ig` it is `state.z`."""
    name = parse_kind(kind)
    of = next(each for each in KINDS if each.name == ("ablate" if name.by else "state"))
    return str(KindName(of, name.part, direction=name.direction, by=name.by))


def origins(results: Results) -> Mapping[str, int]:
    """By item, the CoT token at which its base chain first states the answer as a result."""
    return {
        item.id: item.base.states_answer
        for item in results.items
        if item.base.states_answer is not None and item.base.states_result is not False
    }


def said_of(results: Results, item: str, *, tokens: bool = False) -> tuple[str, ...]:
    """What each step of an item's base chain says, or each of its tokens; nothing of an item that is not there."""
    told = next((each.base for each in results.items if each.id == item), None)
    if told is None:
        return ()
    if tokens:
        return told.tokens
    steps = range(max(told.steps, default=-1) + 1)
    return tuple(
        "".join(text for text, place in zip(told.tokens, told.steps, strict=True) if place == step).strip()
        for step in steps
    )


def asked_of(results: Results, item: str) -> str:
    """An item's question, as given; nothing of an item that is not there."""
    return next((each.base.question for each in results.items if each.id == item), "")


def file_named(kind: str, place: int) -> str:
    return file_part(kind.replace(":", "_"), f"map{place}")


def end_or_start(maps: Maps) -> Align:
    """Chains that differ in length have their last step in common, where most of the effect is."""
    return "end" if uneven(maps) else "start"


def uneven_words(maps: Maps) -> str:
    if not uneven(maps):
        return ""
    told = "a step is a mean over the items that have it"
    return f" Chains differ in length, so steps are counted to the last one, −1: {told}."


def trust_words(maps: Maps) -> str:
    if not is_estimate(maps[0].kind):
        return ""
    return f" Estimated; against exact patching, over the items: {verdicts(maps) or 'not assessed'}."


def peak_of(maps: Maps) -> tuple[float, str]:
    """The largest mean, and where it is, in words."""
    mean, coords, _ = mean_map(maps)
    place = np.unravel_index(int(np.nanargmax(abs(mean))), mean.shape)
    at = ", ".join(f"{name} {coords[name][where]}" for name, where in zip(maps[0].dims, place, strict=True))
    return float(mean[place]), at.replace("-", "−")


def two_steps(maps: Maps, words: str) -> tuple[float, str]:
    """The largest mean of maps of two steps, and of which two it is, in words with a place for each."""
    mean, coords, _ = mean_map(maps)
    place = np.unravel_index(int(np.nanargmax(abs(mean))), mean.shape)
    steps = (coords[name][where] for name, where in zip(maps[0].dims, place, strict=True))
    return float(mean[place]), words.format(*steps).replace("-", "−")


def alt_of(maps: Maps, outcome: str) -> str:
    value, at = peak_of(maps)
    first = maps[0]
    over = f"{' and '.join(first.dims)} over {plural(len({each.item for each in maps}), 'item')}"
    unit = unit_of(first.outcome)
    return f"Mean {called(first.kind)} on {outcome} by {over}; the largest is at {at}, {number(value)} {unit}."


def axes_part(dims: Sequence[str], *, but: tuple[str, ...] = ("layer",)) -> str:
    return "" if tuple(dims) == but or not dims else "-" + "-".join(name.replace("_", "") for name in dims)
