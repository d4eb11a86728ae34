"""Final answers in text: finding the stated one, and comparing two of them exactly."""

import logging
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from typing import NamedTuple

from mediate.errors import InputError, install_hint

_STATED = re.compile(r"\banswer\s+is\b[ \t]*(?::\s*)?", re.IGNORECASE)
# The same, and `Answer:` as well: what a response that was asked for an answer writes, and a chain seldom does.
CUE = re.compile(r"\banswer(?:\s+is\b[ \t]*(?::\s*)?|[*_ \t]*:[*_]*\s*)", re.IGNORECASE)
_MARKED = re.compile(r"(?<!#)####(?!#)")
_BOXED = re.compile(r"\\boxed\s*(?=\{)")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[\r\n。！？]")
_LATEX_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf)\s*\{([^{}]*)\}")
# Thousands are set off by commas, also after two digits as in India, or by one kind of space, apostrophe or underscore.
_GROUPS = (
    r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
    r"|[0-9]{1,3}([ \u00a0\u2009\u202f'\u2019_])[0-9]{3}(?:\3[0-9]{3})*"
)
_NUMBER = re.compile(rf"([+-]?)((?:{_GROUPS}|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)")
_SEPARATORS = str.maketrans("", "", ", \u00a0\u2009\u202f'\u2019_")
_PERCENT = re.compile(r"(?P<number>.*[0-9.])\s?%", re.DOTALL)
_UNIT = re.compile(r"\s+[^\W\d_][^0-9]*|[,;]\s+[^\W\d_].*", re.DOTALL)
_WORDS = re.compile(r"[^\W\d_]+(?:[\s'’-]+[^\W\d_]+)*")
_DECORATION = "*`$"
# Characters of the longest answer: what goes on for longer is none, and no text costs more than its length.
_LONGEST = 2000
# Answers whose one form is kept: the numbers of many chains are few.
_KEPT = 1024
_MINUS_SIGNS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-") | {"\uff0b": "+"})


class FinalAnswer(NamedTuple):
    r"""Where a text states its answer.

    Args:
        start: Where the statement begins: at `answer is`, `\boxed` or `####`.
        begin: Where what is stated begins.
        end: Where it ends.
        value: The answer, normalised.
    """

    start: int
    begin: int
    end: int
    value: str


def parse_answer(text: str) -> str | None:
    r"""The final answer that a text states, normalised; None where it states none.

    Three forms count: `The answer is N` (any case, up to the end of its sentence or line), `\boxed{...}` with nested
    braces, and `#### N` up to the end of its line. They have no ranking: the one that begins last in the text wins, so
    a corrected answer replaces the first. Text that runs on into a next problem must be cut before.

    `The answer is 3 + 4 = 7 apples` states `7`: what follows the last equals sign counts, and a number is taken without
    the words after it, where these hold no further digit or are set off by a comma. Other answers, such as `5 or 6`,
    are kept whole. A `####` line that states no number is a heading, and counts only as the text's last line.
    """
    found = last_stated(text)
    return None if found is None else found.value


def last_stated(text: str, cue: re.Pattern[str] = _STATED) -> FinalAnswer | None:
    """Where a text states its answer, as `parse_answer` finds it; `cue` is what stands for `answer is`."""
    # Each with how its end is found, which is looked for from the last one back, and seldom for more than that.
    found: list[tuple[int, int, Callable[[int], int | None]]] = []
    found += [(match.start(), match.end(), partial(_sentence, text)) for match in cue.finditer(text)]
    written = len(text.rstrip())
    found += [(match.start(), match.end(), partial(_marked, text, written)) for match in _MARKED.finditer(text)]
    boxes = list(_BOXED.finditer(text))
    partners = _partners(text) if boxes else {}
    found += [(match.start(), match.end() + 1, lambda begin: partners.get(begin - 1)) for match in boxes]
    for start, begin, ends in sorted(found, key=lambda each: each[0], reverse=True):
        end = ends(begin)
        value = "" if end is None or end - begin > _LONGEST else _stated_value(text[begin:end])
        if end is not None and value:
            return FinalAnswer(start, begin, end, value)
    return None


def boxed(text: str) -> str | None:
    r"""What the last `\boxed{...}` of a text holds, as written; None where there is none that closes."""
    partners = _partners(text)
    begins = [match.end() for match in _BOXED.finditer(text) if match.end() in partners]
    return text[begins[-1] + 1 : partners[begins[-1]]] if begins else None


@lru_cache(maxsize=_KEPT)
def normalise(answer: str) -> str:
    r"""An answer in the one form in which answers are compared.

    Around any answer, white space, `*`, backticks, `$` and full stops go. A number loses its currency sign, thousands
    separators, leading plus and zeros, and trailing zeros after the point; `-0` becomes `0`, Unicode minus signs become
    hyphens and digits of other scripts those of ASCII: `$1,200.50.` is `1200.5`. So does the number of a percentage.
    Anything else, fractions included, is kept as text.
    """
    text = answer.strip()
    bare = _undecorated(text)
    number = _number(bare)
    if number is not None:
        return number
    share = _PERCENT.fullmatch(bare)
    of = _number(share["number"]) if share else None
    return bare or text if of is None else f"{of}%"


