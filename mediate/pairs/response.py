"""A model's response, cut into its chain, the bridge behind it, and the answer; text only, no tokens.

The chain of a reasoning model ends at its closing think tag; that of another one before the sentence that states the
answer, which is found by its form. Nothing is rewritten: what is cut reads, piece by piece, as the response does. The
time taken grows with the response's length, and not faster.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from mediate.errors import InputError, ItemError, short
from mediate.pairs.answers import CUE, last_stated, normalise
from mediate.pairs.item import Item
from mediate.pairs.occurrences import Span, find_answer, occurrences

# The tags between which models think, as they come in the text that was written.
TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
)
# Around a chain that a log keeps apart without its tags, as Qwen3 and DeepSeek-R1 write them.
_OPENED, _CLOSED = "<think>\n", "\n</think>\n\n"
_BOUNDARY = re.compile(r"[.!?](?=\s)|[\r\n。！？]")
_MARKS = " \t\r\n*$\\[(:_"
_OPENERS = (r"\[", r"\(", "$", "*")
_IS_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?%?")
# The number of a step, alone at the beginning of its line.
_NUMBERED = re.compile(r"[ \t*_#>]*(?:[Ss]tep[ \t]*)?[0-9]{1,3}[.):][*_]*[ \t]*")
_LETTER = re.compile(r"[\s*_(\[\\{$]*(?:text\{)?([A-Za-z])(?![A-Za-z0-9])")
# How far back the beginning of a sentence is looked for, in characters.
_WINDOW = 2000


class Cut(NamedTuple):
    """A response in its pieces; see `Item`, which has fields of these names."""

    opened: str
    cot: str
    closed: str
    bridge: str
    stated: str
    finished: bool


class Looked(NamedTuple):
    """What an answer is looked for by.

    Args:
        options: The answers to choose from; a letter alone is taken for an answer where it is one of them.
        pattern: In place of the forms, an expression whose last match counts: its first group, or all of it.
    """

    options: Sequence[str] = ()
    pattern: re.Pattern[str] | None = None

    def __str__(self) -> str:
        if self.pattern is not None:
            return f"the pattern {short(self.pattern.pattern, 80)}"
        forms = r"\boxed{...}, #### ..., 'answer is ...' and 'Answer: ...'"
        return forms + (", and an option alone on the last line" if self.options else "")


def answer_pattern(text: str | None) -> re.Pattern[str] | None:
    """An expression that finds answers.

    Raises:
        InputError: It is none, or it has more than one group.
    """
    if text is None:
        return None
    try:
        pattern = re.compile(text, re.MULTILINE)
    except re.error as error:
        raise InputError(f"answer_pattern: {short(text, 80)} is no regular expression ({error}); mend it") from error
    if pattern.groups > 1:
        raise InputError(f"answer_pattern: {short(text, 80)} has {pattern.groups} groups; mark the answer by one")
    return pattern


class _Place(NamedTuple):
    """Where a text states its answer: where the statement begins, and the answer itself."""

    start: int
    span: Span


def cut(response: str, looked: Looked, *, reasoning: str | None = None, ended: bool | None = None) -> Cut:
    """A response in its pieces.

    Args:
        response: What the model wrote; behind its chain where `reasoning` has that.
        looked: What the answer is looked for by.
        reasoning: The chain, where the log keeps it apart.
        ended: Whether the model ended by itself (True) or at a length limit (False); None where the log does not say.

    Raises:
        ItemError: No chain, or no answer though the response ended; `finished` is False where a limit cut it off.
    """
    if reasoning is not None and reasoning.strip():
        opened, cot, trail = _stripped(reasoning)
        gap = response[: len(response) - len(response.lstrip())]
        apart = opened or trail or gap
        if ended is False and not response.strip():  # the limit fell within the chain
            return Cut(f"<think>{opened}" if apart else _OPENED, cot, "", "", "", finished=False)
        closed = f"{trail}</think>{gap}" if apart else _CLOSED
        return _behind(f"<think>{opened}" if apart else _OPENED, cot, closed, response[len(gap) :], looked, ended)
    tags = _tags(response)
    if tags is None:
        return _untagged("", response, looked, ended)
    start, (opening, closing) = tags
    begin = start + len(opening) if response.startswith(opening, start) else 0
    end = response.find(closing, begin)
    lead, cot, trail = _stripped(response[begin:] if end < 0 else response[begin:end])
    if end < 0:
        return _endless(response[:begin] + lead, cot, closing, ended)
    stop = end + len(closing)
    rest = response[stop:].lstrip()
    gap = response[stop : len(response) - len(rest)]
    if not cot:  # an empty place for thoughts: the chain, if there is one, stands behind it
        return _untagged(response[: len(response) - len(rest)], rest, looked, ended)
    return _behind(response[:begin] + lead, cot, trail + closing + gap, rest, looked, ended)


def answered(
    item: Item,
    response: str,
    pattern: re.Pattern[str] | None,
    *,
    reasoning: str | None = None,
    ended: bool | None = None,
) -> Item:
    """An item with the chain of a response to it; see `cut`, which also says what is raised."""
    parts = cut(response, Looked(item.options, pattern), reasoning=reasoning, ended=ended)
    return replace(item, **parts._asdict())


def bridge_states_answer(item: Item) -> bool:
    """Whether the text between an item's chain and its answer already says the answer: the bridge is then copied."""
    return any(answer and find_answer(item.bridge, answer) is not None for answer in (item.answer, item.stated))


