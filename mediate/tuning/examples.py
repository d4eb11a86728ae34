"""What a model is tuned on: questions with their chains and answers, read from a file or made from pairs."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from mediate.errors import InputError, ItemError
from mediate.pairs.files import format_of, scan_pairs
from mediate.pairs.format import Row
from mediate.pairs.lines import JSON_LINES, kind_of, read_lines
from mediate.pairs.pair import Pair
from mediate.pairs.rows import check_new


@dataclass(frozen=True, slots=True)
class Example:
    """A question to tune on.

    Args:
        id: Names the example; unique in its set.
        group: What is kept on one side of the split.
        question: The question's text.
        answer: The right answer, without the space that sets it off.
        chain: The chain of thought.
        rejected: A worse chain, for DPO.
        rejected_answer: What is answered after the worse chain; None for the right answer.
        place: Where it stands, such as `data.jsonl:12`.

    Raises:
        ItemError: An empty text.
    """

    id: str
    group: str
    question: str
    answer: str
    chain: str | None = None
    rejected: str | None = None
    rejected_answer: str | None = None
    place: str = ""

    def __post_init__(self) -> None:
        for name in ("question", "answer", "chain", "rejected", "rejected_answer"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise ItemError(self.id, f"the {name} is empty; write one", place=self.place, code=f"empty_{name}")


@dataclass(frozen=True, slots=True)
class Examples:
    """What a data file holds: its good examples, and an error for each bad line, both in the file's order."""

    examples: tuple[Example, ...]
    errors: tuple[ItemError, ...] = ()


class _Line(BaseModel):
    """One line of a data file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str | int | None = None
    group: str | int | None = None
    question: str
    answer: str | int
    chain: str | None = Field(default=None, validation_alias=AliasChoices("chain", "cot"))
    rejected: str | None = None
    rejected_answer: str | int | None = None
    meta: Any = None


def scan_examples(path: str | Path) -> tuple[Examples, tuple[Pair, ...]]:
    """Reads a data file and collects the errors of its bad lines; also the pairs, where it holds pairs.

    A line is a JSON object `{"question", "answer", "chain"?, "rejected"?, "rejected_answer"?, "id"?, "group"?,
    "meta"?}`; a chain may be called `cot`, as in items. Without a group, examples of one question are a group. A pairs
    file serves as well: see `examples_of_pairs`.

    Raises:
        InputError: No such file, unreadable, or without any line.
    """
    file = Path(path)
    if file.exists() and not file.is_dir() and not file.is_file():
        raise InputError(f"{path}: no regular file, but a pipe, socket or device; write the examples to a file first")
    if not file.is_file():
        raise InputError(f"{path}: no such file; name a file of JSON lines with question, chain and answer, or pairs")
    if format_of(file) not in (None, JSON_LINES):
        return _scan_pairs(file)
    rows = list(read_lines(path))
    if not rows:
        raise InputError(f"{path}: holds no examples; write one JSON object with question, chain and answer a line")
    first = rows[0][1]
    if isinstance(first, dict) and "base" in first and "question" not in first:
        return _scan_pairs(file)
    found = list(_examples(rows))
    examples = tuple(each for each in found if isinstance(each, Example))
    return Examples(examples, tuple(each for each in found if isinstance(each, ItemError))), ()


def _scan_pairs(file: Path) -> tuple[Examples, tuple[Pair, ...]]:
    found = scan_pairs(file)
    return Examples(examples_of_pairs(found.pairs), found.errors), found.pairs


def _examples(rows: Sequence[Row]) -> Iterator[Example | ItemError]:
    first_place: dict[str, str] = {}
    for place, row in rows:
        try:
            if isinstance(row, ItemError):
                raise row
            example = _example(row, place)
            check_new(example.id, place, first_place, "example")
            yield example
        except ItemError as error:
            yield error


def _example(row: Any, place: str) -> Example:
    if not isinstance(row, dict):
        raise ItemError("", f"the line: holds {kind_of(row)}, no object; give text", place=place, code="wrong_type")
    try:
        line = _Line.model_validate(row)
    except ValidationError as error:
        raise _bad_line(error, place) from error
    return Example(
        id=place if line.id is None else str(line.id),
        group=line.question if line.group is None else str(line.group),
        question=line.question,
        answer=str(line.answer).strip(),
        chain=line.chain,
        rejected=line.rejected,
        rejected_answer=None if line.rejected_answer is None else str(line.rejected_answer).strip(),
        place=place,
    )


def _bad_line(error: ValidationError, place: str) -> ItemError:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0])
    if first["type"] == "missing":
        reason, code = f"{field!r} is missing; give question, answer and, but for answer-only, chain", "missing_field"
    elif first["type"] == "extra_forbidden":
        allowed = ", ".join(_Line.model_fields)
        reason, code = f"unknown key {field!r}; allowed are {allowed}", "unknown_field"
    else:
        reason, code = f"{field}: {first['msg']}; give text", "wrong_type"
    return ItemError("", reason, place=place, code=code)


def examples_of_pairs(pairs: Sequence[Pair]) -> tuple[Example, ...]:
    """Both worlds of each pair, the base first; they stay together, since their group is the pair's.

    The rejected chain and answer are the other world's: a chain that takes one of the question's numbers wrongly, in
    one step, and computes everything after it from that.
    """
    return tuple(
        Example(
            id=f"{pair.id}/{world}",
            group=pair.group,
            question=item.question,
            answer=item.answer.strip(),
            chain=item.cot,
            rejected=other.cot,
            rejected_answer=other.answer.strip(),
            place=pair.place,
        )
        for pair in pairs
        for world, item, other in (("base", pair.base, pair.source), ("source", pair.source, pair.base))
    )


def data_fingerprint(examples: Sequence[Example]) -> str:
    """sha256 over what the examples say, in order; where they were read from does not count."""
    content = [{key: value for key, value in asdict(each).items() if key != "place"} for each in examples]
    for each, example in zip(content, examples, strict=True):
        # Of a mix, the name of the part stands before it, and stays.
        if example.place and example.id.endswith(example.place):
            each["id"] = example.id.removesuffix(example.place)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
