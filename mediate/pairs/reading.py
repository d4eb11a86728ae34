"""Reading what people have: items in any of the schemas, and pairs, from any of the kinds of file."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mediate.errors import InputError, ItemError
from mediate.pairs import files
from mediate.pairs.pair import Item, Pair
from mediate.pairs.recognise import GivenRows, read_given
from mediate.pairs.response import bridge_states_answer
from mediate.pairs.schema import Fields
from mediate.showing import plural
from mediate.watch import tell

_NOT_AS_USUAL = {
    "unfinished": "unfinished (cut off by a length limit)",
    "bridge_states_answer": "whose text before the answer states it",
}


@dataclass(frozen=True, slots=True)
class ItemFile:
    """What a file of items holds: its good items, and an error for each bad one, both in the file's order.

    Args:
        items: The items, unfinished ones among them.
        errors: One for each row, or response of a row, that is no item.
        taken_for: What the file was taken for, in one line.
    """

    items: tuple[Item, ...]
    errors: tuple[ItemError, ...]
    taken_for: str

    @property
    def given(self) -> tuple[Item, ...]:
        """What can be measured."""
        return self.items

    @property
    def told(self) -> str:
        """The same, and how many responses are not as they should be; the errors by their code."""
        counts = self.counts()
        said = [f"{counts[name]} {words}" for name, words in _NOT_AS_USUAL.items() if counts[name]]
        if self.errors:
            said.append(f"{len(self.errors)} that cannot be measured ({_by_code(self.errors)})")
        return "; ".join([self.taken_for, *said])

    def counts(self) -> dict[str, int]:
        """How many items there are, unfinished ones, bridges that state the answer, and errors by their code."""
        return {
            "items": len(self.items),
            "unfinished": sum(not each.finished for each in self.items),
            "bridge_states_answer": sum(map(bridge_states_answer, self.items)),
            **Counter(each.code for each in self.errors),
        }


def read_items(
    path: str | Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    answer_pattern: str | None = None,
    on_bad_item: Literal["error", "skip"] = "error",
) -> tuple[Item, ...]:
    r"""The items of a data set or a log of what a model wrote.

    Read are JSON lines, JSON, CSV, Parquet, Inspect's `.eval`, and folders that Hugging Face's `datasets` saved. Their
    rows may be items (`question`, and where there are any `answer`, `cot`, `options`, `id`, `group`), GSM8K, MATH, chat
    messages, completions of an OpenAI-compatible server, lm-eval's samples or Inspect's.

    Args:
        path: The file, or the folder.
        format: What the rows are, where two kinds fit: the name of one of `mediate.pairs.schemas.SCHEMAS`, such as
            `gsm8k` or `chat`.
        columns: For rows of another kind, the column of each field: `{"question": "problem", "cot": "solution"}`. A
            column inside another is named with a point, such as `doc.question`. Other columns are then not read.
        answer_pattern: A regular expression whose last match in a response is its answer (its first group, or all of
            it), in place of `\boxed{...}`, `####`, `answer is` and a letter.
        on_bad_item: Whether the first bad row is an error, or all of them are left out, with a line that counts them.

    Returns:
        The items, in the order of the file.

    Raises:
        ItemError: The first bad row.
        InputError: As `scan_items`, or nothing is left.

    Example:
        >>> _ = open("log.jsonl", "w").write('{"question": "1 + 1?", "answer": "2"}')
        >>> md.read_items("log.jsonl")[0].question
        '1 + 1?'
    """
    found = scan_items(path, format=format, columns=columns, answer_pattern=answer_pattern)
    if found.errors and (on_bad_item == "error" or not found.items):
        raise found.errors[0]
    if found.errors:
        by_code = _by_code(found.errors)
        tell(f"{found.taken_for}; {len(found.errors)} left out: {by_code}; the first: {found.errors[0]}")
    return found.items


def _by_code(errors: Sequence[ItemError]) -> str:
    return ", ".join(f"{count} {code}" for code, count in Counter(each.code for each in errors).most_common())


def scan_items(
    path: str | Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    answer_pattern: str | None = None,
) -> ItemFile:
    """Reads a file of items and collects the errors of its bad rows; see `read_items`.

    Raises:
        InputError: No such file, unreadable, without any row, of pairs, of no schema or of two, or a wrong choice.
    """
    found = scan_file(path, format=format, columns=columns, answer_pattern=answer_pattern)
    if isinstance(found, files.PairFile):
        raise InputError(f"{path}: holds pairs, not items by themselves; read it with read_pairs")
    return found


def scan_file(
    path: str | Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    answer_pattern: str | None = None,
) -> ItemFile | files.PairFile:
    """What a file holds, pairs or items; see `scan_items`, and `mediate.pairs.files.scan_pairs`."""
    given = read_given(path, format=format, columns=columns, answer_pattern=answer_pattern)
    if given.schema is None:
        # A file of pairs is read as ever, to the strictness of what counts as JSON.
        return files.scan_pairs(path) if files.format_of(path) else files.pairs_of_rows(given.rows)
    return _items_of(path, given)


def taken_for(path: str | Path, *, format: str | None = None, columns: Mapping[str, str] | None = None) -> str:
    """What a file is taken for, in one line, such as `log.jsonl: 20 chat messages (reasoning in <think> tags)`.

    Raises:
        InputError: As `scan_items`, but for pairs.
    """
    given = read_given(path, format=format, columns=columns)
    return (
        f"{Path(path).name}: {plural(len(given.rows), 'pair')}"
        if given.schema is None
        else _items_of(path, given).taken_for
    )


def _items_of(path: str | Path, given: GivenRows) -> ItemFile:
    """The items and the errors of rows that are no pairs."""
    assert given.schema is not None
    items: list[Item] = []
    errors: list[ItemError] = []
    good: list[Fields] = []
    for row, found in given.found():
        if isinstance(found, ItemError):
            errors.append(found)
            continue
        items.append(found)
        if row is not None and (not good or good[-1] is not row):
            good.append(row)
    detail = given.schema.detail(good) if given.schema.detail is not None and good else ""
    more = ", ".join(each for each in (given.note, detail) if each)
    says = given.schema.says
    counted = plural(len(given.rows), re.sub("s(?= of |$)", "", says, count=1), says)
    said = f"{Path(path).name}: {counted}{f' ({more})' if more else ''}"
    return ItemFile(tuple(items), tuple(errors), said)


def given_or_read(
    given: Sequence[Pair] | Sequence[Item] | str | Path,
) -> tuple[Sequence[Pair] | Sequence[Item], Sequence[ItemError]]:
    """What a call is given, or what the file holds that it names, and what could not be read of it; says what it is."""
    if not isinstance(given, str | Path):
        return given, ()
    file = scan_file(given)
    if file.told:
        tell(file.told)
    return file.given, file.errors
