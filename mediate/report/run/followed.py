"""Answers that an edit speaks for, such as those that a hint states: a part of the section on behaviour."""

from collections.abc import Sequence

from mediate.report.blocks import Block, Look, Table, Text, columns, numbers
from mediate.report.words import interval, percent
from mediate.results.edit_tests import EditTest

FOLLOWED = (
    "Answers that follow what was put in place: the one that a hint states, before the chain or after it, while the "
    "chain does not mention it; of grafts the twin's."
)


def followed_blocks(told: Sequence[EditTest]) -> tuple[Block, ...]:
    """How often the answer is the one that an edit speaks for; nothing where none does."""
    rows = [
        (
            each.edit, each.reading.replace("_", " "), percent(each.followed.value),
            interval(each.followed, scale=100.0, digits=0), str(each.followed.n),
        )
        for each in told
        if each.followed.defined
    ]  # fmt: skip
    heads = (*columns("edit", "read"), *numbers("follow", "interval", "items"))
    return (Text(FOLLOWED, Look.SMALL), Table(heads, tuple(rows))) if rows else ()
