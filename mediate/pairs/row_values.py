"""Values of a row, as they are taken from whatever wrote them: text, numbers given as numbers, parts of a message."""

import json
import math
from collections.abc import Mapping
from typing import Any

from mediate.errors import ItemError, short
from mediate.pairs.answers import normalise
from mediate.pairs.lines import kind_of

MOST_NAME = 500  # characters of an id or a group, which stand in every table


def text(row: Mapping[str, Any], key: str) -> str:
    """The text that must stand under a key.

    Raises:
        ItemError: Nothing stands there, or no text.
    """
    found = optional_text(row, key)
    if found is None:
        raise ItemError("", f"{key!r} is missing; give it as a string", code="missing_field")
    return found


def optional_text(row: Mapping[str, Any], key: str) -> str | None:
    """The text under a key, also where it comes in parts; None where there is none.

    Raises:
        ItemError: Something else stands there.
    """
    value = row.get(key)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return "".join(_part(each, key) for each in value)
    raise _wrong(key, value, "a string")


def answer(row: Mapping[str, Any], key: str) -> str:
    """The answer under a key, without the white space around it; empty where there is none.

    A number may come as one. A list of one answer is that answer.

    Raises:
        ItemError: Something else stands there.
    """
    value = row.get(key)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return normalise(repr(value))  # 7.0 is what pandas makes of 7
    raise _wrong(key, value, "a string or a number")


def name(row: Mapping[str, Any], key: str) -> str:
    """The id or group under a key; empty where there is none.

    Raises:
        ItemError: It is no string or integer, is blank or is too long.
    """
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise _wrong(key, value, "a string or an integer")
    found = str(value)
    if not found.strip():
        raise ItemError("", f"{key!r} is blank; give a string or an integer", code=f"empty_{key}")
    if len(found) > MOST_NAME:
        reason = f"{key!r} has {len(found)} characters; give one of at most {MOST_NAME}"
        raise ItemError("", reason, code=f"long_{key}")
    return found


def options(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The options under a key: a list, or in a cell of a table a list in JSON.

    Raises:
        ItemError: Something else stands there.
    """
    value = _listed(row.get(key))
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _wrong(key, value, 'a list of answers, such as ["3", "4"]')
    return tuple(answer({key: each}, key) for each in value)


def values(row: Mapping[str, Any], key: str) -> tuple[int, ...]:
    """The result of each step under a key.

    Raises:
        ItemError: It is no list of integers.
    """
    value = _listed(row.get(key))
    if value is None:
        return ()
    if not isinstance(value, list) or any(type(each) is not int for each in value):
        reason = f"{key!r} is not a list of integers; give the result of each step, or leave it out"
        raise ItemError("", reason, code="wrong_type")
    return tuple(value)


def letters(count: int) -> tuple[str, ...]:
    """The letters that options of a question in print have."""
    return tuple(chr(ord("A") + number) for number in range(count))


def _listed(value: object) -> object:
    """A value, or the list that it says in JSON."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _part(part: Mapping[str, Any], key: str) -> str:
    """The text of a part of a message; a picture has none."""
    for each in ("text", "refusal"):
        if isinstance(part.get(each), str):
            return str(part[each])
    kind = short(part.get("type"))
    reason = f"{key!r} has a part of type {kind}, and only text is read; leave the item out"
    raise ItemError("", reason, code="not_text")


def _wrong(key: str, value: object, wanted: str) -> ItemError:
    shown = (
        "not a number (NaN or infinite)" if isinstance(value, float) and not math.isfinite(value) else kind_of(value)
    )
    return ItemError("", f"{key!r} is {shown}; give {wanted}", code="wrong_type")
