"""What a tiny model must give, from plain transformers: masks, caches and activations put together by hand.

Beside the outcome's definition it shares nothing with mediate. The texts of a pair are laid into one sequence of
tokens; what differs from the run as it is happens in forward hooks on transformers' own modules.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import DynamicCache

from tests.mediation.oracle import oracle_cube
from tests.plainly import kept, with_past

Ids = list[int]
CUE = "\nThe answer is"


@dataclass(frozen=True, slots=True)
class Texts:
    """A pair's texts in tokens; index 0 is the source world and 1 the base."""

    questions: tuple[Ids, Ids]
    chains: tuple[Ids, Ids]
    cue: Ids
    answers: tuple[Ids, Ids]

    @property
    def shared(self) -> int:
        """Tokens that both answers begin with."""
        return next(place for place, (one, other) in enumerate(zip(*self.answers, strict=False)) if one != other)

    def readers(self) -> Ids:
        """What follows the chain, up to where the outcome is read off."""
        return self.cue + self.answers[1][: self.shared]

    def world(self, world: int) -> Ids:
        """A world's question and chain, and the readers."""
        return self.questions[world] + self.chains[world] + self.readers()

    def outcome(self, logits: Float[Tensor, "1 pos d_vocab"]) -> float:
        """The difference of logits between the base's and the source's answer, at the last position."""
        return float(logits[0, -1, self.answers[1][self.shared]] - logits[0, -1, self.answers[0][self.shared]])


def cube(plain: Any, texts: Texts) -> Float[np.ndarray, "outcome 2 2 2"]:
    """Y[d, t, h] of both outcomes."""
    found = oracle_cube(plain, texts.questions, texts.chains, texts.cue, texts.answers)
    return np.stack([found["logit_diff"], found["logprob_diff"]])


def knockouts(plain: Any, texts: Texts) -> Float[np.ndarray, " layer"]:
    """By layer, Y less Y where the readers' attention to the chain is masked in that layer."""
    ids = texts.world(1)
    start, stop = len(texts.questions[1]), len(texts.questions[1]) + len(texts.chains[1])
    y = texts.outcome(_logits(plain, ids))
    effects = []
    for attention in attentions(plain):

        def mask(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            kwargs = dict(zip(_arguments(module), args, strict=False)) | kwargs
            held = kwargs["attention_mask"]
            shape = 1, 1, len(ids), len(ids)
            hidden = torch.zeros(shape, dtype=torch.bool)
            hidden[..., stop:, start:stop] = True
            if held is None:
                held = torch.zeros(shape, dtype=next(plain.parameters()).dtype)
                held = held.masked_fill(torch.ones(shape, dtype=torch.bool).triu(1), torch.finfo(held.dtype).min)
            if held.dtype is torch.bool:  # in these, true is what may not be seen
                return (), kwargs | {"attention_mask": held | hidden}
            return (), kwargs | {"attention_mask": held.masked_fill(hidden, torch.finfo(held.dtype).min)}

        with _hooked(attention.register_forward_pre_hook(mask, with_kwargs=True)):
            effects.append(y - texts.outcome(_logits(plain, ids)))
    return np.array(effects)


def states(plain: Any, texts: Texts) -> Float[np.ndarray, " layer"]:
    """By layer, Y less Y where the chain has what leaves that block in the source's run."""
    ids, source = texts.world(1), texts.world(0)
    here, there = len(texts.questions[1]), len(texts.questions[0])
    length = len(texts.chains[1])
    y = texts.outcome(_logits(plain, ids))
    effects = []
    for block in blocks(plain):
        seen: list[Tensor] = []

        def keep(module: Any, args: Any, output: Any, seen: list[Tensor] = seen) -> None:
            seen.append(_first(output)[:, there : there + length].clone())

        def put(module: Any, args: Any, output: Any, seen: list[Tensor] = seen) -> Any:
            changed = _first(output).clone()
            changed[:, here : here + length] = seen[0]
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        with _hooked(block.register_forward_hook(keep)):
            _logits(plain, source)
        with _hooked(block.register_forward_hook(put)):
            effects.append(y - texts.outcome(_logits(plain, ids)))
    return np.array(effects)


def reads(plain: Any, texts: Texts) -> Float[np.ndarray, " layer"]:
    """By layer, Y less Y where the readers find the source's keys and values of the chain in that layer."""
    shift = len(texts.questions[1]) - len(texts.questions[0])
    start = len(texts.questions[1])
    base = _past(plain, texts.questions[1] + texts.chains[1], 0)
    source = _past(plain, texts.questions[0] + texts.chains[0], shift)
    y = texts.outcome(_logits(plain, texts.readers(), base))
    effects = []
    for layer in range(len(base)):
        mixed = list(base)
        mixed[layer] = tuple(  # type: ignore[assignment]
            torch.cat([own[:, :, :start], other[:, :, start - shift :]], dim=2)
            for own, other in zip(base[layer], source[layer], strict=True)
        )
        effects.append(y - texts.outcome(_logits(plain, texts.readers(), mixed)))
    return np.array(effects)


def blocks(plain: Any) -> list[nn.Module]:
    """The layers of a transformers model: its list of as many modules as it has layers, the one with most weights."""
    count = int(plain.config.get_text_config().num_hidden_layers)
    lists = [list(each) for each in plain.modules() if isinstance(each, nn.ModuleList) and len(each) == count]
    return max(lists, key=lambda each: sum(weight.numel() for block in each for weight in block.parameters()))


def attentions(plain: Any) -> list[nn.Module]:
    """Each layer's attention: the outermost module in it that takes a mask by that name."""
    found = []
    for block in blocks(plain):
        inside = (each for name, each in block.named_modules() if name)
        found.append(next(each for each in inside if "attention_mask" in _arguments(each)))
    return found


def _arguments(module: nn.Module) -> list[str]:
    return list(inspect.signature(module.forward).parameters)


def _first(output: Any) -> Tensor:
    found: Tensor = output[0] if isinstance(output, tuple) else output
    return found


def _logits(plain: Any, ids: Ids, past: Sequence[tuple[Tensor, Tensor]] = ()) -> Float[Tensor, "1 pos d_vocab"]:
    begin = past[0][0].shape[2] if past else 0
    options = with_past(plain, DynamicCache([(keys.clone(), values.clone()) for keys, values in past])) if past else {}
    position = torch.arange(begin, begin + len(ids))[None]
    with torch.no_grad(), kept(plain):
        found: Tensor = plain(torch.tensor([ids]), position_ids=position, **options or {"use_cache": False}).logits
    return found.double()


def _past(plain: Any, ids: Ids, start: int) -> list[tuple[Tensor, Tensor]]:
    cache = DynamicCache()
    with torch.no_grad(), kept(plain):
        position = torch.arange(start, start + len(ids))[None]
        plain(torch.tensor([ids]), position_ids=position, **with_past(plain, cache))
    return [(layer.keys, layer.values) for layer in cache.layers]


@contextmanager
def _hooked(handle: Any) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()


PARTS: dict[str, Callable[[Any, Texts], Float[np.ndarray, "..."]]] = {
    "cube": cube,
    "knockout": knockouts,
    "state": states,
    "read": reads,
}
