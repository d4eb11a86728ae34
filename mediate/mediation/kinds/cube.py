"""The cube of a pair, exactly: four full passes and eight short ones, beside those of other pairs.

1. Every question h with every chain t is run once, and its keys and values are kept; what all four begin with, such as
   worked examples, is run once for all.
2. A cell (d, t, h) lays those of question d before those of chain t as computed under question h, which are moved to
   where question d ends.
3. The answer's few tokens read these keys and values, and the outcomes are read off.

Two contexts or cells whose tokens are the same are computed once, so worlds that do not differ have effects of exactly
0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from mediate.mediation.batching import PADDING, of_like_length, side_by_side
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import USUAL, Outcome, Reading, read_off_all, reading
from mediate.models.model import Model
from mediate.models.rope import depends_on_length
from mediate.passes.keyvalues import KeyValues, moved, prefill, stacked
from mediate.passes.one_pass import Past
from mediate.passes.readers import read
from mediate.results.cube import CELLS
from mediate.traces.trace import shared_beginning

# The rows of a short pass that are read side by side hold about this much in keys and values.
ROW_BYTES = 128 * 2**20

Ids = tuple[int, ...]
# Cells whose tokens are the same.
Twins = list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Contexts:
    """The keys and values of every question h followed by every chain t.

    Args:
        pair: The pair they belong to.
        runs: By the tokens of question and chain.
    """

    pair: EncodedPair
    runs: dict[tuple[Ids, Ids], KeyValues]

    def of(self, h: int, t: int) -> KeyValues:
        """Question h with chain t."""
        return self.runs[self.pair.questions[h], self.pair.traces[t].ids]

    def question(self, d: int, t: int) -> KeyValues:
        """The question part of world d, from the run in which chain t followed it."""
        return self.of(d, t).part(0, len(self.pair.questions[d]))

    def chain(self, h: int, t: int) -> KeyValues:
        """Chain t as computed under question h, at the positions that it had there."""
        whole = self.of(h, t)
        return whole.part(len(self.pair.questions[h]), len(whole))


def run_contexts(model: Model, pair: EncodedPair) -> Contexts:
    """Runs every question of a pair with every chain of it; see `run_all_contexts`."""
    return run_all_contexts(model, [pair])[0]


def run_all_contexts(model: Model, pairs: Sequence[EncodedPair]) -> list[Contexts]:
    """Runs every question of each pair with every chain of it; what all begin with is run once.

    Those of like length run side by side, padded at the end, where causal attention keeps the padding from mattering.

    Args:
        model: The hooked model.
        pairs: In tokens.
    """
    wanted = [
        {
            (question, chain): question + chain
            for question in pair.questions
            for chain in (trace.ids for trace in pair.traces)
        }
        for pair in pairs
    ]
    every = {key: ids for each in wanted for key, ids in each.items()}
    common = shared_beginning(list(every.values()))
    past = prefill(model, torch.tensor([common], device=model.device))[0] if common else None
    runs: dict[tuple[Ids, Ids], KeyValues] = {}
    lengths = {key: len(ids) - len(common) for key, ids in every.items()}
    for keys in of_like_length(lengths, side_by_side(model), 0.0 if depends_on_length(model.plain.config) else PADDING):
        width = len(every[keys[-1]])
        rows = [[*every[key][len(common) :], *[0] * (width - len(every[key]))] for key in keys]
        found = prefill(model, torch.tensor(rows, device=model.device), past=past)
        runs |= {key: run.part(0, len(every[key])) for key, run in zip(keys, found, strict=True)}
    return [Contexts(pair, {key: runs[key] for key in each}) for pair, each in zip(pairs, wanted, strict=True)]


def laid_out(model: Model, contexts: Contexts, d: int, t: int, h: int) -> list[KeyValues]:
    """What the answer reads in a cell: question d, then chain t as computed under question h."""
    question = contexts.question(d, t)
    return [question, moved(model, contexts.chain(h, t), len(question))]


def read_cell(model: Model, contexts: Contexts, d: int, t: int, h: int) -> list[KeyValues]:
    """`laid_out`; where the chain was computed under question d itself, that is the run as it is, with nothing cut."""
    questions = contexts.pair.questions
    return [contexts.of(h, t)] if questions[d] == questions[h] else laid_out(model, contexts, d, t, h)


def measure_cube(
    model: Model, contexts: Contexts, outcomes: Sequence[Outcome] = USUAL
) -> Float[np.ndarray, "outcome 2 2 2"]:
    """Y[d, t, h] of one pair for each outcome; see `measure_cubes`."""
    y: Float[np.ndarray, "outcome 2 2 2"] = measure_cubes(model, [contexts], outcomes)[0]
    return y


def measure_cubes(
    model: Model, contexts: Sequence[Contexts], outcomes: Sequence[Outcome] = USUAL
) -> Float[np.ndarray, "pair outcome 2 2 2"]:
    """Y[d, t, h] of each pair for each outcome, in nats; index 1 is the base world.

    Args:
        model: The hooked model.
        contexts: From `run_all_contexts`.
        outcomes: What to read off.
    """
    readouts = [reading(each.pair.readers, model.device, outcomes) for each in contexts]
    places: list[tuple[int, Twins]] = []
    logits: list[Float[Tensor, "row last d_vocab"]] = []
    for cells in _equally_long(contexts):
        rows = [read_cell(model, contexts[number], *twins[0]) for number, twins in cells]
        logits += read_rows(model, [readouts[number] for number, _ in cells], rows)
        places += cells
    found = read_off_all([readouts[number] for number, _ in places], logits, outcomes)
    y = np.full((len(contexts), len(outcomes), 2, 2, 2), np.nan)
    every = [(number, *twin, place) for place, (number, twins) in enumerate(places) for twin in twins]
    number, d, t, h, place = np.array(every).T
    y[number, :, d, t, h] = found[:, place].T
    return y


def _equally_long(contexts: Sequence[Contexts]) -> list[list[tuple[int, Twins]]]:
    """Every distinct cell of every pair, as the pair's number and the cells whose tokens are the same."""
    by_length: dict[int, list[tuple[int, Twins]]] = {}
    for number, pair in enumerate(each.pair for each in contexts):
        same: dict[tuple[Ids, Ids, Ids], Twins] = {}
        for d, t, h in CELLS:
            same.setdefault((pair.questions[d], pair.traces[t].ids, pair.questions[h]), []).append((d, t, h))
        for (question, chain, _), twins in same.items():
            by_length.setdefault(len(question) + len(chain), []).append((number, twins))
    return list(by_length.values())


