"""One number of a benchmark, with what it was measured on and under, and the table that many of them make."""

import math
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from textwrap import fill

import mediate

LIBRARIES = ("torch", "transformers", "transformer-lens")
UNKNOWN = "not recorded"
TIMES = "times"
WIDTH = 120


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a number was measured.

    Args:
        model: Its name.
        dtype: What it computed in.
        threads: Of one process.
        load: The least and the largest load average over a minute while it was measured, the measurement itself in it;
            None where that was not recorded.
        date: The day, in UTC, as `2026-11-22`.
        versions: Each library with its version.
    """

    model: str
    dtype: str
    threads: int
    load: tuple[float, float] | None
    date: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One number.

    Args:
        what: Was measured; a row of the table.
        on: What it was measured on; a column of the table.
        value: The number, of several the median.
        unit: `times` of a ratio; empty of a pure number.
        n: How often it was measured.
        low: The smallest of them; None where there is one alone.
        high: The largest.
        under: The conditions.
    """

    what: str
    on: str
    value: float
    unit: str
    n: int
    low: float | None
    high: float | None
    under: Conditions


def load() -> float:
    """The load average over the last minute; NaN where the system has none."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return math.nan


def today() -> str:
    """The day, in UTC."""
    return datetime.now(UTC).date().isoformat()


def versions() -> tuple[str, ...]:
    """What the numbers depend on beside the machine."""
    found = {"mediate": mediate.__version__, "python": platform.python_version()}
    return tuple(f"{name} {number}" for name, number in (found | {each: version(each) for each in LIBRARIES}).items())


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown: a line for each `what`, a column for each `on`, and beneath what they were measured under.

    Raises:
        ValueError: No rows, or two of one name on one thing.
    """
    cells = {(row.what, row.on): row for row in rows}
    if not rows or len(cells) != len(rows):
        raise ValueError(f"{len(rows)} rows, {len(cells)} of them different; a table needs each once")
    columns = list(dict.fromkeys(row.on for row in rows))
    lines = [
        line("what", *(each or "found" for each in columns), "n"),
        line(*("---" for _ in range(len(columns) + 2))),
    ]
    for what in dict.fromkeys(row.what for row in rows):
        having = [cells.get((what, on)) for on in columns]
        there = [row for row in having if row]
        units = {row.unit for row in there}
        unit = units.pop() if len(units) == 1 else None
        found = ["" if row is None else cell(row, row.unit if unit is None else "") for row in having]
        lines.append(line(f"{what} ({unit})" if unit else what, *found, between((row.n for row in there), str)))
    return "\n".join([*lines, "", basis(rows)])


def line(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"


def cell(row: Row, unit: str) -> str:
    """A number with its range and, where it is no other's in the line, its unit."""
    found = f"{number(row.value)} {unit}".rstrip()
    return found if row.low is None or row.high is None else f"{found} [{number(row.low)}, {number(row.high)}]"


def number(value: float) -> str:
    """Three digits, all of a large or whole number's, and no exponent where a reader can do without."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}" if abs(value) >= 0.001 else f"{value:.1e}"


def basis(rows: Sequence[Row]) -> str:
    """What the numbers were measured under, each thing that differs among them with all its values."""
    under = [row.under for row in rows]
    loads = [each for conditions in under for each in conditions.load or ()]
    parts = [
        *(_listed(found) for found in ((each.model for each in under), (each.dtype for each in under))),
        f"threads: {between({each.threads for each in under}, str)}",
        f"load: {between(loads, '{:.1f}'.format) if loads else UNKNOWN}",
        _listed(sorted(each.date for each in under)),
        _listed(each for conditions in under for each in conditions.versions) or f"versions {UNKNOWN}",
    ]
    return fill(f"{'; '.join(parts)}. Medians, with the range of n rounds.", WIDTH, break_on_hyphens=False)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def between(values: Iterable[float], told: Callable[[float], str]) -> str:
    """`3`, or `1 to 3`."""
    found = sorted(values)
    return " to ".join(dict.fromkeys((told(found[0]), told(found[-1]))))
