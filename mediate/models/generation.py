"""Letting the model write: batched, cached, greedy or sampled, each prompt with a seed of its own.

The loop is our own for what transformers' `generate` lacks: noise that depends on the prompt's seed alone, so that a
sample is the same in any batch and the global generators stay untouched, and rows that each have their own end and
leave the batch there, so that a text that goes on for long does not hold up those that do not.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.decoding import Decoding as Decoding
from mediate.models.fingerprint import own_ends
from mediate.models.float64 import in_float64
from mediate.models.following import followed, stepping
from mediate.models.model import Model
from mediate.models.side_by_side import SHARED_FROM, Prefix, batches, can_pad
from mediate.models.stepping import Stepping
from mediate.models.vocabulary import beyond_rows
from mediate.traces.pieces import decode, decode_after
from mediate.traces.trace import shared_beginning, token_ends
from mediate.watch import work

# Prompts that are written side by side: so many in any case, and of small models as many as have keys and values of so
# many bytes. More are quicker, for a step's cost hardly grows with its rows; beyond the most that is no longer so.
ROWS, MOST_ROWS, ROWS_BYTES = 16, 256, 2**29


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
    model: Model,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding | Sequence[Decoding],
    *,
    progress: bool = False,
) -> list[Written]:
    """Lets the model go on after each prompt.

    Args:
        model: The hooked model.
        prompts: Token ids.
        decoding: How to write; or how after each prompt, with other seeds and numbers of tokens.
        progress: Whether to show a bar.

    Raises:
        InputError: An empty prompt, one that leaves no room in the context or has a token that the model lacks, or
            logits that are not numbers.
    """
    laid = laid_out(model, prompts, decoding)
    found = {
        number: each
        for rows, texts in written_in(laid, progress=progress)
        for number, each in zip(rows, texts, strict=True)
    }
    return [found[number] for number in range(len(prompts))]


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Prompts in the batches in which they are gone on with.

    Args:
        model: The hooked model.
        prompts: Token ids.
        decodings: How each is gone on with.
        batches: The numbers of the prompts of each batch.
        padded: Whether prompts of unequal length stand in one.
    """

    model: Model
    prompts: Sequence[Sequence[int]]
    decodings: Sequence[Decoding]
    batches: tuple[tuple[int, ...], ...]
    padded: bool


def laid_out(model: Model, prompts: Sequence[Sequence[int]], decoding: Decoding | Sequence[Decoding]) -> LaidOut:
    """The batches of some prompts, which depend on nothing else; see `generate`."""
    each = [decoding] * len(prompts) if isinstance(decoding, Decoding) else list(decoding)
    if len({replace(one, seed=0, max_new_tokens=1) for one in each}) > 1:
        raise ValueError("what is written side by side may differ in seeds and numbers of tokens alone")
    for prompt, one in zip(prompts, each, strict=True):
        _check_fits(model, prompt, one)
    lengths = [len(prompt) for prompt in prompts]
    padded = len(prompts) > 1 and can_pad(model)
    # Prompts of like length share a batch, so that little is padding; with them those that begin as one of them does.
    shared = len(shared_beginning([tuple(prompt) for prompt in prompts])) if padded else 0
    shared = shared if shared >= SHARED_FROM else 0
    leader = [number for number, _ in followed(prompts, shared)] if padded else range(len(prompts))
    order = sorted(range(len(prompts)), key=lambda number: (lengths[leader[number]], leader[number], lengths[number]))
    cut = batches(order, lengths, _rows_at_most(model, prompts, each), padded=padded)
    return LaidOut(model, prompts, each, tuple(tuple(rows) for rows in cut), padded)


def written_in(
    laid: LaidOut, numbers: Collection[int] | None = None, *, progress: bool = False
) -> Iterator[tuple[tuple[int, ...], list[Written]]]:
    """What is written after the prompts of each batch, with their numbers; of all batches, or of those named."""
    wanted = range(len(laid.batches)) if numbers is None else sorted(numbers)
    rows_of = [laid.batches[number] for number in wanted]
    prefix = Prefix.of(laid.model, laid.prompts) if laid.padded and rows_of else Prefix()
    count = sum(map(len, rows_of))
    with work(count, "writing", "text", shown=progress) as done, in_float64(laid.model.plain):
        for rows in rows_of:
            batch = _Batch(laid.model, [laid.prompts[row] for row in rows], [laid.decodings[row] for row in rows])
            texts = batch.written(prefix if laid.padded else None)
            done(len(rows))
            yield rows, texts


