"""The items of a run one by one, and the first chains token by token, as sections of its page."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from mediate.report.analysis import Analysis
from mediate.report.blocks import (
    Block,
    Column,
    Explorer,
    Look,
    Phrase,
    Row,
    Scale,
    Section,
    Table,
    TableCell,
    Tag,
    Text,
    Tokens,
    columns,
    numbers,
)
from mediate.report.parts import MOST_ROWS, more_rows
from mediate.report.run.explorer import run_data
from mediate.report.run.map_sets import colouring_set
from mediate.report.run.tables import channel_table
from mediate.report.run.tokens import Chain, Colouring, answered, colour_chains
from mediate.report.words import DASH, number, percent, plural, range_words
from mediate.results import CHANNELS, Cube, Measured, Results, Told
from mediate.results.contrasts import TWIN
from mediate.results.outcomes import unit_of

MOST_CHAINS = 20
MOST_TOKENS = 20_000  # of all chains together


def items_section(results: Results, analysis: Analysis) -> Section:
    """A row an item: its effects, its shares and where its chains state the answer."""
    if not results.cubes or not results.items:
        return Section("Items", (Text("No item was measured."),), id="items")
    cube = results.cube()
    there = set(cube.items)
    having = [item for item in results.items if item.id in there]
    table = channel_table(cube, min_te=analysis.least(cube.outcome))
    rows = [_item_row(item, row, analysis) for item, row in zip(having, table.to_dict("records"), strict=True)]
    caption = (
        f"{cube.outcome}; direct, text and latent sum to TE. Answer stated: the step in which each chain states it "
        "as a result, or that of its first occurrence."
    )
    shown = Table(_item_columns(cube), tuple(rows), named=False, dense=True, shown=MOST_ROWS, opens="item")
    found = f"{plural(len(rows), 'item')}, TE {range_words(table['te'].min(), table['te'].max())}"
    told: tuple[Block, ...] = (shown, Text(caption, Look.BASIS), *more_rows(len(rows), "items", "results/cube.parquet"))
    return Section("Items", told, id="items", found=found)


def _item_columns(cube: Cube) -> tuple[Column, ...]:
    twins = cube.contrast is TWIN
    answers, stated = (("base answer", "source answer"), ("base", "source")) if twins else (("answer",), ("in step",))
    return (
        *columns("item", "group", *answers, look=Look.LONG),
        *numbers("TE", *CHANNELS, group=f"effect ({unit_of(cube.outcome)})"),
        *numbers(*CHANNELS, "mediated", group="share of TE"),
        *columns(*stated, look=Look.SHORT, group="answer stated"),
    )


def _item_row(item: Measured, row: Mapping[Hashable, Any], analysis: Analysis) -> Row:
    effects = [number(row[name]) for name in ("te", *CHANNELS)]
    shares: list[str | TableCell] = [percent(row[f"{name}_share"]) for name in (*CHANNELS, "mediated")]
    least = analysis.least(row["outcome"])
    if abs(row["te"]) <= least:
        shares = [TableCell(f"undefined: |TE| ≤ {least:g}", Look.FAINT, span=4)]
    said = (answered(told) for _, told in item.worlds)
    return (item.id, item.group, *said, *effects, *shares, *(_stated(told) for _, told in item.worlds))


def _stated(world: Told) -> str:
    if world.states_answer is None:
        return "no"
    if world.states_answer >= len(world.steps):
        return DASH
    step = f"step {world.steps[world.states_answer]}"
    return f"first occurrence, {step}" if world.states_result is False else step


def first_chains(results: Results, most: int) -> Colouring:
    """The first items' chains, coloured by maps of the first outcome that are exact, or else are estimates."""
    return colour_chains(results.items[:most], colouring_set(results))


def _few(items: Sequence[Measured], most: int) -> int:
    """How many of the first items to show: up to `most`, and fewer where their chains are long; no chain is cut."""
    tokens = accumulate(sum(len(told.tokens) for _, told in item.worlds) for item in items[:most])
    return max(1, sum(total <= MOST_TOKENS for total in tokens))


