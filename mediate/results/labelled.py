"""What all labelled arrays of others' tools share: xarray, which is not installed with mediate, and their units."""

from collections.abc import Iterable
from typing import Any

from mediate.errors import InputError
from mediate.results.outcomes import unit_of


def units_of(outcomes: Iterable[str]) -> str:
    """The unit of some outcomes in one array; where they differ, each once, in the outcomes' order."""
    return ", ".join(dict.fromkeys(map(unit_of, outcomes)))


def needed_xarray() -> Any:
    """The module xarray, imported where it is asked for.

    Raises:
        InputError: xarray is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise InputError("labelled arrays need the package xarray: pip install xarray") from error
    return xarray