def as_option(text: str, options: Sequence[str]) -> str | None:
    """The option that a text gives: by its value, or by its letter at the beginning, such as `(B) 4 apples`."""
    wanted = normalise(text)
    same = next((each for each in options if normalise(each) == wanted), None)
    if same is not None:
        return same
    letter = _LETTER.match(text)
    return next((each for each in options if letter and each == letter[1]), None)


def _tags(response: str) -> tuple[int, tuple[str, str]] | None:
    """The tags of a response, and where the opening one stands; 0 where the closing one is the first that is there."""
    found = []
    for tags in TAGS:
        opening, closing = map(response.find, tags)
        if 0 <= closing < opening or (closing >= 0 and opening < 0):
            found.append((0, tags))
        elif opening >= 0:
            found.append((opening, tags))
    return min(found, default=None)


def _behind(opened: str, cot: str, closed: str, final: str, looked: Looked, ended: bool | None) -> Cut:
    """The pieces where the chain's end is known, and the answer is in the final text."""
    found = _answer(final, looked, alone=True)
    if found is not None:
        span = found.span
        return Cut(opened, cot, closed, final[: span.start], final[slice(*span)], finished=True)
    if ended is False:
        return Cut(opened, cot, closed, final, "", finished=False)
    where = "the text behind the chain" if final.strip() else "the text behind the chain, which is empty"
    raise _unanswered(where, looked)


def _untagged(opened: str, text: str, looked: Looked, ended: bool | None) -> Cut:
    """The pieces where the chain ends before the sentence that states the answer."""
    found = _answer(text, looked, alone=False)
    if found is None and ended is False and text.strip():
        return Cut(opened, text.strip(), "", "", "", finished=False)
    if found is None:
        raise _unanswered("the response", looked)
    chain = text[: _chain_end(text, found.start)].strip()
    if not chain and not CUE.match(text, found.start):  # a formula of one sentence, with its result in a box
        chain = text[: found.start].rstrip(_MARKS).strip()
    if not chain:
        reason = "the response states its answer at once, without a chain; leave the response out, for a new chain"
        raise ItemError("", reason, code="no_chain", written=True)
    return Cut(opened, chain, "", "", text[slice(*found.span)], finished=True)


def _endless(opened: str, cot: str, closing: str, ended: bool | None) -> Cut:
    """The pieces of a chain whose closing tag never comes."""
    if ended or not cot:
        reason = f"the chain never ends: no {closing} was found, and the model ended by itself; leave the item out"
        raise ItemError("", reason, code="no_closing_tag", written=True)
    return Cut(opened, cot, "", "", "", finished=False)


