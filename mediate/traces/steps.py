"""Segmentation of a chain of thought into steps; text only, no tokens.

A step is a sentence, a line, or an item of a list. Steps tile the text exactly. White space between two steps is shared
out by one rule: line breaks, with everything up to the last of them, end the step before; spaces begin the step after,
because tokens such as `" Then"` begin with their space.
"""

import re
from collections.abc import Iterator

from mediate.pairs.occurrences import Span as Span
from mediate.pairs.occurrences import find_answer as find_answer
from mediate.pairs.occurrences import numbers as numbers
from mediate.pairs.occurrences import occurrences as occurrences

_SPACE = re.compile(r"\s+")
_TO_LAST_BREAK = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_TAG = re.compile(r"</?think>")
_OPENS = re.compile(r"\s*<think>")
_CLOSES = re.compile(r"\s*</think>")
_BULLET = re.compile(r"(?<=\s)[•‣◦▪]")
_CLOSERS = r"[\"'”’»)\]}*_`$」』”）】]*"
_WIDE_END = re.compile(rf"[。！？]+{_CLOSERS}")
_SENTENCE_END = re.compile(rf"(?P<last>[.!?…])\\?{_CLOSERS}\Z")
# A sentence does not begin with an operator: `5! = 120`.
_OPERATOR = re.compile(r"\s*[=+×÷/^≠≤≥]")
_MARKER = re.compile(r"[-*•]?\s*[*_]*(?:(?:step|part|case)\s+)?\(?(?:[0-9]{1,3}|[a-zA-Z])[.)]", re.IGNORECASE)
_LAST_WORD = re.compile(r"(?<![^\W_])[^\W\d_]+(?:\.[^\W\d_]+)*\Z")
_NEXT_WORD = re.compile(r"\s*[\"'“‘(\[*_]*([^\W\d_]+)")
_ABBREVIATION = re.compile(r"e\.g|i\.e|mrs?|ms|dr|prof|st|[js]r|vs|cf|approx|al|vol|figs?|eqs?", re.IGNORECASE)
# After a capital letter these words begin a sentence (`vertices A and B. The area`), and others continue a name.
_OPENER = re.compile(
    r"a|after|also|although|an|and|another|as|at|because|both|but|by|each|finally|first|for|from|given|hence|here|how|i|"
    r"if|in|it|its|let|next|note|now|on|once|one|only|or|our|second|since|so|step|that|the|then|there|therefore|these|"
    r"they|third|this|those|thus|to|we|what|when|where|which|while|with|you",
    re.IGNORECASE,
)


def segment(text: str) -> tuple[Span, ...]:
    """The steps of a text, as ranges that tile it: each ends where the next begins.

    A sentence ends at `.`, `!`, `?` or `…` before white space, and at `。`, `！`, `？` anywhere; not inside a decimal,
    after an abbreviation, an initial or the number of a list item, nor before an operator. Every line break and every
    bullet ends a step too. `<think>` belongs to the first step inside it and `</think>` to the last, and no step holds
    text from both sides of a tag. No step is empty, and none is white space unless the whole text is.
    """
    spans: list[Span] = []
    start = 0
    for cut in [*sorted(set(_cuts(text))), len(text)]:
        if start < cut and (cut == len(text) or _divides(text, start, cut)):
            spans.append(Span(start, cut))
            start = cut
    if len(spans) > 1 and not text[slice(*spans[-1])].strip():
        spans[-2:] = [Span(spans[-2].start, len(text))]
    return tuple(spans)


def _cuts(text: str) -> Iterator[int]:
    """Every place where a step may end, in no order."""
    for space in _SPACE.finditer(text):
        line = _TO_LAST_BREAK.match(text, space.start(), space.end())
        if line or _ends_sentence(text, space.start()):
            yield line.end() if line else space.start()
    for end in _WIDE_END.finditer(text):
        yield _after(text, end.end())
    for bullet in _BULLET.finditer(text):
        yield _before(text, bullet.start())
    for tag in _TAG.finditer(text):
        yield _after(text, tag.end()) if tag.group() == "</think>" else _before(text, tag.start())


def _after(text: str, place: int) -> int:
    """Where the step ends whose last character stands before `place`."""
    line = _TO_LAST_BREAK.match(text, place)
    return line.end() if line else place


def _before(text: str, place: int) -> int:
    """Where the step begins whose first character stands at `place`."""
    while place and text[place - 1].isspace():
        place -= 1
    return _after(text, place)


def _divides(text: str, start: int, cut: int) -> bool:
    """Whether a step that began at `start` may end at `cut`: it holds text, and what follows is not its closing tag."""
    if _CLOSES.match(text, cut):
        return False
    piece = text[start:cut].strip()
    while piece.startswith("<think>"):
        piece = piece.removeprefix("<think>").lstrip()
    if not piece:
        return False
    return bool(text[cut - 1].isspace() or _OPENS.match(text, cut) or not _MARKER.fullmatch(piece))


def _ends_sentence(text: str, place: int) -> bool:
    """Whether a sentence ends right before the white space at `place`."""
    end = _SENTENCE_END.search(text, max(0, place - 12), place)
    if not end or _OPERATOR.match(text, place):
        return False
    stop = end.start("last")
    if end["last"] == "!" and text[stop - 1 : stop].isdigit():
        return not re.match(r"\s*[-*]\s", text[place : place + 8])
    return end["last"] != "." or not _is_abbreviation(text, stop, place)


def _is_abbreviation(text: str, stop: int, place: int) -> bool:
    """Whether the full stop at `stop` belongs to the word before it, judged by that word and the one after `place`."""
    found = _LAST_WORD.search(text, max(0, stop - 24), stop)
    if not found:
        return False
    word = found.group()
    if _ABBREVIATION.fullmatch(word):
        return True
    following = _NEXT_WORD.match(text, place)
    if not following or word == "I" or any(len(part) > 1 for part in word.split(".")):
        return False
    if word.isupper():  # J. Smith, the U.S. economy
        return not _OPENER.fullmatch(following[1])
    return "." in word and following[1][0].islower()  # 5 p.m. today
