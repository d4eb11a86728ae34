"""What is wrong with a choice, and what it may be: pydantic's finding in one line, with the remedy."""

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

_BOUNDS = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
_MOST = 60


def wrong_choice(error: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> str:
    """What pydantic found wrong with a choice, and what it may be.

    Args:
        error: One of a `ValidationError`'s errors.
        fields: The choices that there are.
    """
    said = str(error["msg"]).removeprefix("Value error, ")
    field = fields.get(str(error["loc"][0])) if error["loc"] else None
    metadata = field.metadata if field else ()
    bounds = {key: getattr(each, key) for each in metadata for key in _BOUNDS if getattr(each, key, None) is not None}
    if not bounds or error["type"].startswith("value_error"):
        return said
    given = repr(error.get("input"))
    allowed = " and ".join(f"{_BOUNDS[key]} {bounds[key]:g}" for key in _BOUNDS if key in bounds)
    given = given if len(given) <= _MOST else given[: _MOST - 3] + "..."
    return f"{said}, and it is {given}; give a number {allowed}"
