"""Controls that must be exactly nothing: own keys and values put back, and others put where no reader looks."""

from dataclasses import dataclass
from functools import partial
from math import isnan

import torch
from torch import Tensor

from mediate.errors import ItemError
from mediate.mediation.batching import side_by_side
from mediate.mediation.cells import Cell
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.references import shuffled_steps
from mediate.mediation.kinds.swapping import differs, swapped_past
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.mediation.sequences import sequences
from mediate.models.model import Model
from mediate.models.rope import most_tokens
from mediate.models.sites import Component, Site
from mediate.pairs.pair import World
from mediate.passes.forward import forward
from mediate.passes.keyvalues import KeyValues, run_on, stacked
from mediate.passes.readers import read

# Tokens after the answer, for positions that the readers cannot see.
AFTERWARDS = 8
_KV = (Component.K, Component.V)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What writing into full passes over the base run did.

    Args:
        own: Y(base) less Y with the run's own keys and values written back at every position.
        after: The same with others written after the readers too; NaN where there is no such position.
        end: How many tokens there are up to the answer's last.
        moved: Whether anything changed after the readers.
    """

    own: float
    after: float
    end: int
    moved: bool


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """What running on after the base question, with the readers at the end, gave.

    Args:
        base: Keys and values of question and base chain, from two runs alike.
        shuffled: Y with the chain's own steps in another order; None where it has fewer than two.
    """

    base: tuple[KeyValues, KeyValues]
    shuffled: float | None


def run_again(model: Model, contexts: Contexts, outcome: Outcome, seed: int) -> Again:
    """Runs the base chain twice more after its question, and beside it its steps in another order.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        outcome: What to read off.
        seed: Of the order.
    """
    pair = contexts.pair
    readout = reading(pair.readers, model.device, [outcome])
    own, question = pair.traces[World.BASE].ids, contexts.question(World.BASE, World.BASE)
    width, rows = len(own), len(readout.ids)
    chains = [own, own]
    if len(pair.traces[World.BASE].step_spans) > 1:
        chains.append(tuple(own[place] for place in shuffled_steps(pair, seed)))
    ids = torch.cat(
        [torch.cat([torch.tensor([each], device=model.device).expand(rows, -1), readout.ids], dim=1) for each in chains]
    )

    def run(some: Tensor) -> tuple[list[KeyValues], Tensor]:
        return run_on(model, some, past=question, last=readout.last)

    if ids.numel() <= side_by_side(model):
        runs, logits = run(ids)
    else:
        parts = [run(ids[first : first + rows]) for first in range(0, len(ids), rows)]
        runs, logits = [each for some, _ in parts for each in some], torch.cat([part for _, part in parts])
    base, again = (runs[place].part(0, len(question) + width) for place in (0, rows))
    if differs(base, again, Cell(tuple(range(len(base))), tuple(range(model.facts.layers)))):
        # Two rows of one pass may be rounded apart where two passes are not.
        base, again = (run(ids[:rows])[0][0].part(0, len(question) + width) for _ in range(2))
    y = read_off(readout, logits[2 * rows :], outcome) if len(chains) > 2 else None
    return Again((base, again), y)


def self_source(
    model: Model, contexts: Contexts, outcome: Outcome, written: Rewritten | None = None, again: Again | None = None
) -> float:
    """Y(base) less Y with the chain's keys and values replaced by the base run's own; exactly 0, or something is wrong.

    Nothing is taken for granted, not even that equal worlds need no pass. On the way of a read effect, the base chain
    is run twice after its question, and the one's keys and values are swapped into the other; where that leaves all
    that is read as it was, bit by bit, so is what is read off. On the way of a state effect, they are kept in one pass
    and written in another (`written`). The larger difference is returned.
    """
    pair = contexts.pair
    readout = reading(pair.readers, model.device, [outcome])
    runs = (run_again(model, contexts, outcome, 0) if again is None else again).base
    begin = len(pair.questions[World.BASE])
    question, base, other = runs[0].part(0, begin), *(run.part(begin, len(run)) for run in runs)
    whole = Cell(tuple(range(len(base))), tuple(range(model.facts.layers)))
    plain, swapped = (swapped_past(question, base, other, [cell] * len(readout.ids)) for cell in (None, whole))
    own = (rewritten(model, contexts, outcome) if written is None else written).own
    if all(
        torch.equal(one, two) for pair_of in zip(plain, swapped, strict=True) for one, two in zip(*pair_of, strict=True)
    ):
        return own
    y = [read_off(readout, read(model, readout.ids, past, last=readout.last), outcome) for past in (plain, swapped)]
    return max(y[0] - y[1], own, key=abs)


def after_readers(contexts: Contexts, written: Rewritten) -> float:
    """Y(base) less Y with keys and values replaced at positions after the readers; exactly 0, or the future leaks.

    Args:
        contexts: From `run_contexts`.
        written: From `rewritten`.

    Raises:
        ItemError: The replacement changes nothing at those positions either, or the model's context ends there.
    """
    pair = contexts.pair
    if isnan(written.after):
        raise ItemError(pair.id, f"the context of {written.end} tokens ends with the answer", code="too_long")
    if not written.moved:
        raise vacuous(pair, "what is put after the readers changes nothing there either")
    return written.after


def rewritten(model: Model, contexts: Contexts, outcome: Outcome) -> Rewritten:
    """Keeps the base run's keys and values after its question, with some tokens after the readers, and writes them.

    Its own are written up to the answer and others after it, in one pass: where that leaves every logit up to the
    answer as it was, bit by bit, neither does anything. Else its own are written by themselves, to tell which does.
    The question is not run again: nothing is written there.
    """
    pair = contexts.pair
    run = sequences(model, pair, World.BASE, [outcome])
    end, at = int(run.ids.shape[1]), run.readout.last
    most = most_tokens(model)
    room = AFTERWARDS if most is None else max(0, most - end)
    extra = torch.tensor(pair.traces[World.BASE].ids[: min(room, AFTERWARDS)], dtype=torch.long, device=model.device)
    ids = torch.cat([run.ids[:, run.start :], extra.expand(len(run.ids), -1)], dim=1)
    past = stacked([[contexts.question(World.BASE, World.BASE)]])
    pass_of = partial(forward, model, ids, past=past, last=at + len(extra))
    sites = [Site(model.need(component), layer) for component in _KV for layer in range(model.facts.layers)]
    clean = pass_of(keep=sites)
    others = {}
    for site, value in clean.kept.items():
        others[site] = value.clone()
        others[site][:, end - run.start :] = value[:, : len(extra)]

    def effect(changed: Tensor) -> float:
        return read_off(run.readout, clean.logits[:, :at], outcome) - read_off(run.readout, changed[:, :at], outcome)

    both = pass_of(writes=others).logits
    still = torch.equal(both[:, :at], clean.logits[:, :at])
    own = 0.0 if still else effect(pass_of(writes=clean.kept).logits)
    after = effect(both) if len(extra) else float("nan")
    return Rewritten(own, after, end, moved=not torch.equal(both[:, at:], clean.logits[:, at:]))


def vacuous(pair: Encoded, why: str) -> ItemError:
    """A control that could not have failed."""
    return ItemError(pair.id, f"vacuous: {why}", code="vacuous")
