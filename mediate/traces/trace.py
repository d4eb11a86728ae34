"""The record of a chain of thought in tokens, and the ways from text and from generated ids to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from sys import intern
from typing import Any

from mediate.traces.pieces import decode as decode
from mediate.traces.pieces import decode_after, encode_after
from mediate.traces.pieces import encode as encode
from mediate.traces.pieces import lost_words as lost_words
from mediate.traces.statement import find_statement, last_statement
from mediate.traces.steps import Span, segment

# What decoders write for bytes that are no character, such as the first bytes of one.
BROKEN = "\ufffd"

Decoder = Callable[[Any, Sequence[int]], str]


@dataclass(frozen=True, slots=True)
class Stated:
    """Where a trace states an answer, in tokens.

    Args:
        start: The statement's first token.
        stop: The token behind its last.
        result: Whether it stands there as a result; else it is only the answer's first occurrence.
    """

    start: int
    stop: int
    result: bool


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

    def states(self, answer: str, values: Sequence[int] = ()) -> int | None:
        """The last token of the place at which the trace states the answer; None if it never does."""
        said = self.stated(answer, values)
        return None if said is None else said.stop - 1

    def statement(self, answer: str, values: Sequence[int] = ()) -> tuple[int, int] | None:
        """The half-open token range in which the trace states the answer; None if it never does."""
        said = self.stated(answer, values)
        return None if said is None else (said.start, said.stop)

    def stated(self, answer: str, values: Sequence[int] = ()) -> Stated | None:
        """Where the trace first states the answer as a result, else where it first occurs; None if it never does.

        Args:
            answer: The answer's text.
            values: The result of each step of the text that was given; a chain that the model wrote has none.
        """
        found = find_statement(self.text, answer, () if self.written else values)
        held = None if found is None else self._holding(found.span)
        return None if found is None or held is None else Stated(*held, found.result)

    def last_stated(self, answer: str) -> tuple[int, int] | None:
        """The half-open token range that last states the answer as a result, else its last occurrence; None if none."""
        found = last_statement(self.text, answer)
        return None if found is None else self._holding(found)

    def _holding(self, span: Span) -> tuple[int, int] | None:
        """The half-open range of tokens that hold a range of characters."""
        said, first = 0, None
        for position, token in enumerate(self.tokens):
            said += len(token)
            if first is None and said > span.start:
                first = position
            if first is not None and said >= span.stop:
                return first, position + 1
        return None


def given_trace(text: str, tokenizer: Any) -> Trace:
    """A trace from text, tokenised on its own, as what goes on after a question; markup inside it is plain text."""
    return _trace(encode_after(tokenizer, text), tokenizer, written=False)


def written_trace(ids: Sequence[int], tokenizer: Any) -> Trace:
    """A trace from generated ids, which are kept as they are."""
    return _trace(list(ids), tokenizer, written=True)


def cut_trace(trace: Trace, stop: int) -> Trace:
    """The trace up to a token."""
    tokens = trace.tokens[:stop]
    return replace(trace, text="".join(tokens), ids=trace.ids[:stop], tokens=tokens, steps=trace.steps[:stop])


def token_ends(ids: Sequence[int], tokenizer: Any, decoder: Decoder = decode) -> list[int]:
    """The number of characters of the whole text that are complete after each token; never decreasing.

    A character spread over several tokens is complete at the last of them. Decoding windows of a few tokens takes time
    in proportion to the length; where the windows do not add up to the whole text, every prefix is decoded instead.

    Args:
        ids: The token ids.
        tokenizer: Of transformers.
        decoder: How they are read: `decode` a text from its beginning, `decode_after` one that goes on after others.
    """
    found = _ends_by_token(ids, tokenizer, decoder) or _ends_by_window(ids, tokenizer, decoder)
    return found or _ends_by_prefix(ids, tokenizer, decoder)


def _ends_by_token(ids: Sequence[int], tokenizer: Any, decoder: Decoder) -> list[int] | None:
    """Each token's end where what the tokens say one by one is, laid end to end, what they say together; else None."""
    alone = [decoder(tokenizer, (token,)) for token in ids]
    said = "".join(alone)
    if BROKEN in said or said != decoder(tokenizer, ids):
        return None
    return list(accumulate(map(len, alone)))


def _ends_by_window(ids: Sequence[int], tokenizer: Any, decoder: Decoder = decode) -> list[int] | None:
    """Each token's end, found in a window of the tokens before it; None where the windows disagree with the whole.

    A window begins with the last complete piece of text, so that its first token, whose leading space some decoders
    strip, is never a new one.
    """
    whole = decoder(tokenizer, ids)
    ends: list[int] = []
    before = start = done = 0
    known = pending = ""
    for stop in range(1, len(ids) + 1):
        window = decoder(tokenizer, ids[before:stop])
        pending = window.removeprefix(known)
        if pending and not pending.endswith(BROKEN) and window.startswith(known) and whole.startswith(pending, done):
            done += len(pending)
            before, start, pending = start, stop, ""
            known = decoder(tokenizer, ids[before:start])
        agreeing = _agreeing(pending.rstrip(BROKEN), whole[done : done + len(pending)])
        ends.append(max(done + agreeing, ends[-1] if ends else 0))
    if whole[done:] != pending:
        return None
    return [*ends[:-1], len(whole)] if ends else []


def _ends_by_prefix(ids: Sequence[int], tokenizer: Any, decoder: Decoder = decode) -> list[int]:
    """Each token's end, found by decoding every prefix: in time that grows with the square of the length."""
    whole = decoder(tokenizer, ids)
    prefixes = (decoder(tokenizer, ids[:count]).rstrip(BROKEN) for count in range(1, len(ids)))
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
    starts = [0, *token_ends(ids, tokenizer, decode_after)[:-1]]
    spoken = decode_after(tokenizer, ids)
    # The same few tokens stand in all chains of a set; each is held once.
    pieces = tuple(intern(spoken[start:stop]) for start, stop in zip(starts, [*starts[1:], len(spoken)], strict=True))
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
