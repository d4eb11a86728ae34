"""The cube of an item without a twin: what it says is hidden in place of being replaced.

The worlds of the item are its own: with index 1 everything is as it was. With d = 0 the answer cannot attend to the
question, with t = 0 not to the chain, and with h = 0 the chain was computed without sight of the question. Positions
stay. The question itself is always computed whole; what a template writes after it (the tail) has read it, and would
tell of it: so the tail is computed with and without sight of the question, and d says which of the two the answer
reads, h which the chain reads.

1. The item is run twice, side by side: as it is, and with the question hidden from all that follows.
2. A cell lays the head and the question, the tail that d says and the chain that h says one after another, and hides
   the question and the chain where d and t say so.
3. The cue and the answer read that, and the outcomes are read off.

With t = 0 the chain is not seen, so h says nothing: six of the eight cells are distinct.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mediate.mediation.batching import PADDING, of_like_length, side_by_side
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.cube import ROW_BYTES, read_past
from mediate.mediation.names import LOGPROB, RIVAL, WHOLE_RUN
from mediate.mediation.one_answer import greedy_rival
from mediate.mediation.outcomes import Outcome, Reading, answer_logprob, read_off, reading
from mediate.models.model import Model
from mediate.models.rope import depends_on_length
from mediate.passes.hiding import hiding
from mediate.passes.keyvalues import KeyValues, prefill, stacked
from mediate.results.cube import CELLS
from mediate.traces.trace import shared_beginning

# Cells that differ, in the order in which they are read; with t = 0 the chain's own world is not seen.
DISTINCT = tuple((d, t, h) for d, t, h in CELLS if t or not h)
# Reads some tokens in a cell: the logits at the answer.
Read = Callable[[Reading, tuple[int, int, int]], Float[Tensor, "row last d_vocab"]]


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """An item's keys and values, computed with and without sight of its question.

    Args:
        item: The item they belong to.
        seen: Of the question part and the chain, as they are.
        blind: Of the tail and the chain, computed where the question is hidden from both.
    """

    item: EncodedItem
    seen: KeyValues
    blind: KeyValues

    def laid_out(self, d: int, h: int) -> list[KeyValues]:
        """What the readers find: head and question, the tail that has seen it or not (d), the chain likewise (h)."""
        stop, begin, end = self.item.hidden[1], len(self.item.question), len(self.seen)
        tail = self.seen.part(stop, begin) if d else self.blind.part(0, begin - stop)
        chain = self.seen.part(begin, end) if h else self.blind.part(begin - stop, end - stop)
        return [self.seen.part(0, stop), tail, chain]

    def hidden(self, d: int, t: int) -> Bool[Tensor, " key_pos"]:
        """The keys that the readers cannot attend to."""
        mask = torch.zeros(len(self.seen), dtype=torch.bool, device=self.seen.keys.device)
        if not d:
            mask[slice(*self.item.hidden)] = True
        if not t:
            mask[len(self.item.question) :] = True
        return mask


def run_sights(model: Model, items: Sequence[EncodedItem], outcomes: Sequence[Outcome] = ()) -> list[Sights]:
    """Runs each item with and without sight of its question; what all begin with is run once.

    Items of like length run side by side, padded at the end, where causal attention keeps the padding from mattering.

    Args:
        model: The hooked model.
        items: In tokens.
        outcomes: What will be read off; where one is held against a rival, see `with_rivals`.
    """
    common = shared_beginning([item.whole for item in items for _ in range(2)])
    common = common[: min(item.hidden[0] for item in items)]
    past = prefill(model, torch.tensor([common], device=model.device))[0] if common else None
    lengths = {number: len(item.whole) - len(common) for number, item in enumerate(items)}
    padding = 0.0 if depends_on_length(model.plain.config) else PADDING
    found: dict[int, Sights] = {}
    for numbers in of_like_length(lengths, side_by_side(model) // 2, padding):
        some = [items[number] for number in numbers]
        width = len(some[-1].whole)
        rows = [[*item.whole[len(common) :], *[0] * (width - len(item.whole))] for item in some for _ in range(2)]
        mask = torch.zeros(len(rows), width, dtype=torch.bool, device=model.device)
        for row, item in enumerate(some):
            mask[2 * row + 1, slice(*item.hidden)] = True
        with hiding(model, mask):
            runs = prefill(model, torch.tensor(rows, device=model.device), past=past)
        for row, (number, item) in enumerate(zip(numbers, some, strict=True)):
            seen, blind = (runs[2 * row + sight].part(0, len(item.whole)) for sight in range(2))
            found[number] = Sights(item, seen, blind.part(item.hidden[1], len(blind)))
    return with_rivals(model, [found[number] for number in range(len(items))], outcomes)


def cut_sights(sights: Sights, cut: EncodedItem) -> Sights:
    """The keys and values of a cut item, taken from the whole one's: what is cut off came later, and changed nothing.

    Args:
        sights: Of the whole item.
        cut: From `mediate.mediation.item.cut_item`.
    """
    length = len(cut.whole)
    return Sights(cut, sights.seen.part(0, length), sights.blind.part(0, length - cut.hidden[1]))


def measure_hidden(
    model: Model, sights: Sequence[Sights], outcomes: Sequence[Outcome]
) -> Float[np.ndarray, "item outcome 2 2 2"]:
    """Y[d, t, h] of each item for each outcome; index 1 is the item as it is.

    Args:
        model: The hooked model.
        sights: From `run_sights` with these outcomes.
        outcomes: What to read off.
    """
    y = np.full((len(sights), len(outcomes), 2, 2, 2), np.nan)
    for number, each in enumerate(sights):
        tokens = reading(each.item.readers, model.device, outcomes)
        logits = dict(zip(DISTINCT, read_hidden(model, tokens, each, DISTINCT), strict=True))
        tokens = replace(tokens, whole=logits[1, 1, 1])
        for cell, own in logits.items():
            y[number, :, *cell] = [read_off(tokens, own, outcome) for outcome in outcomes]
        y[number, :, :, 0, 1] = y[number, :, :, 0, 0]
    return y


def hidden_before_answer(
    model: Model, sights: Sequence[Sights], cut: Sequence[EncodedItem], outcomes: Sequence[Outcome]
) -> Float[np.ndarray, "item outcome 2 2 2"]:
    """`measure_hidden` of items cut before they state the answer; a rival is sought anew, as another token reads.

    Args:
        model: The hooked model.
        sights: Of the whole items.
        cut: Each item, from `mediate.mediation.item.cut_item`.
        outcomes: What to read off.
    """
    kept = [cut_sights(own, item) for own, item in zip(sights, cut, strict=True)]
    return measure_hidden(model, with_rivals(model, kept, outcomes), outcomes)


def grounded(model: Model, sights: Sights, outcome: Outcome) -> Reading:
    """The readers laid out for one outcome, with the logits of the whole run where it is held against these."""
    tokens = reading(sights.item.readers, model.device, [outcome])
    if outcome.against != WHOLE_RUN:
        return tokens
    return replace(tokens, whole=read_hidden(model, tokens, sights, [(1, 1, 1)])[0])


def with_rivals(model: Model, sights: Sequence[Sights], outcomes: Sequence[Outcome]) -> list[Sights]:
    """The same sights; where an outcome is held against a rival answer, the readers have it as their source answer."""
    if not any(outcome.against == RIVAL for outcome in outcomes):
        return list(sights)
    found = []
    for each in sights:
        readers = replace(each.item.readers, source=rival(model, each))
        found.append(replace(each, item=replace(each.item, readers=readers)))
    return found


def rival(model: Model, sights: Sights) -> tuple[int, ...]:
    """What a margin holds the answer against, in all cells alike.

    Where the item has options, the other one of highest log-probability in the run as it is; else what the model
    would say with question and chain hidden. Empty where that is the answer itself, or all options begin alike.
    """
    return rival_of(sights.item, model.device, lambda tokens, cell: read_hidden(model, tokens, sights, [cell])[0])


def rival_of(item: EncodedItem, device: torch.device, read: Read) -> tuple[int, ...]:
    """`rival`, whatever the item is held against.

    Args:
        item: In tokens.
        device: Of the model.
        read: The logits at the answer, of some readers in a cell.
    """
    readers = item.readers
    if not item.options:
        tokens = reading(readers, device, [LOGPROB])
        return greedy_rival(tokens, read(tokens, (0, 0, 0)))
    likely = {}
    for option in item.options:
        tokens = reading(replace(readers, base=option, spoken=0), device, [LOGPROB])
        likely[option] = float(answer_logprob(read(tokens, (1, 1, 1))[0], option))
    # Of an option that begins with all of the answer, or the other way round, no token differs.
    apart = {each: value for each, value in likely.items() if not _begins(each, readers.base)}
    return max(apart, key=lambda option: apart[option], default=())


def _begins(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def read_hidden(
    model: Model, tokens: Reading, sights: Sights, cells: Sequence[tuple[int, int, int]]
) -> list[Float[Tensor, "row last d_vocab"]]:
    """The logits at the answer in some cells, in order."""
    rows, width = tokens.ids.shape
    per_pass = max(1, ROW_BYTES // (sights.seen.nbytes * rows))
    found: list[Tensor] = []
    for first in range(0, len(cells), per_pass):
        some = cells[first : first + per_pass]
        mask = torch.stack([sights.hidden(d, t) for d, t, _ in some])
        mask = torch.nn.functional.pad(mask, (0, width)).repeat_interleave(rows, dim=0)
        with hiding(model, mask):
            found += read_past(model, [tokens] * len(some), stacked([sights.laid_out(d, h) for d, _, h in some]))
    return found
