"""Letting the model write: batched, cached, greedy or sampled, each prompt with a seed of its own.

The decoding loop is transformers' `generate`. What is ours is what it lacks: noise that depends on the prompt's seed
alone, so that a sample is the same in any batch and the global generators stay untouched, and stops that give each row
its own end.
"""

import copy
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.decoding import Decoding as Decoding
from mediate.models.float64 import in_float64
from mediate.models.model import Model
from mediate.models.past import with_past
from mediate.traces.trace import decode, shared_beginning, token_ends
from mediate.watch import work

# The fewest tokens that prompts must begin with in common for it to pay to run them once.
SHARED_FROM = 16


class End(StrEnum):
    """Why the writing stopped."""

    STOP = "stop"
    EOS = "eos"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote after one prompt.

    Args:
        ids: The generated ids, up to the stop; never re-tokenised.
        text: What they say.
        end: Why the writing stopped.
    """

    ids: tuple[int, ...]
    text: str
    end: End


def generate(
    model: Model, prompts: Sequence[Sequence[int]], decoding: Decoding, *, progress: bool = False
) -> list[Written]:
    """Lets the model go on after each prompt.

    Args:
        model: The hooked model.
        prompts: Token ids.
        decoding: How to write.
        progress: Whether to show a bar.

    Raises:
        InputError: An empty prompt, or one that leaves no room in the context.
    """
    for prompt in prompts:
        room = model.facts.context - len(prompt) if model.facts.context else decoding.max_new_tokens
        if not prompt or room < decoding.max_new_tokens:
            raise InputError(
                f"a prompt of {len(prompt)} tokens and {decoding.max_new_tokens} new ones do not fit the context of "
                f"{model.facts.context}; shorten the prompt or lower max_new_tokens"
            )
    # Prompts of like length share a batch, so that little is padding.
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    written: dict[int, Written] = {}
    prefix = _Prefix.of(model, prompts)
    with work(len(prompts), "writing", "text", shown=progress) as done:
        for first in range(0, len(order), decoding.batch_size):
            rows = order[first : first + decoding.batch_size]
            written |= zip(
                rows, _generate_batch(model, [list(prompts[row]) for row in rows], decoding, prefix), strict=True
            )
            done(len(rows))
    return [written[number] for number in range(len(prompts))]


@dataclass(frozen=True, slots=True, eq=False)
class _Prefix:
    """What all prompts begin with, such as worked examples, run once.

    Args:
        length: Its number of tokens; 0 where sharing it would not pay.
        cache: Its keys and values, for one row.
    """

    length: int
    cache: Any

    @classmethod
    def of(cls, model: Model, prompts: Sequence[Sequence[int]]) -> "_Prefix":
        from transformers import DynamicCache

        common = shared_beginning([tuple(prompt) for prompt in prompts])
        if len(common) < SHARED_FROM or _has_windows(model):
            return cls(0, None)
        cache = DynamicCache()
        with torch.no_grad():
            model.plain(torch.tensor([common], device=model.device), **with_past(model.plain, cache))
        return cls(len(common), cache)

    def rows(self, count: int) -> Any:
        """The cache for so many rows; None without a prefix."""
        if not self.length:
            return None
        cache = copy.deepcopy(self.cache)
        cache.batch_repeat_interleave(count)
        return cache


def _has_windows(model: Model) -> bool:
    """Whether some layer sees a window of its past; padding behind the prefix would take up places in it."""
    config = model.plain.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    if kinds:
        return any(kind != "full_attention" for kind in kinds)
    return getattr(config, "sliding_window", None) is not None


def _generate_batch(model: Model, prompts: list[list[int]], decoding: Decoding, prefix: _Prefix) -> list[Written]:
    from transformers import LogitsProcessorList, StoppingCriteriaList

    tokenizer = model.need_tokenizer()
    width = max(map(len, prompts))
    ids = torch.zeros((len(prompts), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        # The padding stands between the shared prefix and the rest, because the prefix's keys and values stand first.
        begin = width - len(prompt) + prefix.length
        ids[row, : prefix.length] = torch.tensor(prompt[: prefix.length])
        ids[row, begin:] = torch.tensor(prompt[prefix.length :])
        mask[row, : prefix.length] = 1
        mask[row, begin:] = 1
    stops = [_Stopper(tokenizer, decoding.stop, width)] if decoding.stop else []
    processors = LogitsProcessorList()
    if decoding.temperature:
        processors.append(_GumbelNoise(prompts, decoding, width))
    eos = _eos_ids(model)
    with torch.no_grad(), _bare_settings(model.plain), in_float64(model.plain):
        out = model.plain.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=decoding.max_new_tokens,
            do_sample=False,
            eos_token_id=eos or None,
            pad_token_id=eos[0] if eos else 0,
            logits_processor=processors,
            stopping_criteria=StoppingCriteriaList(stops),
            **with_past(model.plain, prefix.rows(len(prompts))),
        )
    return [_trimmed(tokenizer, row[width:].tolist(), decoding, eos) for row in out]


@contextmanager
def _bare_settings(plain: Any) -> Iterator[None]:
    """Hides the model's own generation settings, such as a repetition penalty, which would change the distribution."""
    from transformers import GenerationConfig

    own, plain.generation_config = plain.generation_config, GenerationConfig()
    try:
        yield
    finally:
        plain.generation_config = own


