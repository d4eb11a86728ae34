"""An item by itself in tokens: its question, which can be hidden, its chain, and the readers that come after them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import EncodedPair, Readers, check_carries, check_takes
from mediate.mediation.said import item_prompt
from mediate.models.model import Model
from mediate.models.prompts import Prompt, Template
from mediate.pairs.pair import Item
from mediate.passes.hiding import check_hiding
from mediate.traces.pieces import decode, decode_after, encode_after
from mediate.traces.trace import BROKEN, Trace, cut_trace, token_ends


@dataclass(frozen=True, slots=True)
class EncodedItem:
    """An item in tokens.

    What comes before the question (a system prompt, worked examples) is its *head*, what comes between the question
    and the chain (a line break, a chat header) its *tail*: the tail has read the question.

    Args:
        id: The item's id.
        group: The item's group.
        question: The tokens before the chain: head, question and tail.
        hidden: The half-open range of these tokens that hold the question's own text. The sequence's first token is
            never among them: it is the attention sink, and has seen only itself.
        trace: The chain.
        readers: What comes after; there is no source answer.
        options: The tokens of the other answers that the question offers.
    """

    id: str
    group: str
    question: tuple[int, ...]
    hidden: tuple[int, int]
    trace: Trace
    readers: Readers
    options: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        start, stop = self.hidden
        if not 1 <= start < stop <= len(self.question):
            raise ValueError(f"hidden tokens {start} to {stop} of a question part of {len(self.question)}")

    @property
    def whole(self) -> tuple[int, ...]:
        """The tokens of the question part followed by the chain."""
        return self.question + self.trace.ids

    @property
    def written(self) -> bool:
        """Whether a model wrote its chain."""
        return self.trace.written

    @property
    def length(self) -> int:
        """The tokens of the whole sequence, the answer's last included."""
        return len(self.whole) + len(self.readers.cue) + len(self.readers.base)


Encoded = EncodedPair | EncodedItem
"""What a method takes that looks at the base world alone: a pair, or an item by itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An item's question in tokens, with what its response opens with.

    Args:
        ids: The tokens before the chain.
        hidden: The range of them that hold the question's own text.
    """

    ids: tuple[int, ...]
    hidden: tuple[int, int]


def ask(tokenizer: Any, template: Template, item: Item) -> Asked:
    """Puts an item's question to a model.

    Raises:
        ItemError: The template fails on the question or loses it, its tokens say something else or cannot be told from
            the template's, or it is the sequence's first token alone.
    """
    prompt = item_prompt(tokenizer, template, item)
    try:
        hidden = asked_tokens(tokenizer, prompt)
    except InputError as error:
        raise ItemError(item.id, str(error), place=item.place, code="cannot_hide") from error
    # A prompt that opens the response itself has the tag already.
    opened = "" if prompt.text.rstrip().endswith(item.opened.strip() or "\0") else item.opened
    return Asked((*prompt.ids, *encode_after(tokenizer, opened, control=True)), hidden)


def encode_readers_of(tokenizer: Any, item: Item, answer: str, cue: str, *, bridge: bool = True) -> Readers:
    """What stands after an item's chain: the cue and the measured answer.

    Where a response closes its chain with a tag, the tag goes before the cue, or, with `bridge`, the tag and its final
    text up to the answer in the cue's stead.

    Args:
        tokenizer: Of transformers.
        item: The item.
        answer: The answer that is measured.
        cue: What stands between a chain and its answer where the response says nothing there.
        bridge: Whether what the response says between its chain and its answer is kept.

    Raises:
        ItemError: The answer has no tokens.
    """
    if item.closed and bridge and item.bridge:
        # White space behind the tag is a token with what follows it, as it was when the model wrote it.
        closing = item.closed.rstrip()
        tag = encode_after(tokenizer, closing, control=True)
        lead, answered = _parted(tokenizer, item.closed.removeprefix(closing) + item.bridge, answer)
        lead = [*tag, *lead]
    else:
        lead, answered = cue_tokens(tokenizer, item, cue), encode_after(tokenizer, " " + answer)
    spoken = next((place for place, token in enumerate(answered) if decode_after(tokenizer, [token]).strip()), 0)
    try:
        return Readers(tuple(lead), tuple(answered), spoken=spoken)
    except ValueError as error:
        raise ItemError(item.id, f"{error}; give another", place=item.place, code="empty_answer") from error


def tokenised_apart(tokenizer: Any, item: Item, answer: str, tokens: EncodedItem) -> bool:
    """Whether a kept response's tokens are others than of its text tokenised in one go, from its opening to the answer.

    Chain, closing tag and final text are tokenised each on their own, so that each has whole tokens. A model that
    writes a full stop and the line break before its tag as one token has read another one there.
    """
    text = f"{item.opened}{item.cot or tokens.trace.text}{item.closed}{item.bridge}{answer}"
    opened = encode_after(tokenizer, item.opened, control=True)
    parts = [*opened, *tokens.trace.ids, *tokens.readers.cue, *tokens.readers.base]
    return encode_after(tokenizer, text, control=True) != parts