def _rows_at_most(model: Model, prompts: Sequence[Sequence[int]], each: Sequence[Decoding]) -> int:
    """How many prompts are written side by side: as many as were asked for, or as memory should hold."""
    if not each or each[0].batch_size is not None:
        return each[0].batch_size or 1 if each else 1
    facts = model.facts
    longest = max(len(prompt) + one.max_new_tokens for prompt, one in zip(prompts, each, strict=True))
    row = 2 * facts.layers * facts.kv_heads * facts.d_head * longest * model.dtype.itemsize
    return min(max(ROWS, ROWS_BYTES // row), MOST_ROWS)


def _check_fits(model: Model, prompt: Sequence[int], decoding: Decoding) -> None:
    room = model.facts.context - len(prompt) if model.facts.context else decoding.max_new_tokens
    if not prompt or room < decoding.max_new_tokens:
        raise InputError(
            f"a prompt of {len(prompt)} tokens and {decoding.max_new_tokens} new ones do not fit the context of "
            f"{model.facts.context}; shorten the prompt or lower max_new_tokens"
        )
    if max(prompt) >= model.facts.d_vocab:
        raise InputError(beyond_rows(max(prompt), model.facts.name, model.facts.d_vocab))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Prompts that are gone on with side by side.

    Args:
        model: The hooked model.
        prompts: Token ids.
        decodings: How each is gone on with.
    """

    model: Model
    prompts: Sequence[Sequence[int]]
    decodings: Sequence[Decoding]

    def written(self, prefix: Prefix | None) -> list[Written]:
        """What is written after each prompt, of which that much was run already; None where none can be padded."""
        tokenizer, eos = self.model.need_tokenizer(), eos_ids(self.model)
        choose, ids = self._chooser(), [list[int]() for _ in self.prompts]
        stopper = _Stopper(tokenizer, self.decodings[0].stop)
        going = list(range(len(self.prompts)))
        begun = Stepping(self.model, self.prompts) if prefix is None else stepping(self.model, self.prompts, prefix)
        while True:
            tokens = choose(begun.logits, going)
            for row, token in zip(going, tokens.tolist(), strict=True):
                ids[row].append(token)
            left = [
                place
                for place, row in enumerate(going)
                if len(ids[row]) < self.decodings[row].max_new_tokens
                and ids[row][-1] not in eos
                and not stopper.sees(ids[row])
            ]
            if not left:
                break
            if len(left) < len(going):
                going, where = [going[place] for place in left], torch.tensor(left, device=tokens.device)
                begun.keep(where)
                tokens = tokens[where]
            begun.grow(tokens)
        return [_trimmed(tokenizer, row, self.decodings[0], eos) for row in ids]

    def _chooser(self) -> Callable[[Float[Tensor, "row d_vocab"], Sequence[int]], Int[Tensor, " row"]]:
        """What chooses the next token of some of the rows."""
        if self.decodings[0].temperature:
            return _GumbelNoise(self.prompts, self.decodings)
        return lambda logits, going: logits.argmax(dim=-1)


def eos_ids(model: Model) -> list[int]:
    """The tokens that end a text: those of the model's own settings, and its tokenizer's."""
    own = model.need_tokenizer().eos_token_id
    return [*own_ends(model.plain, model.tokenizer), *([] if own is None else [own])]


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


@dataclass(frozen=True, slots=True)
class _Stopper:
    """Tells of a text that grows by a token at a time when it holds a stop string."""

    tokenizer: Any
    stop: tuple[str, ...]

    def sees(self, ids: Sequence[int]) -> bool:
        """Whether the last token brought one."""
        if not self.stop:
            return False
        # A stop string of n bytes ends in the newest token, so the last n + 8 tokens hold all of it.
        longest = max(len(stop.encode()) for stop in self.stop) + 8
        tail = decode(self.tokenizer, ids[-longest:])
        return any(stop in tail for stop in self.stop)


class _GumbelNoise:
    """Samples: the arg max of logits plus Gumbel noise is a draw (Gumbel 1954).

    Each row has a generator of its own, seeded by the decoding's seed and the prompt.
    """

    def __init__(self, prompts: Sequence[Sequence[int]], decodings: Sequence[Decoding]) -> None:
        self.temperature, self.top_p = decodings[0].temperature, decodings[0].top_p
        each = zip(prompts, decodings, strict=True)
        self.generators = [np.random.default_rng([decoding.seed, *prompt]) for prompt, decoding in each]

    def __call__(self, logits: Float[Tensor, "row d_vocab"], going: Sequence[int]) -> Int[Tensor, " row"]:
        scores = logits.float() / self.temperature
        if self.top_p < 1:
            ordered, order = scores.sort(dim=-1, descending=True)
            before = ordered.softmax(dim=-1).cumsum(dim=-1) - ordered.softmax(dim=-1)
            outside = torch.zeros_like(scores, dtype=torch.bool).scatter(1, order, before >= self.top_p)
            scores = scores.masked_fill(outside, -torch.inf)
        noise = np.stack([self.generators[row].gumbel(size=scores.shape[1]) for row in going])
        return (scores + torch.from_numpy(noise).to(scores.device, scores.dtype)).argmax(dim=-1)