def _answer(text: str, looked: Looked, *, alone: bool) -> _Place | None:
    """Where a text states its answer, as it is to be measured; `alone`: also where the text is nothing else."""
    if looked.pattern is not None:
        return _matched(text, looked.pattern)
    found = last_stated(text, CUE)
    if found is not None:
        return _Place(found.start, _place(text, found.begin, found.end, found.value, looked.options))
    last = len(text.rstrip())
    begin = max(text.rfind("\n", 0, last) + 1, last - _WINDOW)
    line = text[begin:last]
    if looked.options:
        option = as_option(line.strip(" *_`.()$"), looked.options)
        if option is not None and len(line.strip(" *_`.()$")) == len(option):
            return _Place(begin, _place(text, begin, last, option, ()))
    value = normalise(line)
    if alone and not text[:begin].strip() and _IS_NUMBER.fullmatch(value):
        return _Place(begin, _place(text, begin, last, value, ()))
    return None


def _matched(text: str, pattern: re.Pattern[str]) -> _Place | None:
    """The last match of an expression, without the white space around it."""
    last = None
    for match in pattern.finditer(text):
        last = match if (match[pattern.groups] or "").strip() else last
    if last is None:
        return None
    lead, inner, _ = _stripped(last[pattern.groups])
    begin = last.start(pattern.groups) + len(lead)
    return _Place(last.start(), Span(begin, begin + len(inner)))


def _place(text: str, begin: int, end: int, value: str, options: Sequence[str]) -> Span:
    """Where in a stated range the answer itself stands; with options, the one that is given."""
    inner = text[begin:end]
    option = as_option(inner, options) or as_option(value, options)
    spans = list(occurrences(inner, option if option is not None else value))
    if spans:
        span = spans[0] if option is not None else spans[-1]
        return Span(begin + span.start, begin + span.stop)
    lead, kept, _ = _stripped(inner)
    bare = kept.strip("*`$ ")
    start = begin + len(lead) + kept.find(bare)
    return Span(start, start + len(bare))


def _chain_end(text: str, statement: int) -> int:
    """Where the chain ends before a statement of the answer: where its sentence begins, or its line.

    The marks that open a formula are the statement's, also on the line before, and so is a lead-in such as `Hence:`,
    and the number of the step that the statement is.
    """
    place = statement
    while (before := text[max(0, place - _WINDOW) : place].rstrip()).endswith(_OPENERS):
        place -= len(text[max(0, place - _WINDOW) : place]) - len(before)
        place -= 2 if before.endswith(_OPENERS[:2]) else 1
    start = _sentence_start(text, place)
    lead = text[max(0, start - _WINDOW) : start].rstrip()
    if text.startswith("####", statement) or text[start:place].strip() or not lead.endswith(":"):
        return start
    return _sentence_start(text, start - len(text[max(0, start - _WINDOW) : start]) + len(lead))


def _sentence_start(text: str, place: int) -> int:
    """Where the sentence begins that holds the character before a place."""
    lowest = max(0, place - _WINDOW)
    ends = [match.end() for match in _BOUNDARY.finditer(text, lowest, place)]
    start = ends[-1] if ends else lowest
    line = max(text.rfind("\n", lowest, start) + 1, lowest)
    return line if _NUMBERED.fullmatch(text, line, start) else start


def _stripped(text: str) -> tuple[str, str, str]:
    """White space, text, white space."""
    inner = text.strip()
    start = len(text) - len(text.lstrip()) if inner else len(text)
    return text[:start], inner, text[start + len(inner) :]


def _unanswered(where: str, looked: Looked) -> ItemError:
    reason = f"no answer is found in {where} (looked for {looked}); give an answer_pattern, or leave the item out"
    return ItemError("", reason, code="no_stated_answer", written=True)