def cue_tokens(tokenizer: Any, item: Item, cue: str) -> list[int]:
    """The tokens of the tag that closes an item's chain, where there is one, and of the cue after it."""
    text = cue.lstrip() if item.closed[-1:].isspace() else cue
    return [*encode_after(tokenizer, item.closed, control=True), *encode_after(tokenizer, text)]


def _parted(tokenizer: Any, bridge: str, answer: str) -> tuple[list[int], list[int]]:
    """The tokens of a bridge and of the answer after it, as they stand together; one of both is the answer's."""
    ids = encode_after(tokenizer, bridge + answer)
    ends = token_ends(ids, tokenizer, decode_after)
    first = next((token for token, end in enumerate(ends) if end > len(bridge)), len(ids))
    return ids[:first], ids[first:]


def encode_item(
    model: Model,
    item: Item,
    asked: Asked,
    readers: Readers,
    trace: Trace,
    options: tuple[tuple[int, ...], ...] = (),
) -> EncodedItem:
    """Puts an item into tokens and checks that the model can take it.

    Args:
        model: The hooked model.
        item: The item.
        asked: Its question.
        readers: What stands after its chain.
        trace: Its chain.
        options: The tokens of the other answers that the question offers.

    Raises:
        InputError: The model's past is more than keys and values, or its keys cannot be hidden.
        ItemError: An empty chain, a sequence longer than the model's context, or tokens that say something else.
    """
    check_carries(model)
    check_hiding(model)
    if not trace.ids:
        raise ItemError(item.id, "the CoT has no tokens", place=item.place, code="empty_cot")
    encoded = EncodedItem(item.id, item.group or item.id, asked.ids, asked.hidden, trace, readers, options)
    parts = [encoded.question, trace.ids, *readers.all, *options]
    longest = encoded.length + max([0, *(len(each) - len(readers.base) for each in options)])
    check_takes(model, item.id, parts, longest, item.place)
    return encoded


def cut_item(item: EncodedItem, answer: str, values: Sequence[int] = ()) -> EncodedItem:
    """The item with its chain cut before it states the answer; see `mediate.traces.statement`.

    The token before the statement is the only reader, and the answer's tokens are those that the chain writes.

    Args:
        item: In tokens.
        answer: The answer's text.
        values: The result of each step of the given chain, where the data have them.

    Raises:
        ItemError: The chain does not state the answer, or states it at its very start.
    """
    found = item.trace.stated(answer, values)
    if found is None:
        raise ItemError(item.id, "the chain does not state the answer", code="not_stated")
    if found.start < 2:
        raise ItemError(item.id, "the chain begins with the answer", code="stated_at_once")
    said = item.trace.ids[found.start : found.stop]
    tokens = item.trace.tokens[found.start : found.stop]
    spoken = next((place for place, token in enumerate(tokens) if token.strip()), 0)
    readers = Readers((item.trace.ids[found.start - 1],), said, spoken=spoken)
    return replace(item, trace=cut_trace(item.trace, found.start - 1), readers=readers, options=())


def asked_tokens(tokenizer: Any, prompt: Prompt) -> tuple[int, int]:
    """The range of a prompt's tokens that hold any character of the question's own text, save the first token.

    White space at the question's ends counts with what is beside it: it says nothing, and what is not hidden with the
    question is part of the head, which has not read it, or of the tail, which is computed with and without it.

    Raises:
        InputError: The question is in the sequence's first token alone, or what the tokens say cannot be laid on the
            prompt's text.
    """
    said = decode(tokenizer, prompt.ids)
    letters = [place for place, letter in enumerate(said) if not letter.isspace()]
    if prompt.asked is None or len(letters) != _letters(prompt.text):
        raise InputError("its tokens cannot be told from the template's, which rewrites it; give another template")
    before, until = (_letters(prompt.text[:place]) for place in prompt.asked)
    ends = token_ends(prompt.ids, tokenizer)
    first = next(token for token, end in enumerate(ends) if end > letters[before])
    # Tokens that hold only a part of its first character stand before the one that completes it.
    while first and decode(tokenizer, prompt.ids[:first]).endswith(BROKEN):
        first -= 1
    stop = 1 + next(token for token, end in enumerate(ends) if end > letters[until - 1])
    if stop <= max(first, 1):
        raise InputError("the question is the sequence's first token alone, which stays visible; make it longer")
    return max(first, 1), stop


def _letters(text: str) -> int:
    return sum(not letter.isspace() for letter in text)
