"""A pair in tokens: question part, chain of thought, answer cue and answers, each tokenised on its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.mediation.said import check_whole, question_prompts
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE, HOLE, Style, Template, question_ids
from mediate.models.rope import longest_alike
from mediate.models.vocabulary import beyond_rows
from mediate.pairs.pair import Item, Pair, World, in_worlds, named_items
from mediate.passes.keyvalues import why_not_movable
from mediate.traces.pieces import encode_after, lost_words, words_known
from mediate.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class Readers:
    """The tokens after the chain of thought: what reads, and where the outcomes are read off.

    Args:
        cue: The answer cue's tokens.
        base: The base answer's tokens; those of the measured answer, where the item has no twin.
        source: The source answer's tokens; none where the item has no twin.
        spoken: The place in the base answer of its first token that is more than white space.
    """

    cue: tuple[int, ...]
    base: tuple[int, ...]
    source: tuple[int, ...] = ()
    spoken: int = 0

    def answer(self, world: World) -> tuple[int, ...]:
        """The tokens of a world's answer."""
        return (self.source, self.base)[world]

    @property
    def shared(self) -> int:
        """Tokens that the two answers begin with in common; none where there is one answer."""
        pairs = zip(self.base, self.source, strict=False)
        return next(
            (place for place, (one, other) in enumerate(pairs) if one != other), min(len(self.base), len(self.source))
        )

    @property
    def all(self) -> tuple[tuple[int, ...], ...]:
        """The tokens of the cue and of each answer."""
        return self.cue, self.base, self.source

    @property
    def decisive(self) -> int:
        """The place in the answer of the last token that is read by itself: where two part, or one speaks."""
        return max(self.shared, self.spoken)

    def __post_init__(self) -> None:
        if not self.cue:
            raise ValueError("the answer cue has no tokens")
        if not self.base or self.spoken >= len(self.base):
            raise ValueError("the answer has no tokens")
        if self.source and self.shared == min(len(self.base), len(self.source)):
            raise ValueError("one answer's tokens begin with all of the other's")


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """A pair in tokens; what there is of each world is indexed by `World`.

    Args:
        id: The pair's id.
        group: The pair's group.
        questions: The question part of each world.
        traces: The chain of thought of each world.
        readers: What comes after.
    """

    id: str
    group: str
    questions: tuple[tuple[int, ...], tuple[int, ...]]
    traces: tuple[Trace, Trace]
    readers: Readers

    @property
    def question(self) -> tuple[int, ...]:
        """The base question part."""
        return self.questions[World.BASE]

    @property
    def trace(self) -> Trace:
        """The base chain."""
        return self.traces[World.BASE]

    @property
    def whole(self) -> tuple[int, ...]:
        """The base question part followed by the base chain."""
        return self.context(World.BASE, World.BASE)

    @property
    def written(self) -> bool:
        """Whether a model wrote one of its chains."""
        return any(trace.written for trace in self.traces)

    def context(self, h: int, t: int) -> tuple[int, ...]:
        """The tokens of question h followed by chain t."""
        return self.questions[h] + self.traces[t].ids


def encode_question(model: Model, template: Template, question: str) -> tuple[int, ...]:
    """The question part's token ids."""
    return tuple(question_ids(model.need_tokenizer(), template, question))


def encode_readers(tokenizer: Any, pair: Pair, cue: str = ANSWER_CUE) -> Readers:
    """The cue's tokens, and each answer's after a space.

    Raises:
        ItemError: In tokens, one answer begins with all of the other.
    """
    answers = in_worlds(lambda world: tuple(encode_after(tokenizer, " " + pair[world].answer.strip())))
    try:
        return Readers(tuple(encode_after(tokenizer, cue)), base=answers[World.BASE], source=answers[World.SOURCE])
    except ValueError as error:
        raise ItemError(
            pair.id, f"{error}; choose other answers or cue", place=pair.place, code="prefix_answer"
        ) from error


def check_words(tokenizer: Any, given: Pair | Item, remedy: str) -> None:
    """Raises ItemError where the tokenizer loses words: another text would then be the same to the model."""
    for world, item in named_items(given):
        for part, text in (("question", item.question), ("CoT", item.cot or ""), ("answer", " " + item.answer.strip())):
            lost = lost_words(tokenizer, text) if text else ()
            if lost:
                words = ", ".join(map(repr, lost[:3])) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
                reason = f"the tokenizer has no token for {words} of the {world}{part}; {remedy}"
                raise ItemError(given.id, reason + words_known(tokenizer), place=given.place, code="unknown_words")


