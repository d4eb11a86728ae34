"""Pairs files: read and written, in each of the formats that `FORMATS` lists.

A line is `{"id"?, "group"?, "base": {"question", "answer", "cot"?, "values"?}, "source": {...}, "meta"?}`. What is of
interest to nobody but the file's maker belongs under `meta`, which is not read. Without an id the line's number is one,
and without a group each pair is a group of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.files import write_bytes
from mediate.pairs.format import Format, Row
from mediate.pairs.lines import JSON_LINES, json_line, parsed
from mediate.pairs.pair import Pair
from mediate.pairs.parquet import PARQUET
from mediate.pairs.rows import check_new, pair_of_row, row_of_pair

FORMATS = (JSON_LINES, PARQUET)


@dataclass(frozen=True, slots=True)
class PairFile:
    """What a pairs file holds: its good pairs, and an error for each bad line, both in the file's order."""

    pairs: tuple[Pair, ...]
    errors: tuple[ItemError, ...]

    @property
    def given(self) -> tuple[Pair, ...]:
        """What can be measured."""
        return self.pairs

    @property
    def taken_for(self) -> str:
        """Pairs are written for this package, so that nothing need be said of what they were taken for."""
        return ""

    @property
    def told(self) -> str:
        """As `taken_for`."""
        return ""


def format_of(path: str | Path) -> Format | None:
    """The format that a file has by its suffix, in small letters or capitals; None for no pairs file."""
    suffix = Path(path).suffix.lower()
    return next((each for each in FORMATS if suffix in each.endings), None)


def read_pairs(path: str | Path) -> tuple[Pair, ...]:
    """The pairs of a file of which every line is good.

    Returns:
        The pairs, in the order of the file.

    Raises:
        ItemError: The first bad line.
        InputError: As `scan_pairs`.

    Example:
        >>> md.write_pairs("some.jsonl", pairs)
        >>> len(md.read_pairs("some.jsonl"))
        4
    """
    found = scan_pairs(path)
    if found.errors:
        raise found.errors[0]
    return found.pairs


def scan_pairs(path: str | Path) -> PairFile:
    """Reads a pairs file and collects the errors of its bad lines.

    JSON lines end in a line feed and are strict UTF-8; a byte order mark at the start and blank lines are skipped. A
    Parquet file has either the columns `base` and `source` as structs with the keys of a line, or flat columns such as
    `base_question`. In both, null counts as absent, integers serve as ids, groups and answers, and white space around
    an answer is no part of it. Of two lines with one id, the second is the error, even where the first is bad too.

    Raises:
        InputError: No such file, no file of these kinds, unreadable, or without any line.
    """
    found = pairs_of_rows(_checked(path).read(path))
    if not found.pairs and not found.errors:
        raise InputError(f"{path}: holds no pairs; write one JSON object a line, or one row a pair")
    return found


def pairs_of_rows(rows: Iterable[Row]) -> PairFile:
    """The pairs that rows hold, and an error for each bad row."""
    pairs: list[Pair] = []
    errors: list[ItemError] = []
    first_place: dict[str, str] = {}
    for place, row in rows:
        if isinstance(row, ItemError):
            errors.append(row)
            continue
        try:
            pairs.append(pair_of_row(row, place, first_place))
        except ItemError as error:
            errors.append(error)
    return PairFile(tuple(pairs), tuple(errors))


def write_pairs(path: str | Path, pairs: Iterable[Pair]) -> None:
    """Writes pairs in the format of the file's suffix, so that `read_pairs` reads them back equal, `place` aside.

    The file appears whole or not at all, and takes the place of an older one; missing folders are made.

    Returns:
        Nothing; the file is there whole, or not at all.

    Raises:
        InputError: As `pairs_content`.

    Example:
        >>> md.write_pairs("written.jsonl", pairs)
        >>> md.read_pairs("written.jsonl")[0].id == pairs[0].id
        True
    """
    write_bytes(Path(path), pairs_content(path, pairs))


def pairs_content(path: str | Path, pairs: Iterable[Pair]) -> bytes:
    """What `write_pairs` would write.

    Raises:
        InputError: A suffix that no format is written under, no pairs, or a pair that would not read back equal: an id
            that occurs twice or is blank, white space around an answer, text that is not Unicode.
    """
    kind = format_of(path)
    if kind is None or kind.write is None:
        written = [each for each in FORMATS if each.write is not None]
        names, suffixes = " or ".join(each.name for each in written), " or ".join(each.endings[0] for each in written)
        raise InputError(f"{path}: pairs are written as {names}; name the file with the suffix {suffixes}")
    rows = list(_rows(path, pairs))
    if not rows:
        raise InputError(f"{path}: no pairs to write; give at least one")
    return kind.write(rows)


def _rows(path: str | Path, pairs: Iterable[Pair]) -> Iterator[dict[str, Any]]:
    """The rows of pairs, each of which says the pair again after it was JSON."""
    first_place: dict[str, str] = {}
    for number, pair in enumerate(pairs, start=1):
        place, row = f"{path}:{number}", row_of_pair(pair)
        check_new(pair.id, place, first_place)
        read = parsed(json_line(row).encode("utf-8", errors="surrogatepass"), place)
        if replace(pair_of_row(read, place, {}), place="") != replace(pair, place=""):
            reason = "would not read back equal; take the white space off its answers"
            raise ItemError(pair.id, reason, place=place, code="not_writable")
        yield row


def _checked(path: str | Path) -> Format:
    """The format of a file that can be read."""
    file, suffixes = Path(path), ", ".join(suffix for each in FORMATS for suffix in each.endings)
    if file.is_dir():
        raise InputError(f"{path}: a directory; name a pairs file ({suffixes})")
    if not file.exists():
        raise InputError(f"{path}: no such file; name a pairs file ({suffixes})")
    if not file.is_file():
        raise InputError(f"{path}: no regular file, but a pipe, socket or device; write the pairs to a file first")
    found = format_of(path)
    if found is None:
        raise InputError(f"{path}: not a pairs file by its suffix; use one of {suffixes}")
    return found
