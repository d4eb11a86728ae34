"""The table of architectures as a page of text."""

import re
from collections.abc import Mapping, Sequence

from tools.architectures.rows import PARTS, QUESTIONS, TOLERANCE, Row

_HEADER = ("class", "in", *(f"{part}, {questions}" for part in PARTS for questions in QUESTIONS), "not offered")
_EXPLAINED = """\
# Architectures

Written by `make architectures`; not by hand. Each row is a tiny random model of a transformers class, made from its
configuration, saved, loaded and scored as a user's model is, and held against plain transformers: the eight cells of
both outcomes with keys and values put together by hand; by layer, a knockout with the mask changed by hand; by layer, a
state effect with what leaves the block replaced in a forward hook; by layer, a read effect with the caches mixed by
hand. Each with questions of equal and of unequal length.

A number is the largest deviation, relative to the largest outcome or effect of that part where that is above 1. A dash
is what mediate refuses, with the reason below. *Not offered* are the components that the check at load refuses to
patch.
"""


def page(rows: Sequence[Row], versions: Mapping[str, str], seed: int) -> str:
    """The table, what it was made with, and the reasons of all that is refused."""
    loaded = [row for row in rows if not row.refused]
    classes = {row.name.partition(" ")[0] for row in rows}
    wrong = [row.name for row in rows if row.wrong or row.crashed]
    made = ", ".join(f"{name} {version}" for name, version in versions.items())
    limits = ", ".join(f"{limit:g} in {dtype}" for dtype, limit in TOLERANCE.items())
    counts = f"n = {len(rows)} models of {len(classes)} classes, {len(loaded)} of them loaded; two pairs; seed {seed}."
    lines = [
        _EXPLAINED,
        f"{made}. {counts} On a CPU; in float64, or in float32 where a class does not run in float64. "
        f"Wrong, by more than {limits}, or ended in another error than a refusal: {', '.join(wrong) or 'none'}.",
        "",
        _line(_HEADER),
        _line(["---"] * len(_HEADER)),
        *(_line(_cells(row)) for row in loaded),
        "",
        "## Refused at load",
        "",
        *(f"- `{row.name}`: {_short(row.refused)}" for row in rows if row.refused),
        "",
        "## Refused beside what is measured",
        "",
        *(line for row in loaded for line in _reasons(row)),
        "",
    ]
    return "\n".join(lines)


def _cells(row: Row) -> list[str]:
    errors = [row.errors.get(f"{questions} {part}") for part in PARTS for questions in QUESTIONS]
    numbers = ["-" if error is None else f"{error:.0e}" for error in errors]
    return [f"`{row.name}`", row.dtype, *numbers, ", ".join(row.components) or ""]


def _reasons(row: Row) -> list[str]:
    """A line for each reason, with the parts that it is of."""
    parts: dict[str, list[str]] = {}
    for part, reason in row.reasons.items():
        parts.setdefault(_short(reason), []).append(part)
    return [f"- `{row.name}`, {', '.join(named)}: {reason}" for reason, named in parts.items()]


def _short(reason: str) -> str:
    """A refusal without the item, the model's name and the remedy, which are the same in all rows."""
    reason = re.sub(r"^item '\w+': the questions have \d+ and \d+ tokens, and ", "", reason)
    reason = re.sub(r"^model '\w+'( \(\w+\))?:? ", "", reason)
    return re.sub(r"; (give another|make both questions|it offers) .*$", "", reason)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
