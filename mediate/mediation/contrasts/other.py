"""The cube of an item held against other items: their questions and chains stand where its own stood.

Against one other item, the item and the other are the two worlds of a pair: with d = 0 the answer reads the other's
question, with t = 0 the other's chain, and with h = 0 the chain was computed under the other's question. What reads,
and what is read off, is the item's own in every cell: its cue, and its one answer. Questions of other lengths move the
chain, by turning its keys, as they do between twins.

1. Every question of the item and the other is run with every chain; the item's own run is shared by all its others.
2. A cell lays the question that d says before the chain that t and h say, and the item's readers read that.

The cube of the item is the mean over its others; how far they differ is told beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float
from torch import Tensor

from mediate.mediation.contrasts.hidden import Sights, rival_of, run_sights
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.before_answer import cut_contexts
from mediate.mediation.kinds.cube import Contexts, Ids, laid_out, read_rows, run_all_contexts
from mediate.mediation.names import RIVAL
from mediate.mediation.outcomes import Outcome, Reading, read_off, reading
from mediate.models.model import Model
from mediate.models.rope import longest_alike
from mediate.results.cube import CELLS

WHOLE = (1, 1, 1)

Cell = tuple[int, int, int]
Logits = Float[Tensor, "row last d_vocab"]


@dataclass(frozen=True, slots=True, eq=False)
class OtherContexts:
    """An item with the keys and values that it and each of its others have under every question with every chain.

    Args:
        item: The item.
        contexts: Of the item and each other, as the base and the source of a pair; nearest first.
    """

    item: EncodedItem
    contexts: tuple[Contexts, ...]


@dataclass(frozen=True, eq=False)
class AmongOthers:
    """What is run of an item that is held against others: each part once, when it is first asked for.

    Args:
        model: The hooked model.
        item: The item.
        others: Those that it is held against, nearest first.
        outcomes: What will be read off.
        ran: From `run_others` with these outcomes, where the item was run beside others that are measured.
    """

    model: Model
    item: EncodedItem
    others: tuple[EncodedItem, ...]
    outcomes: tuple[Outcome, ...]
    ran: OtherContexts | None = None

    @cached_property
    def held(self) -> OtherContexts:
        """With the others' questions and chains in the place of its own."""
        return self.ran or run_others(self.model, [self.item], [self.others], self.outcomes)[0]

    @cached_property
    def sights(self) -> Sights:
        """With and without sight of its question; its rival is the one that its cubes hold the answer against."""
        rival = any(outcome.against == RIVAL for outcome in self.outcomes)
        return run_sights(self.model, [self.held.item if rival else self.item])[0]


def as_pair(item: EncodedItem, other: EncodedItem) -> EncodedPair:
    """The item as the base and the other as the source; readers and answer are the item's."""
    questions, traces = (other.question, item.question), (other.trace, item.trace)
    return EncodedPair(item.id, item.group, questions, traces, item.readers)


def stands_in(model: Model, item: EncodedItem, other: EncodedItem) -> bool:
    """Whether the model takes the other's question and chain in the place of the item's, in every combination."""
    if len(item.question) != len(other.question) and not model.check("re-rotated keys").passed:
        return False
    after = len(item.readers.cue) + max(map(len, (item.readers.base, *item.options)))
    length = max(len(each.question) for each in (item, other)) + max(len(each.trace.ids) for each in (item, other))
    limits = (model.facts.context, longest_alike(model.plain.config))
    return all(length + after <= limit for limit in limits if limit)


def run_others(
    model: Model,
    items: Sequence[EncodedItem],
    others: Sequence[Sequence[EncodedItem]],
    outcomes: Sequence[Outcome] = (),
) -> list[OtherContexts]:
    """Runs every question of each item and its others with every chain; what is the same is run once.

    Args:
        model: The hooked model.
        items: In tokens.
        others: Those of each item, at least one.
        outcomes: What will be read off; where one is held against a rival, see `with_rivals_among`.
    """
    pairs = [[as_pair(item, other) for other in own] for item, own in zip(items, others, strict=True)]
    runs = iter(run_all_contexts(model, [pair for own in pairs for pair in own]))
    found = [OtherContexts(item, tuple(next(runs) for _ in own)) for item, own in zip(items, pairs, strict=True)]
    return with_rivals_among(model, found, outcomes)


def cut_other_contexts(held: OtherContexts, cut: EncodedItem, others: Sequence[EncodedItem | None]) -> OtherContexts:
    """The keys and values of a cut item and its cut others, taken from the whole ones'.

    Args:
        held: Of the whole item.
        cut: From `mediate.mediation.item.cut_item`.
        others: Each other, cut likewise; None where it cannot be, which leaves it out.
    """
    kept = [
        cut_contexts(contexts, as_pair(cut, other))
        for contexts, other in zip(held.contexts, others, strict=True)
        if other is not None
    ]
    return OtherContexts(cut, tuple(kept))


