"""Letting the model write: batched, cached, greedy or sampled, each prompt with a seed of its own.

The decoding loop is transformers' `generate`. What is ours is what it lacks: noise that depends on the prompt's seed
alone, so that a sample is the same in any batch and the global generators stay untouched, and stops that give each row
its own end.
"""

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
from mediate.models.numbers import not_numbers
from mediate.models.side_by_side import Prefix, Rows, batches, can_pad
from mediate.models.vocabulary import beyond_rows
from mediate.traces.pieces import decode, decode_after
from mediate.traces.trace import token_ends
from mediate.watch import work


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
        InputError: An empty prompt, one that leaves no room in the context or has a token that the model lacks, or
            logits that are not numbers.
    """
    for prompt in prompts:
        room = model.facts.context - len(prompt) if model.facts.context else decoding.max_new_tokens
        if not prompt or room < decoding.max_new_tokens:
            raise InputError(
                f"a prompt of {len(prompt)} tokens and {decoding.max_new_tokens} new ones do not fit the context of "
                f"{model.facts.context}; shorten the prompt or lower max_new_tokens"
            )
        if max(prompt) >= model.facts.d_vocab:
            raise InputError(beyond_rows(max(prompt), model.facts.name, model.facts.d_vocab))
    # Prompts of like length share a batch, so that little is padding.
    lengths = [len(prompt) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lengths.__getitem__)
    written: dict[int, Written] = {}
    padded = len(prompts) > 1 and can_pad(model)
    prefix = Prefix.of(model, prompts) if padded else Prefix()
    with work(len(prompts), "writing", "text", shown=progress) as done:
        for rows in batches(order, lengths, decoding.batch_size, padded=padded):
            written |= zip(
                rows, _generate_batch(model, [list(prompts[row]) for row in rows], decoding, prefix), strict=True
            )
            done(len(rows))
    return [written[number] for number in range(len(prompts))]


def _generate_batch(model: Model, prompts: list[list[int]], decoding: Decoding, prefix: Prefix) -> list[Written]:
    from transformers import LogitsProcessorList, StoppingCriteriaList

    tokenizer = model.need_tokenizer()
    rows = Rows.of(prompts, prefix)
    width = rows.ids.shape[1]
    stops = [_Stopper(tokenizer, decoding.stop, width)] if decoding.stop else []
    processors = LogitsProcessorList([_Numbers(model)])
    if decoding.temperature:
        processors.append(_GumbelNoise(prompts, decoding, width))
    eos = eos_ids(model)
    with torch.no_grad(), _bare_settings(model.plain), in_float64(model.plain):
        out = model.plain.generate(
            **rows.arguments(model),
            max_new_tokens=decoding.max_new_tokens,
            do_sample=False,
            eos_token_id=eos or None,
            pad_token_id=eos[0] if eos else 0,
            logits_processor=processors,
            stopping_criteria=StoppingCriteriaList(stops),
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


def eos_ids(model: Model) -> list[int]:
    """The tokens that end a text: those of the model's own settings, and its tokenizer's."""
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
    text = decode_after(tokenizer, ids)
    found = [text.index(stop) for stop in decoding.stop if stop in text]
    if found:
        ends = [0, *token_ends(ids, tokenizer, decode_after)]
        keep = bisect_right(ends, min(found)) - 1
        while keep and ends[keep] == ends[keep - 1]:  # the first bytes of a character that the stop begins with
            keep -= 1
        ids, end = ids[:keep], End.STOP
    return Written(tuple(ids), decode_after(tokenizer, ids), end)


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


class _Numbers:
    """Lets logits pass that are numbers; of others, the arg max would be some token."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(
        self, ids: Int[Tensor, "row pos"], scores: Float[Tensor, "row d_vocab"]
    ) -> Float[Tensor, "row d_vocab"]:
        # The largest is NaN where any is; a logit of minus infinity, as of a token that is never said, is a number.
        if not scores.amax(dim=-1).isfinite().all():
            raise InputError(not_numbers(self.model.facts.name, self.model.facts.dtype))
        return scores


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