def check_prompt(tokenizer: Any, template: Template, cue: str) -> None:
    """Raises InputError where the tokenizer loses words of a completion's text or of the answer cue."""
    parts = [("--answer-cue", cue)]
    if template.style is Style.COMPLETION:
        parts.append((f"--template {template.name or 'text'}", template.text.replace(HOLE, "")))
    for option, text in parts:
        lost = lost_words(tokenizer, text)
        if lost:
            words = ", ".join(map(repr, lost[:3]))
            raise InputError(f"{option}: the tokenizer has no token for {words}; give another{words_known(tokenizer)}")


def encode_pair(model: Model, pair: Pair, template: Template, cue: str, source: Trace, base: Trace) -> EncodedPair:
    """Puts a pair into tokens and checks that the model can take all its combinations.

    Raises:
        ItemError: An empty chain, an answer that is a prefix of the other, a sequence longer than the model's context,
            or questions of different lengths on a model whose keys cannot be moved; tokens that say something else than
            the text, or the same of both questions.
    """
    tokenizer = model.need_tokenizer()
    asked = question_prompts(tokenizer, template, pair)
    questions = in_worlds(lambda world: asked[world].ids)
    return encode_parts(model, pair, cue, questions, encode_readers(tokenizer, pair, cue), (source, base))


def encode_parts(
    model: Model,
    pair: Pair,
    cue: str,
    questions: tuple[tuple[int, ...], tuple[int, ...]],
    readers: Readers,
    traces: tuple[Trace, Trace],
) -> EncodedPair:
    """`encode_pair` where the parts are in tokens already; raises as it does."""
    encoded = EncodedPair(pair.id, pair.group, questions, traces, readers)
    for world in World:
        item, trace = pair[world], traces[world]
        chain = trace.text if item.cot is None or trace.written else item.cot
        ids = (questions[world], trace.ids, readers.cue, readers.answer(world))
        check_whole(model.need_tokenizer(), pair, f"the {world} world", ids, f"{chain}{cue} {item.answer.strip()}")
    check_fit(model, encoded, pair.place)
    return encoded


def check_fit(model: Model, encoded: EncodedPair, place: str = "") -> None:
    """Raises ItemError where the model cannot take every combination of a pair, InputError where it takes no pair."""
    check_carries(model)
    for world in World:
        if not encoded.traces[world].ids:
            raise ItemError(encoded.id, f"the {world} CoT has no tokens", place=place, code="empty_cot")
    after = len(encoded.readers.cue) + max(len(encoded.readers.base), len(encoded.readers.source))
    longest = max(map(len, encoded.questions)) + max(len(trace.ids) for trace in encoded.traces) + after
    traces = [trace.ids for trace in encoded.traces]
    check_takes(model, encoded.id, [*encoded.questions, *traces, *encoded.readers.all], longest, place)
    check_equal_lengths(model, encoded.id, [len(question) for question in encoded.questions][::-1], place)


def check_carries(model: Model) -> None:
    """Raises InputError where a model's past is more than keys and values."""
    carried = model.check("answer read from keys and values")
    if not carried.passed:
        raise InputError(
            f"model {model.facts.name!r} ({model.facts.architecture}): keys and values do not carry all of its past "
            f"({carried.detail}), so channels cannot be told apart"
        )


def check_takes(model: Model, item: str, parts: Sequence[Sequence[int]], length: int, place: str = "") -> None:
    """Raises ItemError where an item's longest sequence or one of its tokens is more than the model can take."""
    if model.facts.context and length > model.facts.context:
        reason = f"{length} tokens, and the context of {model.facts.name!r} is {model.facts.context}; shorten it"
        raise ItemError(item, reason, place=place, code="too_long")
    largest = max(max(part, default=0) for part in parts)
    if largest >= model.facts.d_vocab:
        reason = beyond_rows(largest, model.facts.name, model.facts.d_vocab)
        raise ItemError(item, reason, place=place, code="unknown_words")
    check_one_rope(model, item, length, place)


def check_one_rope(model: Model, item: str, length: int, place: str = "") -> None:
    """Raises ItemError where an item's shorter passes would turn keys by other factors than its longest one."""
    most = longest_alike(model.plain.config)
    if most is not None and length > most:
        raise ItemError(
            item,
            f"{length} tokens, and past {most} {model.facts.name!r} turns keys by other factors (LongRoPE), so that "
            "its passes would not agree; shorten it",
            place=place,
            code="too_long",
        )


def check_equal_lengths(model: Model, item: str, lengths: Sequence[int], place: str = "") -> None:
    """Raises ItemError where the base's and the source's question differ in length and keys cannot be moved."""
    if lengths[0] != lengths[1] and not model.check("re-rotated keys").passed:
        raise ItemError(
            item,
            f"the questions have {lengths[0]} and {lengths[1]} tokens, and {why_not_movable(model)}",
            place=place,
            code="unaligned_questions",
        )