def _eos_ids(model: Model) -> list[int]:
    found = model.plain.generation_config.eos_token_id
    ids = [] if found is None else [found] if isinstance(found, int) else list(found)
    own = model.need_tokenizer().eos_token_id
    return list(dict.fromkeys([*ids, *([] if own is None else [own])]))


def _trimmed(tokenizer: Any, ids: list[int], decoding: Decoding, eos: list[int]) -> Written:
    """Cuts the row at its EOS and before its first stop string, at the last token boundary that leaves it out."""
    end = End.LENGTH
    cut = next((position for position, token in enumerate(ids) if token in eos), None)
    if cut is not None:
        ids, end = ids[:cut], End.EOS
    text = decode(tokenizer, ids)
    found = [text.index(stop) for stop in decoding.stop if stop in text]
    if found:
        ends = [0, *token_ends(ids, tokenizer)]
        keep = bisect_right(ends, min(found)) - 1
        while keep and ends[keep] == ends[keep - 1]:  # the first bytes of a character that the stop begins with
            keep -= 1
        ids, end = ids[:keep], End.STOP
    return Written(tuple(ids), decode(tokenizer, ids), end)


class _Stopper:
    """Ends each row once its new text holds a stop string; called by transformers after every token."""

    def __init__(self, tokenizer: Any, stop: tuple[str, ...], width: int) -> None:
        self.tokenizer, self.stop, self.width = tokenizer, stop, width

    def __call__(self, ids: Int[Tensor, "row pos"], scores: Any, **_: Any) -> Bool[Tensor, " row"]:
        # A stop string of n bytes ends in the newest token, so the last n + 8 tokens hold all of it.
        longest = max(len(stop.encode()) for stop in self.stop) + 8
        tails = [decode(self.tokenizer, row) for row in ids[:, self.width :][:, -longest:].tolist()]
        done = [any(stop in tail for stop in self.stop) for tail in tails]
        return torch.tensor(done, dtype=torch.bool, device=ids.device)


class _GumbelNoise:
    """Turns greedy choice into sampling: the arg max of logits plus Gumbel noise is a draw (Gumbel 1954).

    Each row has a generator of its own, seeded by the decoding's seed and the prompt.
    """

    def __init__(self, prompts: list[list[int]], decoding: Decoding, width: int) -> None:
        self.temperature, self.top_p = decoding.temperature, decoding.top_p
        self.generators = [np.random.default_rng([decoding.seed, *prompt]) for prompt in prompts]

    def __call__(
        self, ids: Int[Tensor, "row pos"], scores: Float[Tensor, "row d_vocab"]
    ) -> Float[Tensor, "row d_vocab"]:
        scores = scores.float() / self.temperature
        if self.top_p < 1:
            ordered, order = scores.sort(dim=-1, descending=True)
            before = ordered.softmax(dim=-1).cumsum(dim=-1) - ordered.softmax(dim=-1)
            outside = torch.zeros_like(scores, dtype=torch.bool).scatter(1, order, before >= self.top_p)
            scores = scores.masked_fill(outside, -torch.inf)
        noise = np.stack([generator.gumbel(size=scores.shape[1]) for generator in self.generators])
        return scores + torch.from_numpy(noise).to(scores.device, scores.dtype)