def chains_section(results: Results, most: int = MOST_CHAINS, *, viewer: bool = False) -> Section:
    """The first items' chains, coloured by their effects.

    Args:
        results: What a run found.
        most: How many chains at most.
        viewer: Whether a page's script shows any item, map and layer in their place.
    """
    colouring = first_chains(results, _few(results.items, most))
    if not colouring.chains:
        return Section("Chains of thought", (Text("No item was measured."),), id="chains")
    count, few = len(results.items), len(colouring.chains)
    shown = "All items." if count <= few else f"The first {few} of {count} items, not chosen by result."
    more = " With script enabled, this page shows every item here, by each of its maps." if viewer else ""
    blocks: list[Block] = [Text(f"{shown}{more} {chain_colours(colouring)} {FRAMES}")]
    if colouring.maps is not None:
        blocks.append(colour_scale(results, colouring))
    blocks += [_chains(each, colouring) for each in colouring.chains]
    if viewer:
        blocks = [Explorer(run_data(results), tuple(blocks))]
    return Section("Chains of thought", tuple(blocks), id="chains")


FRAMES = (
    "Framed: the token at which the chain first states its answer as a result; dashed: the answer's first occurrence, "
    "where it is no result."
)


def colour_scale(results: Results, colouring: Colouring) -> Scale:
    """What the colours of chains mean."""
    unit = colouring.maps.unit if colouring.maps else ""
    if results.cube().contrast is TWIN:
        return Scale(colouring.limit, unit)
    return Scale(colouring.limit, unit, "blue: what is hidden speaks against the answer; red: for it")


def chain_colours(colouring: Colouring) -> str:
    """What the colours of chains are of, in a sentence or two."""
    maps = colouring.maps
    if maps is None:
        return "Without maps over steps or positions the chains have no colour."
    part = "token" if maps.axis == "position" else "step"
    where = f", {maps.where(colouring.at)}" if colouring.at else ""
    chosen = ", ".join(name.replace("kv_head", "key-value head") for name in colouring.at)
    why = f", the {chosen} with the largest {maps.noun}s over all items" if colouring.at and not colouring.given else ""
    said = f"that {maps.noun}" if part == "step" else f"the largest {maps.noun} of its tokens"
    begins = f"; each step begins with its number and {said} in {maps.unit}"
    return (
        f"Each {part} of the base chain has the colour of {maps.words}{where}{why}{begins}. {maps.caution}"
    ).rstrip()


def _chains(each: Chain, colouring: Colouring) -> Section:
    without = colouring.maps is not None and not each.has_map
    return Section(each.item.id, chain_blocks(each), aside="(no map)" if without else "")


def chain_blocks(each: Chain) -> tuple[Block, ...]:
    """What stands in each world of an item, each with its chain."""
    blocks: list[Block] = []
    alone = each.item.source is None
    for (world, told), stretches in zip(each.item.worlds, (each.base, each.source), strict=False):
        blocks += [Text(_asked("question" if alone else str(world), told), Look.SMALL), Tokens(stretches)]
    return tuple(blocks)


def _asked(name: str, world: Told) -> tuple[Phrase, ...]:
    told = [(name, world.question), ("answer", world.answer)]
    if world.given is not None:
        told[1:] = [("model's own answer", world.answer), ("given", world.given)]
    elif world.said is not None:
        told.append(("model's own", world.said))
    elif world.stated is not None:
        told.append(("the response states", world.stated))
    return _named(told)


def _named(told: Sequence[tuple[str, str]]) -> tuple[Phrase, ...]:
    """Texts, each after its name: `base: ... answer: ...`."""
    return tuple(
        phrase
        for place, (name, text) in enumerate(told)
        for phrase in (Phrase(name, Tag.STRONG), Phrase(f": {text}{' ' if place < len(told) - 1 else ''}"))
    )