def same_answer(a: str, b: str) -> bool:
    """Whether two answers are equal after `normalise`: `1,200` and `1200.0` are, `1/2` and `0.5` are not."""
    return normalise(a) == normalise(b)


def math_verify_same(a: str, b: str) -> bool:
    """Whether two answers are the same mathematical value by the package `math-verify`: `1/2` and `0.5` are.

    Plain words are compared by `same_answer`, because the package reads them as products of symbols, in which order
    does not count. Runs without the package's time limits, which work in the main thread only.

    Raises:
        InputError: The package is not installed.
    """
    try:
        from math_verify import parse, verify
    except ImportError as error:
        raise InputError(f"math-verify is not installed; add it with: {install_hint('tasks')}") from error
    if any(_WORDS.fullmatch(normalise(each)) for each in (a, b)):
        return same_answer(a, b)
    with _quiet("math_verify.parser", "math_verify.grader"):
        left, right = (parse(f"${_undecorated(each.strip())}$", parsing_timeout=None) for each in (a, b))
        # verify() tells a gold answer from a model's, and is not symmetric.
        return any(verify(*order, timeout_seconds=None) for order in ((left, right), (right, left)))


def _stated_value(stated: str) -> str:
    value = _undecorated(_LATEX_TEXT.sub(r" \1 ", stated).strip())
    value = _undecorated(value.rpartition("=")[2].strip())
    number = _NUMBER.match(_plain(value))
    if number and _UNIT.fullmatch(_plain(value), number.end()):
        value = number.group()
    return normalise(value)


def _until(end: re.Pattern[str], text: str, start: int) -> str:
    stop = end.search(text, start)
    return text[start : stop.start() if stop else len(text)]


def _sentence(text: str, begin: int) -> int | None:
    """The end of the sentence or line; None where it is none."""
    stop = _SENTENCE_END.search(text, begin, begin + _LONGEST + 1)
    if stop:
        return stop.start()
    return len(text) if len(text) - begin <= _LONGEST else None


def _marked(text: str, written: int, begin: int) -> int | None:
    """The end of the line behind `####`; None for a heading."""
    end = text.find("\n", begin, begin + _LONGEST + 1)
    if end < 0:
        return len(text) if len(text) - begin <= _LONGEST else None
    return end if end >= written or _number(_stated_value(text[begin:end])) is not None else None


def _partners(text: str) -> dict[int, int]:
    """Where the brace that closes each opening one stands."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACE.finditer(text):
        if match.group() == "{":
            opened.append(match.start())
        elif match.group() == "}" and opened:
            partners[opened.pop()] = match.start()
    return partners


def _undecorated(text: str) -> str:
    r"""Without the marks around an answer: `**5**`, `$5$`, `\(5\)`, `5.`"""
    while True:
        bare = text.strip().strip(_DECORATION).removesuffix(".")
        for left, right in ((r"\(", r"\)"), (r"\[", r"\]")):
            if bare.startswith(left) and bare.endswith(right):
                bare = bare[len(left) : -len(right)]
        if bare == text:
            return bare
        text = bare


def plain_signs(text: str) -> str:
    """The text, character by character, with hyphens for minus signs and ASCII digits for those of other scripts."""
    if text.isascii():
        return text
    digits = {ord(char): str(unicodedata.decimal(char)) for char in set(text) if char.isdecimal() and char > "9"}
    return text.translate(_MINUS_SIGNS | digits)


def _plain(text: str) -> str:
    """Without currency signs and LaTeX spacing, and with plain digits and signs."""
    text = plain_signs(text).replace("{,}", ",").replace(r"\$", "").replace(r"\,", "").replace(r"\!", "")
    return "".join(char for char in text if unicodedata.category(char) != "Sc").strip()


@lru_cache(maxsize=_KEPT)
def _number(text: str) -> str | None:
    match = _NUMBER.fullmatch(_plain(text))
    if not match:
        return None
    sign, digits = match.group(1, 2)
    whole, _, decimals = digits.translate(_SEPARATORS).partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    value = f"{whole}.{decimals}" if decimals else whole
    return f"-{value}" if sign == "-" and value != "0" else value


@contextmanager
def _quiet(*loggers: str) -> Iterator[None]:
    """Drops the records of some loggers; each call adds its own filter, so that threads do not disturb each other."""
    with ExitStack() as stack:
        for name in loggers:
            logger, block = logging.getLogger(name), logging.Filter()
            block.filter = lambda record: False  # type: ignore[method-assign]
            logger.addFilter(block)
            stack.callback(logger.removeFilter, block)
        yield


def says(words: str, answer: str) -> bool:
    """Whether what a model says after "The answer is" is the answer, or is it word for word."""
    found = parse_answer(f"The answer is {words}")
    if found is not None and same_answer(found, answer):
        return True
    return same_answer(_until(_SENTENCE_END, words.strip(), 0), answer)


def answer_in(words: str, like: str) -> str | None:
    """The answer, normalised, in what a model says after "The answer is"; None where it says none.

    Args:
        words: What it says.
        like: The answer that is asked for: where it is a number, or a percentage, only another one is an answer.
    """
    found = parse_answer(f"The answer is {words.strip()}")
    if found is not None and _number(normalise(like).removesuffix("%")) is not None:
        return found if _number(found.removesuffix("%")) is not None else None
    return found
