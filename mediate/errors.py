"""The two errors that a user can mend: a wrong input, and one bad item among good ones; and what to install.

Also how a refusal of the operating system is told: on one line, with the place and what to do.
"""

import errno
import os
import re
from collections.abc import Iterable
from unicodedata import category

# The name under which the package is installed; `mediate` on the index is another project's.
DISTRIBUTION = "cot-mediate"
# Of an id that a message names.
MOST_OF_AN_ID = 120


class InputError(ValueError):
    """Something the caller gave is wrong; the message is one line that names the place and the remedy.

    Example:
        >>> try:
        ...     md.score(model, pairs, maps=["red:step"])
        ... except md.InputError as error:
        ...     print(str(error).partition(";")[0])
        option 'maps': no map 'red:step'
    """


class ItemError(InputError):
    """One item cannot be measured.

    Args:
        item: The item's id, or `""` where the item could not be read far enough to have one.
        reason: What is wrong and what to do, without the place.
        place: Where the item stands, such as `pairs.jsonl:12`; empty for items made in memory.
        code: A short word for counting, such as `empty_cot`.
        written: Whether a model wrote what is wrong, so that whoever gave the item cannot mend it.

    Example:
        >>> error = md.ItemError("a1", "no chain; give one", place="pairs.jsonl:3")
        >>> print(error)
        pairs.jsonl:3: item 'a1': no chain; give one
    """

    def __init__(
        self, item: str, reason: str, *, place: str = "", code: str = "invalid", written: bool = False
    ) -> None:
        self.item, self.reason, self.place, self.code, self.written = item, reason, place, code, written
        named = f"item {short(item, MOST_OF_AN_ID)}: " if item else ""
        super().__init__(f"{place + ': ' if place else ''}{named}{reason}")


def install_hint(extra: str) -> str:
    """The command that adds what an extra needs, for an installed package and for a clone."""
    return f'pip install "{DISTRIBUTION}[{extra}]" (in a clone: pip install -e ".[{extra}]")'


_ROOM = "make room there or give another place"
_OTHER_PLACE = "give a place that can be written and read"
# What mends a refusal of the operating system, by its number.
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EROFS: _OTHER_PLACE,
    errno.EACCES: f"change its permissions, or {_OTHER_PLACE}",
    errno.EPERM: f"change its permissions, or {_OTHER_PLACE}",
    errno.ENOENT: "check the path; a folder above it may be missing, or a link may lead nowhere",
    errno.ENOTDIR: "a folder is needed where a file stands; give another path",
    errno.EISDIR: "a file is needed where a folder stands; give another path",
    errno.EEXIST: "remove what stands there, which may be a link that leads nowhere, or give another path",
    errno.ELOOP: "remove the link that stands there, or give another path",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.EIO: "check the disk, or give another place",
    errno.ESTALE: "mount the folder anew, or give another place",
}


def one_line(error: BaseException, most: int = 200) -> str:
    """What an error says on one line without secrets, in at most so many characters; its class where it is silent."""
    return redacted(" ".join(str(error).split()))[:most] or type(error).__name__


# Tokens of the model hub and of other services, what says who asks in a header, the password in an address, and what a
# query says by name.
_SECRET = re.compile(
    r"\b(hf_|sk-|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza)[A-Za-z0-9_-]{8,}"
    r"|(?<=bearer )[^\s'\"]+|(?<=://)[^\s/@]+:[^\s/@]+(?=@)"
    r"|(?<=token=)[^\s&\"']+|(?<=key=)[^\s&\"']{8,}|(?<=password=)[^\s&\"']+",
    re.IGNORECASE,
)
_HOLDING_SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "RAY_AUTH_TOKEN")
HIDDEN = "[hidden]"


def redacted(text: str) -> str:
    """A text without tokens and passwords: those of the environment's variables for them, and what looks like one."""
    for name in _HOLDING_SECRETS:
        held = os.environ.get(name, "").strip()
        if len(held) >= 8:  # a shorter one is no secret, and might be a word
            text = text.replace(held, HIDDEN)
    return _SECRET.sub(HIDDEN, text)


def told(error: OSError) -> str:
    """A refusal of the operating system on one line: the place, the reason and the remedy."""
    reason = (error.strerror or "").strip() or one_line(error)
    named = [os.fsdecode(each) for each in (error.filename, error.filename2) if isinstance(each, str | bytes)]
    remedy = _REMEDIES.get(error.errno or 0, "check the place, or give another one")
    # A path that is too long for the system is too long for a line.
    place = " and ".join(each if len(each) <= 300 else f"{each[:297]}..." for each in named)
    return f"{place + ': ' if place else ''}{reason[:1].lower()}{reason[1:]}; {remedy}"


def system_number(error: BaseException) -> int | None:
    """The operating system's number of an error, also where a library has put it into words of its own."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"\b(?:os error|errno) (\d+)", str(error), re.IGNORECASE)
    return int(found[1]) if found else None


def shortened(text: str, most: int = 80) -> str:
    """A text as a message has it, in at most so many characters: whoever wrote it knows it by its beginning."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def short(value: object, most: int = 40) -> str:
    """A value as a message quotes it, texts in quotation marks, in at most so many characters."""
    return shortened(repr(value), most)


def meant(given: str, names: Iterable[str]) -> str:
    """`did you mean 'read'? ` where a name is like a given one, to stand before what else there is; else nothing."""
    from difflib import get_close_matches  # takes a while, and hardly ever comes to it

    near = get_close_matches(given, [str(each) for each in names], n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}? " if near else ""


def inert(text: str) -> str:
    """A text without what a terminal would take for commands: controls, bidirectional marks; line breaks stay.

    Spaces of any width, such as that before a percent sign, become plain ones.
    """
    return text if text.isprintable() else "".join(map(_inert, text))


def _inert(char: str) -> str:
    if char.isprintable() or char == "\n":
        return char
    return " " if category(char) == "Zs" else ""


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 item`, `12 items`; `many` where that is not the noun with an s."""
    return f"{count} {noun if count == 1 else many or f'{noun}s'}"
