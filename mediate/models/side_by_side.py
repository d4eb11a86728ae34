"""Prompts of unequal length side by side: padding stands in front, and what all begin with is run once.

Padding inside a sequence would take up places in windows and distances in ALiBi, so there is none: a row that is padded
takes as much less of the shared beginning from the cache, and runs the rest of it again in the padding's stead. What
stands in front is told from a mask, which not every architecture heeds, so it is tried before it is relied on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from mediate.models.model import Model
from mediate.models.past import with_past
from mediate.models.rope import depends_on_length, scales_by_place
from mediate.traces.trace import shared_beginning

# The fewest tokens that prompts must begin with in common for it to pay to run them once.
SHARED_FROM = 16
# Of the trial on the probe: tokens of the shorter and of the longer prompt, what they share (more than the padding, so
# that some of it is read from the cache), and how many are written.
_SHORT, _LONG, _SHARED, _STEPS = 5, 7, 4, 3


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """What all prompts begin with, such as worked examples, run once.

    Args:
        length: Its number of tokens; 0 where sharing it would not pay.
        layers: Its keys and values in each layer, for one row.
    """

    length: int = 0
    layers: tuple[tuple[Tensor, Tensor], ...] = ()

    @classmethod
    def of(cls, model: Model, prompts: Sequence[Sequence[int]], least: int = SHARED_FROM) -> "Prefix":
        """The beginning that the prompts share, if it has at least so many tokens."""
        from transformers import DynamicCache

        common = shared_beginning([tuple(prompt) for prompt in prompts])
        if len(common) < least:
            return cls()
        # Without a configuration the cache has no windows: the mask alone decides what is visible.
        cache = DynamicCache()
        with torch.no_grad():
            model.plain(torch.tensor([common], device=model.device), **with_past(model.plain, cache))
        return cls(len(common), tuple((layer.keys, layer.values) for layer in cache.layers))

    def rows(self, pads: Sequence[int]) -> Any:
        """The cache for rows with so much padding in front; None without a prefix."""
        from mediate.models.roomy import roomy_cache

        if not self.length:
            return None
        layers = [(self._padded(keys, pads), self._padded(values, pads)) for keys, values in self.layers]
        return roomy_cache(layers, self.length)

    def _padded(self, own: Tensor, pads: Sequence[int]) -> Tensor:
        rows = own.new_zeros(len(pads), *own.shape[1:])
        for row, pad in enumerate(pads):
            rows[row, :, pad:] = own[0, :, : max(0, self.length - pad)]
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Prompts laid out as the arguments of transformers' `generate`.

    Args:
        ids: The prompts, with zeros in front.
        mask: 1 where a token is a prompt's own.
        cache: What is run already, or None.
    """

    ids: Int[Tensor, "row pos"]
    mask: Int[Tensor, "row pos"]
    cache: Any

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]], prefix: Prefix) -> "Rows":
        """Lays prompts out side by side."""
        width = max(map(len, prompts))
        ids = np.zeros((len(prompts), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = prompt
            mask[row, width - len(prompt) :] = 1
        return cls(
            torch.from_numpy(ids), torch.from_numpy(mask), prefix.rows([width - len(prompt) for prompt in prompts])
        )

    def arguments(self, model: Model) -> dict[str, Any]:
        """What `generate` is called with."""
        return {
            "input_ids": self.ids.to(model.device),
            "attention_mask": self.mask.to(model.device),
            **with_past(model.plain, self.cache),
        }


def batches(order: Sequence[int], lengths: Sequence[int], size: int, *, padded: bool) -> Iterator[list[int]]:
    """Cuts an order of prompts into batches of at most so many; without padding, each is of one length."""
    batch: list[int] = []
    for number in order:
        if batch and (len(batch) == size or (not padded and lengths[batch[0]] != lengths[number])):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def can_pad(model: Model) -> bool:
    """Whether prompts of unequal length behind a shared beginning are gone on with as each of them alone.

    Tried on the probe. No where a short probe cannot tell: where the rotary frequencies depend on the length of the
    longest row, or attention on how many places stand in front.
    """
    if depends_on_length(model.plain.config) or scales_by_place(model.plain.config):
        return False
    one, other = model.probe.ids.tolist()
    short, long = one[:_SHORT], [*one[:_SHARED], *other[_SHARED:_LONG]]
    try:
        together = _logits(model, [short, long], Prefix.of(model, [short, long], least=1))
        alone = [_logits(model, [prompt], Prefix()) for prompt in (short, long)]
    except Exception:  # architectures that take no mask, or no cache but their own, raise what they like
        return False
    scale = model.rounding * max(1.0, float(model.probe.logits.abs().max()))
    off = max(float((together[:, [row]] - each).abs().max()) for row, each in enumerate(alone))
    return off <= 64 * scale


def written_anew(model: Model) -> bool:
    """Whether what was written when padding stood inside the sequence, behind the shared beginning, may differ.

    Those that tell places by the columns of the batch, and those whose frequencies or scale depend on its width.
    """
    config = model.plain.config
    return config.model_type in ("mpt", "gpt_neo") or depends_on_length(config) or scales_by_place(config)


def _logits(model: Model, prompts: Sequence[Sequence[int]], prefix: Prefix) -> Tensor:
    """Of a few tokens written after each prompt, `step row d_vocab`."""
    rows = Rows.of(prompts, prefix)
    with torch.no_grad():
        out = model.plain.generate(
            **rows.arguments(model),
            max_new_tokens=_STEPS,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
            output_logits=True,
            return_dict_in_generate=True,
        )
    return torch.stack(out.logits)
