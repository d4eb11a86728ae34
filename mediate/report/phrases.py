"""Words of a page: text, what of it is stressed, code or a link, and this package's own sentences read into that."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Tag(StrEnum):
    """What a run of text is; the names are HTML's."""

    PLAIN = ""
    STRESSED = "em"
    STRONG = "strong"
    CODE = "code"
    BREAK = "br"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Some text of one kind, perhaps a link to a place on the page or a file beside it."""

    text: str
    tag: Tag = Tag.PLAIN
    href: str = ""


Words = str | tuple[Phrase, ...]
BREAK = Phrase("\n", Tag.BREAK)


def prose(sentence: str, **values: object) -> tuple[Phrase, ...]:
    """A sentence of our own: `*this*` is stressed, a part in backticks is code, and `{name}` stands for a value.

    A value is put in after the marks are read, so it stays text whatever it holds.
    """
    phrases = []
    for part in re.split(r"(\*[^*]+\*|`[^`]+`)", sentence):
        tag = {"*": Tag.STRESSED, "`": Tag.CODE}.get(part[:1], Tag.PLAIN)
        text = part if tag is Tag.PLAIN else part[1:-1]
        if text:
            phrases.append(Phrase(text.format(**values), tag))
    return tuple(phrases)


def code(text: str) -> tuple[Phrase, ...]:
    """Text set as code."""
    return (Phrase(text, Tag.CODE),)


def plain_text(words: Words) -> str:
    """Words without their marks."""
    return words if isinstance(words, str) else "".join(each.text for each in words)
