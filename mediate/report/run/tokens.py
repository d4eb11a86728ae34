"""The chain of thought token by token, coloured by the effect of its step."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from mediate.figures import visible
from mediate.report.blocks import BINS, Stretch
from mediate.report.run.evidence import verdicts
from mediate.report.words import number
from mediate.results import EffectMap, Measured, Told
from mediate.results.kind_words import of_a_step
from mediate.results.kinds import is_estimate, window_of


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
        layer: The layer whose effects colour the steps; None without maps.
        limit: The effect, in nats, of the deepest shade.
        kind: Of the maps; empty without.
        trust: Of estimates, how many of them agree how far with exact patching.
    """

    chains: tuple[Chain, ...]
    layer: int | None
    limit: float
    kind: str = ""
    trust: str = ""

    @property
    def noun(self) -> str:
        """What a number is, in a word."""
        return "estimate" if is_estimate(self.kind) else "effect"

    @property
    def words(self) -> str:
        """What a number is."""
        return of_a_step(self.kind)

    @property
    def window(self) -> int:
        """How many neighbouring layers a number is of."""
        return window_of(self.kind)

    @property
    def caution(self) -> str:
        """A sentence on how far estimates can be trusted; empty of exact effects."""
        if not is_estimate(self.kind):
            return ""
        return f"Against exact patching, over all items: {self.trust or 'not assessed'}."


def strongest_layer(maps: Sequence[EffectMap]) -> int:
    """The layer with the largest sum, over items and steps, of the sizes of the effects.

    One layer for all items, since effects in different layers do not add up. The first of equals.
    """
    sizes: dict[int, float] = {}
    for each in maps:
        for layer, column in zip(each.coords["layer"], each.values.T, strict=True):
            sizes[layer] = sizes.get(layer, 0.0) + float(abs(column).sum())
    return max(sorted(sizes), key=lambda layer: sizes[layer])


def colour_chains(items: Sequence[Measured], maps: Sequence[EffectMap]) -> Colouring:
    """The chains of `items`, their steps shaded by effect in the strongest layer of `maps` (step by layer)."""
    layer = strongest_layer(maps) if maps else None
    by_item = {each.item: _steps_at(each, layer) for each in maps if layer is not None}
    shown = [abs(value) for item in items for value in by_item.get(item.id, {}).values()]
    limit = max(shown, default=0.0)
    chains = tuple(
        Chain(
            item,
            _stretches(item.base, by_item.get(item.id, {}), limit),
            _stretches(item.source, {}, limit) if item.source else (),
            item.id in by_item,
        )
        for item in items
    )
    return Colouring(chains, layer, limit, maps[0].kind if maps else "", verdicts(maps))


def _steps_at(each: EffectMap, layer: int) -> dict[int, float]:
    if layer not in each.coords["layer"]:
        return {}
    column = each.values[:, each.coords["layer"].index(layer)]
    return {step: float(value) for step, value in zip(each.coords["step"], column, strict=True)}


def _stretches(world: Told, effects: dict[int, float], limit: float) -> tuple[Stretch, ...]:
    stretches = []
    numbered = enumerate(zip(world.steps, world.tokens, strict=True))
    for step, part in groupby(numbered, key=lambda each: each[1][0]):
        places = list(part)
        states = [index for index, (place, _) in enumerate(places) if place == world.states_answer]
        stretches.append(
            Stretch(
                step,
                tuple(visible(token.replace("\n", "↵\n"), keep="\n") for _, (_, token) in places),
                _signed(effects[step]) if step in effects else "",
                shade(effects.get(step, 0.0), limit),
                states[0] if states else None,
                world.states_result is not False,
            )
        )
    return tuple(stretches)


def _signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("−") or value <= 0 else f"+{text}"


def shade(value: float, limit: float) -> int:
    """The shade of an effect: `BINS` equal steps on either side of 0, up to `limit`."""
    return round(BINS * float(np.clip(value / limit, -1, 1))) if limit > 0 else 0