def read_rows(
    model: Model, readouts: Sequence[Reading], rows: Sequence[Sequence[KeyValues]]
) -> list[Float[Tensor, "row last d_vocab"]]:
    """Each row of stretches, all equally long, read by readers of its own; the logits at the answer, in order."""
    size = sum(stretch.nbytes for stretch in rows[0])
    per_pass = max(1, ROW_BYTES // (size * max(len(each.ids) for each in readouts)))
    found: list[Tensor] = []
    for first in range(0, len(rows), per_pass):
        found += read_past(model, readouts[first : first + per_pass], stacked(rows[first : first + per_pass]))
    return found


def read_past(model: Model, readouts: Sequence[Reading], past: Past) -> list[Float[Tensor, "row last d_vocab"]]:
    """Each row of a past, read by readers of its own in one pass; the logits at the answer, in order."""
    width = max(each.ids.shape[1] for each in readouts)
    # The padding of shorter readers comes after them, where they do not see it.
    after = [width - each.ids.shape[1] for each in readouts]
    ids = torch.cat(
        [pad(each.ids, (0, empty)) if empty else each.ids for each, empty in zip(readouts, after, strict=True)]
    )
    counts = [len(each.ids) for each in readouts]
    if len(ids) > len(readouts):
        each_row = torch.tensor(counts, device=ids.device)
        past = [
            (keys.repeat_interleave(each_row, dim=0), values.repeat_interleave(each_row, dim=0))
            for keys, values in past
        ]
    last = max(each.last + empty for each, empty in zip(readouts, after, strict=True))
    logits = torch.split(read(model, ids, past, last=last), counts)
    return [
        own if each.last == last else own[:, last - empty - each.last : last - empty]
        for own, each, empty in zip(logits, readouts, after, strict=True)
    ]
