"""Damaged runs: what cannot be read of them is refused in one line, with what makes another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mediate.errors import InputError, one_line

# Where the tables of a run stand.
RESULTS = "results"


@contextmanager
def from_tables(folder: Path, verb: str) -> Iterator[None]:
    """While open, what a run's tables do not hold as it should be is refused in one line.

    Args:
        folder: The run directory.
        verb: What makes such a run.

    Raises:
        InputError: A column is missing, or values are none that a run writes.
    """
    try:
        yield
    except KeyError as error:
        raise InputError(
            f"{folder / RESULTS}: has no column {error}, so another version wrote it; {verb} into a new directory"
        ) from error
    except (ValueError, TypeError, AttributeError, ArithmeticError, LookupError) as error:
        raise unreadable(folder / RESULTS, error, verb) from error


def unreadable(path: Path, error: Exception, verb: str) -> InputError:
    """The refusal of a damaged file."""
    reason = one_line(error)
    return InputError(f"{path}: cannot be read ({reason}); {verb} into a new directory")
