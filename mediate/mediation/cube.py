"""The cube of one pair, exactly: four full passes and eight short ones.

1. Every question h with every chain t is run once, and its keys and values are kept; what all four begin with, such as
   worked examples, is run once for all.
2. A cell (d, t, h) lays the question's from world d before the chain's from (h, t), moved to where question d ends.
3. The answer's few tokens read that, and the outcomes are read off.

Two contexts or cells whose tokens are the same are computed once, so worlds that do not differ have effects of exactly
0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.effects.cube import CELLS
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import Outcome, Reading, read_off, reading
from mediate.models.model import Model
from mediate.runs.keyvalues import KeyValues, moved, prefill, stacked
from mediate.runs.reading import read
from mediate.traces.trace import shared_beginning

# The rows of a short pass that are read side by side hold about this much in keys and values.
ROW_BYTES = 128 * 2**20

Ids = tuple[int, ...]


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
    """Runs every question with every chain; what all begin with is run once, and those of one length side by side."""
    wanted = {(pair.questions[h], pair.traces[t].ids): pair.context(h, t) for h, t in product((0, 1), repeat=2)}
    common = shared_beginning(list(wanted.values()))
    past = prefill(model, torch.tensor([common], device=model.device))[0] if common else None
    runs: dict[tuple[Ids, Ids], KeyValues] = {}
    for length in sorted({len(ids) for ids in wanted.values()}):
        keys = [key for key, ids in wanted.items() if len(ids) == length]
        ids = torch.tensor([wanted[key][len(common) :] for key in keys], device=model.device)
        runs |= zip(keys, prefill(model, ids, past=past), strict=True)
    return Contexts(pair, runs)


def laid_out(model: Model, contexts: Contexts, d: int, t: int, h: int) -> list[KeyValues]:
    """What the answer reads in a cell: question d, then chain t as computed under question h."""
    question = contexts.question(d, t)
    return [question, moved(model, contexts.chain(h, t), len(question))]


def measure_cube(
    model: Model, contexts: Contexts, outcomes: Sequence[Outcome] = tuple(Outcome)
) -> Float[np.ndarray, "outcome 2 2 2"]:
    """Y[d, t, h] of one pair for each outcome, in nats; index 1 is the base world.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        outcomes: What to read off.
    """
    pair = contexts.pair
    tokens = reading(pair.readers, model.device, whole_answers=Outcome.LOGPROB_DIFF in outcomes)
    same: dict[tuple[Ids, Ids, Ids], list[tuple[int, int, int]]] = {}
    for d, t, h in CELLS:
        same.setdefault((pair.questions[d], pair.traces[t].ids, pair.questions[h]), []).append((d, t, h))
    y = np.full((len(outcomes), 2, 2, 2), np.nan)
    for cells in _equally_long([cells[0] for cells in same.values()], pair):
        rows = [laid_out(model, contexts, *cell) for cell in cells]
        for cell, logits in zip(cells, read_rows(model, tokens, rows), strict=True):
            values = [read_off(tokens, logits, outcome) for outcome in outcomes]
            twins = next(group for group in same.values() if cell in group)
            for twin in twins:
                y[:, *twin] = values
    return y


def _equally_long(cells: Sequence[tuple[int, int, int]], pair: EncodedPair) -> list[list[tuple[int, int, int]]]:
    by_length: dict[int, list[tuple[int, int, int]]] = {}
    for d, t, h in cells:
        by_length.setdefault(len(pair.questions[d]) + len(pair.traces[t].ids), []).append((d, t, h))
    return list(by_length.values())


def read_rows(
    model: Model, tokens: Reading, rows: Sequence[Sequence[KeyValues]]
) -> list[Float[Tensor, "row last d_vocab"]]:
    """One short pass for each row of stretches; returns the logits at the answer for each, in order."""
    size = sum(stretch.nbytes for stretch in rows[0])
    per_pass = max(1, ROW_BYTES // (size * len(tokens.ids)))
    found: list[Tensor] = []
    for first in range(0, len(rows), per_pass):
        chunk = rows[first : first + per_pass]
        past = [
            (keys.repeat_interleave(len(tokens.ids), dim=0), values.repeat_interleave(len(tokens.ids), dim=0))
            for keys, values in stacked(chunk)
        ]
        logits = read(model, tokens.ids.repeat(len(chunk), 1), past, last=tokens.last)
        found += logits.reshape(len(chunk), len(tokens.ids), *logits.shape[1:])
    return found
