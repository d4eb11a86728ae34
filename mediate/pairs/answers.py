"""Final answers in text: finding the stated one, and comparing two of them exactly."""

import logging
import re
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mediate.errors import InputError, install_hint

_STATED = re.compile(r"\banswer\s+is\b[ \t]*(?::\s*)?", re.IGNORECASE)
_MARKED = re.compile(r"(?<!#)####(?!#)")
_BOXED = re.compile(r"\\boxed\s*(?=\{)")
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
_MINUS_SIGNS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-") | {"\uff0b": "+"})


def parse_answer(text: str) -> str | None:
    r"""The final answer that a text states, normalised; None where it states none.

    Three forms count: `The answer is N` (any case, up to the end of its sentence or line), `\boxed{...}` with nested
    braces, and `#### N` up to the end of its line. They have no ranking: the one that begins last in the text wins, so
    a corrected answer replaces the first. Text that runs on into a next problem must be cut before.

    `The answer is 3 + 4 = 7 apples` states `7`: what follows the last equals sign counts, and a number is taken without
    the words after it, where these hold no further digit or are set off by a comma. Other answers, such as `5 or 6`,
    are kept whole. A `####` line that states no number is a heading, and counts only as the text's last line.
    """
    found: list[tuple[int, str]] = []
    for match in _STATED.finditer(text):
        found.append((match.start(), _until(_SENTENCE_END, text, match.end())))
    for match in _BOXED.finditer(text):
        found.append((match.start(), _in_braces(text, match.end())))
    for match in _MARKED.finditer(text):
        line, _, rest = text[match.end() :].partition("\n")
        if not rest.strip() or _number(_stated_value(line)) is not None:
            found.append((match.start(), line))
    answers = (_stated_value(stated) for _, stated in sorted(found, reverse=True))
    return next((answer for answer in answers if answer), None)


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


def _in_braces(text: str, start: int) -> str:
    """What stands between the brace at `start` and its partner; empty where there is no partner."""
    depth, skip = 0, False
    for place in range(start, len(text)):
        char = text[place]
        if skip or char == "\\":
            skip = not skip
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return text[start + 1 : place]
    return ""


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
