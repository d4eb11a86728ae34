"""Read effects: what the answer reads from a set of CoT positions in a set of layers, everything else as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.effects.maps import EffectMap
from mediate.errors import InputError, ItemError
from mediate.mediation.cube import ROW_BYTES, Contexts, laid_out
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.models.model import Model
from mediate.runs.keyvalues import KeyValues, read

AXES = ("step", "layer")


@dataclass(frozen=True, slots=True)
class MapSpec:
    """A map to measure, written `read:step,layer`: the kind of effect and the axes that tell its cells apart.

    Args:
        kind: The effect; `read` is the one there is.
        axes: Any of `step` and `layer`; what is not named is swapped as a whole.
    """

    kind: str
    axes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(self.axes)}"


def parse_map(text: str) -> MapSpec:
    """Reads `read:step,layer` and its like.

    Raises:
        InputError: Another kind, another axis, or none.
    """
    kind, _, names = text.partition(":")
    axes = tuple(name for name in AXES if name in names.split(","))
    if kind != "read" or not axes or sorted(axes) != sorted(names.split(",")):
        raise InputError(f"no map {text!r}; there is read:step,layer and read:step and read:layer")
    return MapSpec(kind, axes)


@dataclass(frozen=True, slots=True)
class Swap:
    """Which keys and values are taken from the source: those of some CoT positions in some layers.

    Args:
        start: The first CoT position, counted from the start of the chain.
        stop: The position after the last.
        layers: The layers.
    """

    start: int
    stop: int
    layers: tuple[int, ...]


def check_aligned(pair: EncodedPair, place: str = "") -> None:
    """Raises ItemError where the two chains cannot be laid on each other step by step, token by token."""
    spans = [trace.step_spans for trace in pair.traces]
    lengths = [[stop - start for start, stop in each] for each in spans]
    if lengths[0] == lengths[1]:
        return
    if len(spans[0]) != len(spans[1]):
        reason = f"the base chain has {len(spans[1])} steps and the source chain {len(spans[0])}"
    else:
        step = next(step for step in range(len(spans[0])) if lengths[0][step] != lengths[1][step])
        reason = (
            f"step {step} has {lengths[1][step]} tokens in the base chain and {lengths[0][step]} in the source chain"
        )
    raise ItemError(
        pair.id,
        f"{reason}, so a read map cannot be aligned; give chains of equal steps, or leave the map out",
        place=place,
        code="unaligned_steps",
    )


def swaps_of(pair: EncodedPair, layers: int, axes: Sequence[str]) -> tuple[list[Swap], dict[str, tuple[int, ...]]]:
    """The swaps of a map in row order of its axes, and the labels along them."""
    spans = pair.traces[1].step_spans
    steps = (
        [(number, *span) for number, span in enumerate(spans)] if "step" in axes else [(0, 0, len(pair.traces[1].ids))]
    )
    depths = [(layer,) for layer in range(layers)] if "layer" in axes else [tuple(range(layers))]
    swaps = [Swap(start, stop, depth) for (_, start, stop), depth in product(steps, depths)]
    labels = {"step": tuple(range(len(steps))), "layer": tuple(range(layers))}
    return swaps, {name: labels[name] for name in AXES if name in axes}


def read_map(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, te: float) -> EffectMap:
    """Read effects over the axes of a map.

    The effect of a cell is Y[1,1,1] less the outcome when the readers, in the base run, find the source run's keys and
    values at the cell's positions and layers; positive where what the base chain holds there speaks for the base
    answer. Nothing but the readers is recomputed. All cells at once give TIE = Y[1,1,1] - Y[1,0,0]; the cells' effects
    do not add up to it in general.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        spec: The map.
        outcome: What to read off.
        te: The pair's total effect, which goes into the record.

    Raises:
        ItemError: The chains cannot be aligned.
    """
    pair = contexts.pair
    check_aligned(pair)
    swaps, coords = swaps_of(pair, model.facts.layers, spec.axes)
    effects = read_effects(model, contexts, swaps, outcome).reshape([len(labels) for labels in coords.values()])
    return EffectMap(effects, tuple(coords), coords, pair.id, pair.group, spec.kind, outcome.value, te)


def read_effects(
    model: Model, contexts: Contexts, swaps: Sequence[Swap], outcome: Outcome
) -> Float[np.ndarray, " swap"]:
    """The effect of each swap, in nats; see `read_map` for the sign.

    Raises:
        InputError: A swap outside the chain or the model.
    """
    pair = contexts.pair
    length = len(pair.traces[1].ids)
    for swap in swaps:
        if not 0 <= swap.start < swap.stop <= length:
            raise InputError(f"item {pair.id!r}: positions {swap.start} to {swap.stop} of a chain of {length} tokens")
        if not swap.layers or not set(swap.layers) <= set(range(model.facts.layers)):
            raise InputError(f"item {pair.id!r}: layers {swap.layers} of a model with {model.facts.layers}")
    question, base = laid_out(model, contexts, 1, 1, 1)
    _, source = laid_out(model, contexts, 1, 0, 0)
    tokens = reading(pair.readers, model.device, whole_answers=outcome is Outcome.LOGPROB_DIFF)
    rows_each = len(tokens.ids)
    per_pass = max(1, ROW_BYTES // ((question.nbytes + base.nbytes) * rows_each))
    # A swap that changes no key or value has no effect; computed, it would have that of rounding.
    moving = [place for place, swap in enumerate(swaps) if _differs(base, source, swap)]
    plan: list[Swap | None] = [None, *(swaps[place] for place in moving)]
    y: list[float] = []
    for first in range(0, len(plan), per_pass):
        chunk = plan[first : first + per_pass]
        past = _swapped_past(question, base, source, [swap for swap in chunk for _ in range(rows_each)])
        logits = read(model, tokens.ids.repeat(len(chunk), 1), past, last=tokens.last)
        y += [read_off(tokens, each, outcome) for each in logits.reshape(len(chunk), rows_each, *logits.shape[1:])]
    effects = np.zeros(len(swaps))
    effects[moving] = y[0] - np.array(y[1:])
    return effects


def _differs(base: KeyValues, source: KeyValues, swap: Swap) -> bool:
    there = (list(swap.layers), slice(None), slice(swap.start, swap.stop))
    return not (
        torch.equal(base.keys[there], source.keys[there]) and torch.equal(base.values[there], source.values[there])
    )


def _swapped_past(
    question: KeyValues, base: KeyValues, source: KeyValues, rows: Sequence[Swap | None]
) -> list[tuple[Tensor, Tensor]]:
    """The base run's keys and values with each row's swap made; a layer that no row touches is shared, not copied."""
    past: list[tuple[Tensor, Tensor]] = []
    begin = len(question)
    for layer in range(len(base.keys)):
        touched = [(row, swap) for row, swap in enumerate(rows) if swap is not None and layer in swap.layers]
        pair: list[Tensor] = []
        for ours, chain, other in (
            (question.keys, base.keys, source.keys),
            (question.values, base.values, source.values),
        ):
            whole = torch.cat([ours[layer], chain[layer]], dim=1).expand(len(rows), -1, -1, -1)
            if touched:
                whole = whole.clone()
                for row, swap in touched:
                    whole[row, :, begin + swap.start : begin + swap.stop] = other[layer, :, swap.start : swap.stop]
            pair.append(whole)
        past.append((pair[0], pair[1]))
    return past
