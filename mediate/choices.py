"""Choices that are written once: a field of a specification has its default, its bounds and its sentence.

The record of a specification, the option of a command, the table in the documentation and the lines of a docstring are
all made from that field.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from textwrap import fill
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from mediate.errors import InputError, short

Spec = TypeVar("Spec", bound=BaseModel)
Described = TypeVar("Described")
Documented = TypeVar("Documented", bound=Callable[..., Any])

_BOUNDS = {"gt": "above", "ge": "from", "lt": "below", "le": "up to"}
_MOST = 60
# What a docstring says after its arguments.
_AFTER = re.compile(r"^    (?:Returns|Raises|Example):$", re.MULTILINE)
_WIDTH = 116


def fields_of(spec: type) -> dict[str, FieldInfo]:
    """The choices of a specification, a pydantic model or a dataclass, in their order: each field with a sentence."""
    if issubclass(spec, BaseModel):
        found = dict(spec.model_fields)
    else:
        assert is_dataclass(spec)
        hints, given = get_type_hints(spec, include_extras=True), fields(spec)
        found = {
            each.name: FieldInfo.from_annotation(hints[each.name])
            if each.default is MISSING
            else FieldInfo.from_annotated_attribute(hints[each.name], each.default)
            for each in given
        }
    return {name: field for name, field in found.items() if field.description}


def bounds(field: FieldInfo) -> str:
    """The numbers that a choice may be, such as `above 0 and up to 1`; empty where it may be any, or is none."""
    limits = {
        key: limit for each in field.metadata for key in _BOUNDS if (limit := getattr(each, key, None)) is not None
    }
    # A large integer is told to its last digit.
    told = {key: str(limit) if isinstance(limit, int) else f"{limit:g}" for key, limit in limits.items()}
    if {"ge", "le"} <= told.keys():
        return f"from {told['ge']} to {told['le']}"
    return " and ".join(f"{_BOUNDS[key]} {told[key]}" for key in _BOUNDS if key in told)


def named(field: FieldInfo) -> tuple[str, ...]:
    """The names that a choice may be; none where it is not one of a few."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((tuple(map(str, get_args(each))) for each in kinds if get_origin(each) is Literal), ())


def made(spec: type[Spec], choices: Mapping[str, Any]) -> Spec:
    """A specification of named choices.

    Raises:
        InputError: An unknown choice, a value that it cannot have, or choices that do not go together.
    """
    try:
        return spec(**choices)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise InputError(f"no option {name!r}; there are {', '.join(spec.model_fields)}") from error
        reason = wrong_choice(first, spec.model_fields)
        raise InputError(f"option {name!r}: {reason}" if name else reason) from error


def checked_choices(choices: Mapping[str, FieldInfo], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of choices of what is no pydantic model, as one takes them: False for `"no"`, where it is either.

    Raises:
        InputError: A choice has a value that it cannot have.
    """
    found: dict[str, Any] = {}
    for name, field in choices.items():
        kind: Any = Annotated[field.annotation, field]
        try:
            found[name] = TypeAdapter(kind).validate_python(values.get(name, field.default))
        except ValidationError as error:
            allowed, said = bounds(field), str(error.errors()[0]["msg"])
            remedy = f"give a number {allowed}" if allowed else f"{said[:1].lower()}{said[1:]}"
            if named(field):
                remedy = f"give one of {', '.join(named(field))}"
            raise InputError(f"{name} is {short(values[name], _MOST)}; {remedy}") from error
    return found


def wrong_choice(error: Mapping[str, Any], choices: Mapping[str, FieldInfo]) -> str:
    """What pydantic found wrong with a choice and, of a number, what it may be.

    Args:
        error: One of a `ValidationError`'s errors.
        choices: The choices that there are.
    """
    said = str(error["msg"]).removeprefix("Value error, ")
    field = choices.get(str(error["loc"][0])) if error["loc"] else None
    allowed = bounds(field) if field is not None else ""
    if not allowed or error["type"].startswith("value_error"):
        return said
    return f"{said}, and it is {short(error.get('input'), _MOST)}; give a number {allowed}"


def described(spec: type[Described]) -> type[Described]:
    """Lists the fields of a specification in its docstring."""
    spec.__doc__ = _with(spec.__doc__ or "", "Attributes", fields_of(spec))
    return spec


def with_choices(choices: Mapping[str, FieldInfo], *, heading: str = "Options") -> Callable[[Documented], Documented]:
    """Lists choices in the docstring of a call, before what it raises."""

    def listed(call: Documented) -> Documented:
        call.__doc__ = _with(call.__doc__ or "", heading, choices)
        return call

    return listed


def _with(docstring: str, heading: str, choices: Mapping[str, FieldInfo]) -> str:
    """A docstring with a part that has a paragraph a choice."""
    paragraphs = [
        fill(f"{name}: {field.description}", _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)
        for name, field in choices.items()
    ]
    after = _AFTER.search(docstring)
    place = len(docstring) if after is None else after.start()
    listed = "\n".join([f"    {heading}:", *paragraphs])
    return f"{docstring[:place].rstrip()}\n\n{listed}\n\n{docstring[place:].lstrip(chr(10))}".rstrip() + "\n"
