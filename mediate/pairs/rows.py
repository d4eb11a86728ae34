"""The fields of a pair: what a row of a file must hold, and what is wrong with one that does not, in one line."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from mediate.errors import ItemError
from mediate.pairs.item import Item
from mediate.pairs.item import check_new as check_new
from mediate.pairs.lines import kind_of
from mediate.pairs.pair import Pair
from mediate.pairs.row_values import MOST_NAME


def _checked_name(value: str | int) -> str | int:
    if isinstance(value, str) and not value.strip():
        raise PydanticCustomError("empty", "is blank; give a string or an integer")
    if isinstance(value, str) and len(value) > MOST_NAME:
        said = f"has {len(value)} characters; give one of at most {MOST_NAME}"
        raise PydanticCustomError("long", said)
    return value


_Name = Annotated[str | int, AfterValidator(_checked_name)]


class _WorldFields(BaseModel):
    """What a row says of one world."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: str
    answer: str | int
    cot: str | None = None
    values: list[int] | None = None

    def item(self) -> Item:
        return Item(self.question, str(self.answer).strip(), self.cot, tuple(self.values or ()))


class _PairFields(BaseModel):
    """What a row says of a pair."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: _Name | None = None
    group: _Name | None = None
    condition: _Name | None = None
    base: _WorldFields
    source: _WorldFields
    meta: Any = None
    training: str | None = None


PAIR_KEYS = tuple(_PairFields.model_fields)
WORLD_KEYS = tuple(_WorldFields.model_fields)


def pair_of_row(row: Any, place: str, first_place: dict[str, str]) -> Pair:
    """The pair of a row; null counts as absent, and integers serve as ids, groups and answers.

    The number of the line or row is the id where there is none, and the id is the group where there is none.

    Args:
        row: What stands at the place.
        place: Such as `pairs.jsonl:12`.
        first_place: Where each id was met first; this row's is noted, also where something else is wrong with it.

    Raises:
        ItemError: The row is no object, or the first thing that is wrong with it.
    """
    if not isinstance(row, dict):
        reason = f"holds {kind_of(row)}; write one JSON object a line"
        raise ItemError("", reason, place=place, code="malformed_json")
    fields, wrong = None, []
    try:
        fields = _PairFields.model_validate(row)
    except ValidationError as error:
        wrong = sorted(error.errors(include_url=False), key=_rank)
    for each in wrong:
        if each["loc"][0] == "id":
            raise _told(each, "", place)
    name = number_of(place) if row.get("id") is None else str(row["id"])
    check_new(name, place, first_place)
    if fields is None:
        raise _told(wrong[0], name, place)
    group = name if fields.group is None else str(fields.group)
    condition = "" if fields.condition is None else str(fields.condition)
    training = fields.training or ""
    return Pair(name, group, fields.base.item(), fields.source.item(), place, condition, training)


def number_of(place: str) -> str:
    """The number of a line or row, of a place such as `a.jsonl:12`, `a.parquet:row 12` or `a.csv:25, row 12`."""
    return re.split(r"[: ]", place)[-1]


def row_of_pair(pair: Pair) -> dict[str, Any]:
    """A pair as a row, without what is left to its default."""
    row: dict[str, Any] = {"id": pair.id, "group": pair.group}
    row |= {name: said for name in ("condition", "training") if (said := getattr(pair, name))}
    for world, item in (("base", pair.base), ("source", pair.source)):
        row[world] = {"question": item.question, "answer": item.answer}
        row[world] |= {"cot": item.cot} if item.cot is not None else {}
        row[world] |= {"values": item.values} if item.values else {}
    return row


def _rank(error: ErrorDetails) -> list[int]:
    """An order of errors: a world's where the world stands, and unknown keys, which may be misspelt ones, first."""
    known = zip(_path(error), (PAIR_KEYS, WORLD_KEYS), strict=False)
    return [keys.index(key) if key in keys else -1 for key, keys in known]


def _path(error: ErrorDetails) -> tuple[str, ...]:
    """The names of the field that an error is of, without a place in a list or a part of its type."""
    found = tuple(map(str, error["loc"]))
    return found[: 2 if found[0] in ("base", "source") else 1]


def _told(error: ErrorDetails, name: str, place: str) -> ItemError:
    """An error of pydantic's as the one line on an item."""
    path, value = _path(error), error["input"]
    key, kind = ".".join(path), error["type"]
    wanted = "a string" if path[-1] in ("question", "cot") else "a string or an integer"
    if kind == "extra_forbidden":
        allowed = ", ".join(PAIR_KEYS if len(path) == 1 else WORLD_KEYS)
        rest = "put anything else under 'meta'" + ("" if len(path) == 1 else " of the pair")
        code, reason = "unknown_field", f"unknown key {key[:80]!r}; allowed are {allowed}; {rest}"
    elif kind in ("empty", "long"):
        code, reason = f"{kind}_{key}", f"{key!r} {error['msg']}"
    elif kind == "missing" or value is None:
        what = "it as an object" if key in ("base", "source") else wanted
        code, reason = "missing_field", f"{key!r} is missing; give {what}"
    elif key in ("base", "source"):
        code, reason = "wrong_type", f"{key!r} is {kind_of(value)}; give it as an object with {', '.join(WORLD_KEYS)}"
    elif path[-1] == "values":
        reason = f"{key!r} is not a list of integers; give the result of each step, or leave it out"
        code = "wrong_type"
    else:
        code, reason = "wrong_type", f"{key!r} is {kind_of(value)}; give {wanted}"
    return ItemError(name, reason, place=place, code=code)
