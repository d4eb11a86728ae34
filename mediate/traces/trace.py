"""The record of a chain of thought in tokens, and the ways from text and from generated ids to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from mediate.traces.steps import find_answer, segment

# What decoders write for bytes that are no character, such as the first bytes of one.
_BROKEN = "\ufffd"


@dataclass(frozen=True, slots=True)
class Trace:
    """A chain of thought with its tokens and steps.

    Args:
        text: What the tokens say.
        ids: The token ids.
        tokens: The text of each token; they tile the text, and of tokens that share a character the last one has it.
        steps: The step of each token, counted from 0; never decreasing.
        written: Whether the model wrote it, so that the ids are the generated ones.
    """

    text: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    steps: tuple[int, ...]
    written: bool = False

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.tokens) == len(self.steps):
            raise ValueError(f"{len(self.ids)} ids, {len(self.tokens)} tokens, {len(self.steps)} steps")
        if any(later < earlier for earlier, later in zip(self.steps, self.steps[1:], strict=False)):
            raise ValueError(f"steps go backwards: {self.steps}")

    @property
    def step_spans(self) -> tuple[tuple[int, int], ...]:
        """The half-open token range of each step; they tile the trace."""
        begins = [place for place, step in enumerate(self.steps) if not place or step != self.steps[place - 1]]
        return tuple(pairwise([*begins, len(self.steps)]))

    def states(self, answer: str) -> int | None:
        """The first token at which the trace has stated the answer; None if it never does."""
        said = self.statement(answer)
        return None if said is None else said[1] - 1

    def statement(self, answer: str) -> tuple[int, int] | None:
        """The half-open token range in which the trace first states the answer; None if it never does."""
        found = find_answer(self.text, answer)
        if found is None:
            return None
        said, first = 0, None
        for position, token in enumerate(self.tokens):
            said += len(token)
            if first is None and said > found.start:
                first = position
            if first is not None and said >= found.stop:
                return first, position + 1
        return None


def given_trace(text: str, tokenizer: Any) -> Trace:
    """A trace from text, tokenised on its own with special tokens off: markup inside it is plain text."""
    return _trace(encode(tokenizer, text), tokenizer, written=False)


def written_trace(ids: Sequence[int], tokenizer: Any) -> Trace:
    """A trace from generated ids, which are kept as they are."""
    return _trace(list(ids), tokenizer, written=True)


def encode(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a piece of data text: nothing is added, and nothing in it becomes a control token."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def lost_words(tokenizer: Any, text: str) -> tuple[str, ...]:
    """The pieces of a text for which the tokenizer has no token, so that other words would become the same tokens."""
    unknown = getattr(tokenizer, "unk_token_id", None)
    ids = encode(tokenizer, text)
    if unknown is None or unknown not in ids:
        return ()
    try:
        spans = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    except (NotImplementedError, ValueError):  # a tokenizer in plain Python keeps no places
        return (text.strip(),)
    places = zip(ids, spans["offset_mapping"], strict=True)
    found = [text[begin:end] for token, (begin, end) in places if token == unknown]
    return tuple(dict.fromkeys(each.strip() or each for each in found))


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of token ids, control tokens included, spacing untouched."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def token_ends(ids: Sequence[int], tokenizer: Any) -> list[int]:
    """The number of characters of the whole text that are complete after each token; never decreasing.

    A character spread over several tokens is complete at the last of them. Decoding windows of a few tokens takes time
    in proportion to the length; where the windows do not add up to the whole text, every prefix is decoded instead.
    """
    return _ends_by_window(ids, tokenizer) or _ends_by_prefix(ids, tokenizer)


def _ends_by_window(ids: Sequence[int], tokenizer: Any) -> list[int] | None:
    """Each token's end, found in a window of the tokens before it; None where the windows disagree with the whole.

    A window begins with the last complete piece of text, so that its first token, whose leading space some decoders
    strip, is never a new one.
    """
    whole = decode(tokenizer, ids)
    ends: list[int] = []
    before = start = done = 0
    known = pending = ""
    for stop in range(1, len(ids) + 1):
        window = decode(tokenizer, ids[before:stop])
        pending = window.removeprefix(known)
        if pending and not pending.endswith(_BROKEN) and window.startswith(known) and whole.startswith(pending, done):
            done += len(pending)
            before, start, pending = start, stop, ""
            known = decode(tokenizer, ids[before:start])
        agreeing = _agreeing(pending.rstrip(_BROKEN), whole[done : done + len(pending)])
        ends.append(max(done + agreeing, ends[-1] if ends else 0))
    if whole[done:] != pending:
        return None
    return [*ends[:-1], len(whole)] if ends else []


def _ends_by_prefix(ids: Sequence[int], tokenizer: Any) -> list[int]:
    """Each token's end, found by decoding every prefix: in time that grows with the square of the length."""
    whole = decode(tokenizer, ids)
    prefixes = (decode(tokenizer, ids[:count]).rstrip(_BROKEN) for count in range(1, len(ids)))
    return [*accumulate((_agreeing(prefix, whole) for prefix in prefixes), max), len(whole)] if ids else []


def _agreeing(one: str, other: str) -> int:
    """How many characters two strings begin with in common."""
    if other.startswith(one):
        return len(one)
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _trace(ids: list[int], tokenizer: Any, *, written: bool) -> Trace:
    if not ids:
        return Trace("", (), (), (), written)
    starts = [0, *token_ends(ids, tokenizer)[:-1]]
    spoken = decode(tokenizer, ids)
    pieces = tuple(spoken[start:stop] for start, stop in zip(starts, [*starts[1:], len(spoken)], strict=True))
    spans = segment(spoken)
    steps, current = [], 0
    for start in starts:
        while current + 1 < len(spans) and start >= spans[current + 1].start:
            current += 1
        steps.append(current)
    used = {number: place for place, number in enumerate(dict.fromkeys(steps))}
    return Trace(spoken, tuple(ids), pieces, tuple(used[step] for step in steps), written)


def shared_beginning(sequences: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The tokens that several sequences begin with in common, one left over for each; none for a single sequence."""
    if len(sequences) < 2:
        return ()
    shortest = min(map(len, sequences)) - 1
    length = next((place for place in range(shortest) if len({ids[place] for ids in sequences}) > 1), shortest)
    return sequences[0][:length]
