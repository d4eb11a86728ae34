"""What all labelled arrays of others' tools share: xarray, which is not installed with mediate, and the unit."""

from typing import Any

from mediate.errors import InputError

UNITS = "nats"


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
