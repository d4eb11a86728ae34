"""The choice of taking a folder over, which every call that writes one has. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from pydantic import Field

from mediate.choices import checked_choices, described, fields_of


@described
@dataclass(frozen=True, slots=True)
class HoldSpec:
    """The choices of how a folder is held while it is written."""

    takeover: Annotated[
        bool,
        Field(
            description="Goes on in a folder whose process died on another machine, which cannot be seen from here; "
            "make sure that it is dead."
        ),
    ] = False


class HoldOptions(TypedDict, total=False):
    """`HoldSpec` as the options of a call."""

    takeover: bool


def hold_of(options: Mapping[str, object]) -> tuple[bool, dict[str, Any]]:
    """Whether a folder is taken over, and the other options of a call.

    Raises:
        InputError: That is neither true nor false.
    """
    fields = fields_of(HoldSpec)
    others = {name: value for name, value in options.items() if name not in fields}
    return checked_choices(fields, options)["takeover"], others
