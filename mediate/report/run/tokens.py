"""The chain of thought token by token, coloured by the effect of its steps or of the tokens themselves."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from mediate.figures import visible
from mediate.pairs.answers import same_answer, says
from mediate.report.blocks import BINS, Stretch
from mediate.report.run.map_sets import MapSet, along_chain
from mediate.report.words import number
from mediate.results import Measured, Told

CIRCLE = "\N{DOTTED CIRCLE}"


@dataclass(frozen=True, slots=True)
class Chain:
    """One item's two chains as they are shown; only the base chain is coloured."""

    item: Measured
    base: tuple[Stretch, ...]
    source: tuple[Stretch, ...]
    has_map: bool


@dataclass(frozen=True, slots=True)
class Colouring:
    """Chains and what their colours mean.

    Args:
        chains: The chains of the shown items.
        maps: What colours them; None without maps.
        at: The label on each of the maps' other axes, such as the layer.
        limit: The effect of the deepest shade, in the maps' unit.
        given: Whether that label was asked for.
    """

    chains: tuple[Chain, ...]
    maps: MapSet | None = None
    at: Mapping[str, int] = field(default_factory=dict)
    limit: float = 0.0
    given: bool = False

    @property
    def layer(self) -> int | None:
        """The layer whose effects colour the chains; None of maps without layers."""
        return self.at.get("layer")


def colour_chains(items: Sequence[Measured], maps: MapSet | None, at: Mapping[str, int] | None = None) -> Colouring:
    """The chains of `items`, shaded by `maps` where their effects are strongest, or where `at` says.

    Raises:
        InputError: `at` has an axis or a label that no map has.
    """
    chosen = maps.strongest(at) if maps else {}
    limit = maps.limit if maps else 0.0
    by_item = {each.item: along_chain(each, chosen) for each in maps.maps} if maps else {}
    axis = maps.axis if maps else ""
    chains = tuple(
        Chain(
            item,
            _stretches(item.base, by_item.get(item.id, {}), limit, axis),
            _stretches(item.source, {}, limit, axis) if item.source else (),
            item.id in by_item,
        )
        for item in items
    )
    return Colouring(chains, maps, chosen, limit, given=bool(at))


def _stretches(world: Told, effects: dict[int, float], limit: float, axis: str) -> tuple[Stretch, ...]:
    stretches = []
    numbered = enumerate(zip(world.steps, world.tokens, strict=True))
    for step, part in groupby(numbered, key=lambda each: each[1][0]):
        places = list(part)
        states = [index for index, (place, _) in enumerate(places) if place == world.states_answer]
        by_token = [effects.get(place, 0.0) for place, _ in places] if axis == "position" and effects else []
        said = _strongest(world, [place for place, _ in places], effects) if by_token else ""
        of_step = effects.get(step) if axis == "step" else None
        stretches.append(
            Stretch(
                step,
                tuple(shown_token(token) for _, (_, token) in places),
                said if of_step is None else signed(of_step),
                shade(of_step or 0.0, limit),
                states[0] if states else None,
                world.states_result is not False,
                tuple(shade(value, limit) for value in by_token),
            )
        )
    return tuple(stretches)


def _strongest(world: Told, places: Sequence[int], effects: Mapping[int, float]) -> str:
    """The largest effect among some tokens, and which token has it."""
    there = [place for place in places if not np.isnan(effects.get(place, np.nan))]
    if not there:
        return ""
    best = max(there, key=lambda place: abs(effects[place]))
    return f"{signed(effects[best])} at “{shown_token(world.tokens[best]).strip()}”"


def signed(value: float) -> str:
    """A number with its sign."""
    text = number(value)
    return f"+{text}" if value > 0 else text


def shade(value: float, limit: float) -> int:
    """The shade of an effect: `BINS` equal steps on either side of 0, up to `limit`; none of what is undefined."""
    return round(BINS * float(np.clip(value / limit, -1, 1))) if limit > 0 and not np.isnan(value) else 0


def shown_token(token: str) -> str:
    """A token as it is shown: with nothing invisible, and with a sign before each line break.

    Where a token begins with a mark that belongs to the letter before it, such as an accent, the mark stands over a
    circle: the letter is another token's, which has its own colour.
    """
    if not token.isascii() and unicodedata.category(token[0]).startswith("M"):
        token = CIRCLE + token
    return token if token.isprintable() else visible(token.replace("\n", "↵\n"), keep="\n")


def answered(world: Told) -> str:
    """The answer, with the model's own beside it where that is another."""
    said, given, stated = world.said, world.given, world.stated
    if given is not None:
        return world.answer if says(world.answer, given) else f"{world.answer} (given: {given})"
    if stated is not None and not says(stated, world.answer):
        return f"{world.answer} (response: {stated})"
    return world.answer if said is None or same_answer(said, world.answer) else f"{world.answer} (model: {said})"