def measure_others(
    model: Model, held: Sequence[OtherContexts], outcomes: Sequence[Outcome]
) -> list[Float[np.ndarray, "other outcome 2 2 2"]]:
    """Y[d, t, h] of each item against each of its others, for each outcome; index 1 is the item.

    Cells whose tokens are the same are read once: that of the item as it is, for one, by all its others.

    Args:
        model: The hooked model.
        held: From `run_others` with these outcomes.
        outcomes: What to read off.
    """
    readouts = [reading(each.item.readers, model.device, outcomes) for each in held]
    y = [np.full((len(each.contexts), len(outcomes), 2, 2, 2), np.nan) for each in held]
    as_it_is = [(number, each.contexts[0], WHOLE) for number, each in enumerate(held)]
    whole = dict(_read(model, readouts, as_it_is))
    readouts = [replace(tokens, whole=whole[number]) for number, tokens in enumerate(readouts)]
    for number, tokens in enumerate(readouts):
        y[number][:, :, *WHOLE] = [read_off(tokens, whole[number], outcome) for outcome in outcomes]
    cells, places = list[tuple[int, Contexts, Cell]](), list[list[tuple[int, Cell]]]()
    for number, each in enumerate(held):
        for (contexts, cell), same in _distinct(each):
            cells.append((number, contexts, cell))
            places.append(same)
    for row, logits in _read(model, readouts, cells):
        number = cells[row][0]
        values = [read_off(readouts[number], logits, outcome) for outcome in outcomes]
        for other, cell in places[row]:
            y[number][other, :, *cell] = values
    return y


def others_before_answer(
    model: Model,
    held: Sequence[OtherContexts],
    cut: Sequence[tuple[EncodedItem, Sequence[EncodedItem | None]]],
    outcomes: Sequence[Outcome],
) -> list[Float[np.ndarray, "other outcome 2 2 2"]]:
    """`measure_others` of items cut before they state the answer; a rival is sought anew, as another token reads.

    Args:
        model: The hooked model.
        held: Of the whole items.
        cut: Each item and its others, as `cut_other_contexts` takes them.
        outcomes: What to read off.
    """
    kept = [cut_other_contexts(own, item, others) for own, (item, others) in zip(held, cut, strict=True)]
    return measure_others(model, with_rivals_among(model, kept, outcomes), outcomes)


def _distinct(held: OtherContexts) -> list[tuple[tuple[Contexts, Cell], list[tuple[int, Cell]]]]:
    """Each cell, beside that of the item as it is, whose tokens differ, and all others' cells that are the same."""
    found: dict[tuple[Ids, Ids, Ids], tuple[tuple[Contexts, Cell], list[tuple[int, Cell]]]] = {}
    for other, contexts in enumerate(held.contexts):
        pair = contexts.pair
        for d, t, h in CELLS:
            if (d, t, h) != WHOLE:
                key = pair.questions[d], pair.traces[t].ids, pair.questions[h]
                found.setdefault(key, ((contexts, (d, t, h)), []))[1].append((other, (d, t, h)))
    return list(found.values())


def _read(
    model: Model, readouts: Sequence[Reading], cells: Sequence[tuple[int, Contexts, Cell]]
) -> Iterator[tuple[int, Logits]]:
    """The logits at the answer in each cell, by its place; those of equal length are read side by side.

    Args:
        model: The hooked model.
        readouts: The readers of each item.
        cells: The number of the item, and what it reads.
    """
    by_length: dict[int, list[int]] = {}
    for place, (_, contexts, (d, t, _)) in enumerate(cells):
        pair = contexts.pair
        by_length.setdefault(len(pair.questions[d]) + len(pair.traces[t].ids), []).append(place)
    for places in by_length.values():
        rows = [laid_out(model, contexts, *cell) for _, contexts, cell in (cells[place] for place in places)]
        logits = read_rows(model, [readouts[cells[place][0]] for place in places], rows)
        yield from zip(places, logits, strict=True)


def with_rivals_among(model: Model, held: Sequence[OtherContexts], outcomes: Sequence[Outcome]) -> list[OtherContexts]:
    """The same, where an outcome is held against a rival of the answer with that as the readers' source answer.

    The rival is one for all cells and all others: of an item with options, as where it is held against what is hidden;
    else what the model would say with the nearest other's question and chain in the item's place, or with the next
    one's where that is the answer itself.
    """
    if not any(outcome.against == RIVAL for outcome in outcomes):
        return list(held)
    return [_with_rival(model, each) for each in held]


def _with_rival(model: Model, held: OtherContexts) -> OtherContexts:
    found = (rival_of(held.item, model.device, partial(_one, model, each)) for each in held.contexts)
    readers = replace(held.item.readers, source=next((each for each in found if each), ()))
    contexts = [replace(each, pair=replace(each.pair, readers=readers)) for each in held.contexts]
    return OtherContexts(replace(held.item, readers=readers), tuple(contexts))


def _one(model: Model, contexts: Contexts, tokens: Reading, cell: Cell) -> Logits:
    return read_rows(model, [tokens], [laid_out(model, contexts, *cell)])[0]
