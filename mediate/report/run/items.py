"""The items of a run one by one, and the first chains token by token, as sections of its page."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from mediate.pairs.answers import same_answer, says
from mediate.report.analysis import Analysis, map_kinds, step_layer_maps
from mediate.report.blocks import (
    Block,
    Column,
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
from mediate.report.run.tables import channel_table
from mediate.report.run.tokens import Chain, Colouring, colour_chains
from mediate.report.words import DASH, number, percent, plural
from mediate.results import CHANNELS, Cube, EffectMap, Measured, Results, Told
from mediate.results.contrasts import TWIN
from mediate.results.kinds import is_estimate
from mediate.results.outcomes import unit_of

MOST_CHAINS = 4


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
    found = f"{plural(len(rows), 'item')}, TE {number(table['te'].min())} to {number(table['te'].max())}"
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
    said = (_answer(told) for _, told in item.worlds)
    return (item.id, item.group, *said, *effects, *shares, *(_stated(told) for _, told in item.worlds))


def _answer(world: Told) -> str:
    """The answer, with the model's own beside it where that is another."""
    said, given, stated = world.said, world.given, world.stated
    if given is not None:
        return world.answer if says(world.answer, given) else f"{world.answer} (given: {given})"
    if stated is not None and not says(stated, world.answer):
        return f"{world.answer} (response: {stated})"
    return world.answer if said is None or same_answer(said, world.answer) else f"{world.answer} (model: {said})"


def _stated(world: Told) -> str:
    if world.states_answer is None:
        return "no"
    if world.states_answer >= len(world.steps):
        return DASH
    step = f"step {world.steps[world.states_answer]}"
    return f"first occurrence, {step}" if world.states_result is False else step


def first_chains(results: Results, most: int) -> Colouring:
    """The first items' chains, coloured by the first kind of map of the first outcome that is exact, or else is not."""
    maps: tuple[EffectMap, ...] = ()
    if results.items and results.cubes:
        outcome = results.cube().outcome
        kinds = sorted(map_kinds(results, outcome), key=is_estimate)
        maps = step_layer_maps(results, outcome, kinds[0]) if kinds else ()
    return colour_chains(results.items[:most], maps)


def chains_section(results: Results, most: int = MOST_CHAINS) -> Section:
    """The first items' chains, each step in the colour of its effect."""
    count, colouring = len(results.items), first_chains(results, most)
    if not colouring.chains:
        return Section("Chains of thought", (Text("No item was measured."),), id="chains")
    shown = "All items." if count <= most else f"The first {most} of {count} items, not chosen by result."
    blocks: list[Block] = [Text(f"{shown} {_colours(colouring)} {FRAMES}")]
    if colouring.layer is not None:
        blocks.append(_scale(results, colouring.limit))
    blocks += [_chains(each, colouring) for each in colouring.chains]
    return Section("Chains of thought", tuple(blocks), id="chains")


FRAMES = (
    "Framed: the token at which the chain first states its answer as a result; dashed: the answer's first occurrence, "
    "where it is no result."
)


def _scale(results: Results, limit: float) -> Scale:
    cube = results.cube()
    if cube.contrast is TWIN:
        return Scale(limit)
    return Scale(limit, unit_of(cube.outcome), "blue: what is hidden speaks against the answer; red: for it")


def _colours(colouring: Colouring) -> str:
    if colouring.layer is None:
        return "Without maps over step and layer the steps have no colour."
    alone = colouring.window == 1
    layers = (
        f"layer {colouring.layer} alone" if alone else f"the {colouring.window} layers around layer {colouring.layer}"
    )
    noun = colouring.noun
    return (
        f"Each step of the base chain has the colour of {colouring.words}, in {layers}, the layer with the largest "
        f"{noun}s over all items; each step begins with its number and that {noun} in nats. {colouring.caution}"
    ).rstrip()


def _chains(each: Chain, colouring: Colouring) -> Section:
    blocks: list[Block] = []
    alone = each.item.source is None
    for (world, told), stretches in zip(each.item.worlds, (each.base, each.source), strict=False):
        blocks += [Text(_asked("question" if alone else str(world), told), Look.SMALL), Tokens(stretches)]
    without = colouring.layer is not None and not each.has_map
    return Section(each.item.id, tuple(blocks), aside="(no map)" if without else "")


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
