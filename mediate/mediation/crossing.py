"""Two checkpoints of one architecture on the same tokens: the state of one put into the other, exactly.

One world's question, chain and readers are run by both models, so the trace is shared by construction. What the answer
reads is then laid together: `Y[q, c, r]` has the question's keys and values from checkpoint q, the CoT's from
checkpoint c, and the readers' few tokens run by checkpoint r (0 original, 1 tuned); see `mediate.results.crossing` for
its splits. Two passes over the context and eight over the readers give all eight cells, with no approximation.

Keys are taken as attention reads them: after the norm that some families have on keys and after the rotary embedding,
which both models share. Where two models' states are equal bit for bit, so are the outcomes that they lead to, for
every cell is a pass of its own and of the same shape.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.errors import InputError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.cube import read_rows
from mediate.mediation.outcomes import USUAL, Outcome, read_off, reading
from mediate.models.model import Model
from mediate.pairs.pair import World
from mediate.passes.keyvalues import KeyValues, prefill, rotary_frequencies

Checkpoints = tuple[Model, Model]
"""The original model and the tuned one."""

# Of the facts: what must be equal, in words, and what to do where it is not.
_FACTS = {
    "architecture": "architectures",
    "layers": "numbers of layers",
    "heads": "numbers of heads",
    "kv_heads": "numbers of KV heads",
    "d_model": "widths of the residual stream",
    "d_head": "widths of a head",
    "d_vocab": "vocabulary sizes",
}
_CHECKPOINTS = "give two checkpoints of one architecture"
# Of the configuration: what says how states are laid out and read, under the names that families give it.
_SETTINGS = (
    "rope_parameters",
    "layer_types",
    "sliding_window",
    "hidden_act",
    "activation_function",
    "intermediate_size",
    "n_inner",
)


def check_crossable(original: Model, tuned: Model) -> None:
    """Raises InputError on the first thing that keeps the state of one model from standing in the other."""
    for name, words in _FACTS.items():
        _check_equal(original, tuned, words, _CHECKPOINTS, *(getattr(each.facts, name) for each in (original, tuned)))
    remedies = {"dtype": "load both with one dtype", "device": "load both on one device"}
    for name, remedy in remedies.items():
        _check_equal(original, tuned, f"{name}s", remedy, *(getattr(each.facts, name) for each in (original, tuned)))
    _check_equal(
        original,
        tuned,
        "tokenizers (sha256)",
        "load both with the tokenizer of one: load(..., tokenizer=...)",
        *(each.facts.tokenizer[:12] or "none" for each in (original, tuned)),
    )
    for name in _SETTINGS:
        _check_equal(original, tuned, f"settings {name}", _CHECKPOINTS, *(_setting(m, name) for m in (original, tuned)))
    if _frequencies(original) != _frequencies(tuned):
        raise InputError(_refusal(original, tuned, "their rotary frequencies differ", _CHECKPOINTS))


def _check_equal(original: Model, tuned: Model, words: str, remedy: str, one: Any, other: Any) -> None:
    if one != other:
        raise InputError(_refusal(original, tuned, f"their {words} are {one} and {other}", remedy))


def _refusal(original: Model, tuned: Model, difference: str, remedy: str) -> str:
    return f"models {original.facts.name!r} and {tuned.facts.name!r} cannot be crossed: {difference}; {remedy}"


def _setting(model: Model, name: str) -> str:
    config = model.plain.config.get_text_config()
    return json.dumps(getattr(config, name, None), sort_keys=True, default=str)


def _frequencies(model: Model) -> list[list[float]] | str:
    try:
        return [each.tolist() for each in rotary_frequencies(model)]
    except InputError as none:  # its positions are learned, or its frequencies change with the length
        return str(none)


def facing(pair: EncodedPair, world: int) -> EncodedPair:
    """The pair with `world` as its base world, so that outcomes are positive towards that world's own answer."""
    if world == 1:
        return pair
    readers = replace(pair.readers, base=pair.readers.source, source=pair.readers.base)
    return replace(pair, questions=pair.questions[::-1], traces=pair.traces[::-1], readers=readers)


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """One world's question and chain as both checkpoints compute them.

    Args:
        models: The original and the tuned model.
        pair: The pair; its base world is the one that was run.
        runs: Keys and values of question and chain, by checkpoint.
    """

    models: Checkpoints
    pair: EncodedPair
    runs: tuple[KeyValues, KeyValues]

    def question(self, checkpoint: int) -> KeyValues:
        """The question part's keys and values."""
        return self.runs[checkpoint].part(0, len(self.pair.questions[World.BASE]))

    def chain(self, checkpoint: int) -> KeyValues:
        """The chain's keys and values."""
        whole = self.runs[checkpoint]
        return whole.part(len(self.pair.questions[World.BASE]), len(whole))


def run_crossed(original: Model, tuned: Model, pair: EncodedPair) -> Crossed:
    """Runs the pair's base world on both models; for the source world, give `facing(pair, 0)`.

    Raises:
        InputError: The models are no two checkpoints of one architecture.
    """
    check_crossable(original, tuned)
    ids = torch.tensor([pair.context(World.BASE, World.BASE)], device=original.device)
    one, other = (prefill(model, ids)[0] for model in (original, tuned))
    return Crossed((original, tuned), pair, (one, other))


def crossed_cube(crossed: Crossed, outcomes: Sequence[Outcome] = USUAL) -> Float[np.ndarray, "outcome 2 2 2"]:
    """Y[q, c, r] for each outcome, in nats and positive towards the right answer; index 1 is the tuned checkpoint.

    Args:
        crossed: From `run_crossed`.
        outcomes: What to read off; all from the same passes.
    """
    y = np.full((len(outcomes), 2, 2, 2), np.nan)
    for q, c, r in product((0, 1), repeat=3):
        model = crossed.models[r]
        readout = reading(crossed.pair.readers, model.device, outcomes)
        # A pass for each: side by side, rows that are equal need not come out equal to the last bit.
        (logits,) = read_rows(model, [readout], [[crossed.question(q), crossed.chain(c)]])
        y[:, q, c, r] = [read_off(readout, logits, outcome) for outcome in outcomes]
    return y
