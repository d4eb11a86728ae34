"""The places of a page: an id for every heading, and the list of contents that leads to them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from mediate.report.blocks import Block, Data, Page, Section

# Ids that the page's frame has.
TAKEN = ("main", "contents")
LONGEST = 40
MOST_INNER = 8  # of more parts than that, the contents name none


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the contents: a section, and the sections in it."""

    section: Section
    inner: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """The sections that say what was found, and all others."""

    found: tuple[Entry, ...]
    more: tuple[Entry, ...]


def anchored(page: Page) -> Page:
    """The page with an id for every section that has a heading: its own, or one made of the heading's letters."""
    taken = {*TAKEN, *_ids(page.sections)}

    def named(block: Block) -> Block:
        if not isinstance(block, Section):
            return block
        name = block.id
        if block.heading and not name:
            name = _free(block.heading, taken)
            taken.add(name)
        return replace(block, id=name, blocks=tuple(map(named, block.blocks)))

    return replace(page, sections=tuple(each for each in map(named, page.sections) if isinstance(each, Section)))


def contents_of(page: Page) -> Contents:
    """The contents of a page that is anchored."""
    entries = [Entry(each, _inner(each)) for each in page.sections if each.heading]
    found = tuple(each for each in entries if each.section.found)
    return Contents(found, tuple(each for each in entries if not each.section.found))


def _inner(section: Section) -> tuple[Section, ...]:
    inner = tuple(each for each in section.blocks if isinstance(each, Section) and each.heading)
    return inner if len(inner) <= MOST_INNER else ()


def _ids(blocks: Iterable[Block]) -> Iterator[str]:
    for each in blocks:
        if isinstance(each, Section | Data):
            yield each.id
        if isinstance(each, Section):
            yield from _ids(each.blocks)


def _free(heading: str, taken: set[str]) -> str:
    name = re.sub(r"[^a-z0-9_]+", "-", heading.lower())[:LONGEST].strip("-") or "part"
    return next(each for number in count(1) if (each := name if number == 1 else f"{name}-{number}") not in taken)
