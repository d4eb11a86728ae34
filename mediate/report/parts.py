"""Parts that pages share, as blocks."""

import re
from collections.abc import Iterable, Sequence

from mediate.report.blocks import (
    BREAK,
    Block,
    Look,
    Phrase,
    Section,
    Table,
    TableCell,
    Text,
    Words,
    code,
    columns,
    numbers,
)
from mediate.report.run.tables import reject_table
from mediate.report.words import DASH, interval, percent, plural
from mediate.results.told import Reject
from mediate.stats import Estimate

MOST_ROWS = 200
# Characters of a part of a file name.
LONGEST_PART = 60


def left_out(rejects: Sequence[Reject], measured: int, given: int | None, *, counted: bool = True) -> Section:
    """What was left out of a run of any kind; `counted`: with a table of how often for which reason."""
    items = sum(reject.part == "item" for reject in rejects)
    counts = f"{plural(measured, 'item')} measured, {items} left out"
    if given is not None:
        counts = f"{plural(given, 'item')} given: {counts}"
    maps = sum(reject.is_map for reject in rejects)
    counts += f"; of measured items, {plural(maps, 'map')} left out." if maps else "."
    blocks: list[Block] = [Text(counts)]
    if rejects and counted:
        times = [(code(str(row.code)), str(row.part), str(row.count)) for row in reject_table(rejects).itertuples()]
        blocks.append(Table((*columns("reason", "left out"), *numbers("times")), tuple(times), named=False))
    if rejects:
        rows = [(each.item or DASH, each.part, code(each.code), each.reason, each.place or DASH) for each in rejects]
        heads = (*columns("item", look=Look.LONG), *columns("left out", "reason", "why", "place"))
        blocks.append(Table(heads, tuple(rows), named=False, shown=MOST_ROWS))
    blocks += more_rows(len(rejects), "entries", "rejects.jsonl")
    folded = f"{plural(len(rejects), 'entry', 'entries')} left out, each with its reason" if rejects else ""
    parts = [plural(count, noun) for count, noun in ((items, "item"), (maps, "map")) if count]
    return Section("What was left out, and why", tuple(blocks), "left-out", found=" and ".join(parts), folded=folded)


def more_rows(count: int, what: str, file: str) -> tuple[Text, ...]:
    """Says, where no script shows the other rows of a table, where they are."""
    if count <= MOST_ROWS:
        return ()
    said = f"The first {MOST_ROWS} of {count} {what}; all of them are in {file}, and here where the page's script runs."
    return (Text(said, Look.UNSCRIPTED),)


def of_channel(name: str, words: str = "") -> TableCell:
    """A cell with a channel's colour, where it is a channel's."""
    return TableCell(words or name, channel=name)


def share_cells(share: Estimate) -> tuple[str, str]:
    """A share in percent and its interval."""
    return percent(share.value, 1), interval(share, scale=100.0, digits=1)


def in_lines(words: Words, more: Iterable[str]) -> tuple[Phrase, ...]:
    """Words, and more of them, each on a line of its own."""
    first = (Phrase(words),) if isinstance(words, str) else words
    return (*first, *(part for line in more for part in (BREAK, Phrase(line))))


def file_part(text: str, otherwise: str, *, most: int = LONGEST_PART) -> str:
    """The text where it can be part of a file name anywhere, else a plain replacement."""
    plain = len(text) <= most and re.fullmatch(r"[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*", text)
    return text if plain else otherwise
