"""Controls of a pair: interventions that must do nothing, or that show what the real one stands out from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from math import comb
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.effects.controls import Control, Controlled
from mediate.errors import ItemError
from mediate.mediation.ablation import shuffled_steps
from mediate.mediation.cells import Cell
from mediate.mediation.cube import Contexts, laid_out, read_rows
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.mediation.reads import check_aligned, differs, read_effects, swapped_past
from mediate.mediation.sequences import sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.runs.forward import forward
from mediate.runs.keyvalues import KeyValues, moved, prefill
from mediate.runs.reading import read

RANDOM_DRAWS = 20
LEAST_DRAWS = 5
# Tokens after the answer, for positions that the readers cannot see.
AFTERWARDS = 8

# A context with the wanted answer: the pair and its world.
Elsewhere = tuple[EncodedPair, int]
Found = dict[str, Any]
_KV = (Component.K, Component.V)


def measure_controls(
    model: Model,
    contexts: Contexts,
    outcome: Outcome,
    y: Float[np.ndarray, "2 2 2"],
    *,
    same_answer: Sequence[Elsewhere] = (),
    seed: int = 0,
) -> tuple[Controlled, ...]:
    """Every control of one pair on the model itself; what is vacuous or impossible is refused with its reason.

    That of random weights is in `mediate.mediation.random_weights`.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        outcome: What to read off.
        y: The pair's cube on that outcome.
        same_answer: Other items' worlds whose answer is this pair's base answer; one is drawn.
        seed: Of the draws.
    """
    tie, pair = float(y[1, 1, 1] - y[1, 0, 0]), contexts.pair
    rng = np.random.default_rng(seed)
    written = cache(lambda: rewritten(model, pair, outcome))
    kinds: dict[Control, Callable[[], Found]] = {
        Control.SELF_SOURCE: lambda: {"effect": self_source(model, contexts, outcome, written()), "beside": tie},
        Control.AFTER_READERS: lambda: {"effect": after_readers(model, pair, outcome, written()), "beside": tie},
        Control.RANDOM_POSITIONS: partial(random_positions, model, contexts, outcome, rng),
        Control.SAME_ANSWER: lambda: {
            "effect": chain_of_another(model, contexts, outcome, y, same_answer, rng),
            "beside": tie,
        },
        Control.SHUFFLED_STEPS: lambda: {"effect": shuffled(model, contexts, outcome, y, seed), "beside": tie},
    }
    return tuple(controlled(pair, control, outcome, measure) for control, measure in kinds.items())


def controlled(pair: EncodedPair, control: Control, outcome: Outcome, measure: Callable[[], Found]) -> Controlled:
    """What a control finds, or why it finds nothing: it must not cost what was measured before it."""
    try:
        values = measure()
        if not np.isfinite(values["effect"]):
            raise ItemError(pair.id, "the logits are NaN or infinite", code="nonfinite")
    except Exception as refusal:
        reason = refusal.reason if isinstance(refusal, ItemError) else " ".join(str(refusal).split())[:200]
        return Controlled(pair.id, pair.group, control, outcome.value, reason=reason or type(refusal).__name__)
    return Controlled(pair.id, pair.group, control, outcome.value, **values)


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


def self_source(model: Model, contexts: Contexts, outcome: Outcome, written: Rewritten | None = None) -> float:
    """Y(base) less Y with the chain's keys and values replaced by the base run's own; exactly 0, or something is wrong.

    Nothing is taken for granted, not even that equal worlds need no pass. On the way of a read effect, the base chain
    is run twice after its question, and the one's keys and values are swapped into the other; on that of a state
    effect, they are kept in one pass and written in another (`written`). The larger difference is returned.
    """
    pair = contexts.pair
    tokens = reading(pair.readers, model.device, whole_answers=outcome is Outcome.LOGPROB_DIFF)
    ids, question = torch.tensor([pair.traces[1].ids], device=model.device), contexts.question(1, 1)
    runs = prefill(model, ids.expand(2, -1), past=question)
    if differs(runs[0], runs[1], Cell(tuple(range(len(runs[0]))), tuple(range(model.facts.layers)))):
        # Two rows of one pass may be rounded apart where two passes are not.
        runs = [prefill(model, ids, past=question)[0] for _ in range(2)]
    base, again = (run.part(len(question), len(run)) for run in runs)
    whole = Cell(tuple(range(len(base))), tuple(range(model.facts.layers)))
    y = [
        read_off(tokens, read(model, tokens.ids, swapped_past(question, base, other, rows), last=tokens.last), outcome)
        for other, rows in ((base, [None] * len(tokens.ids)), (again, [whole] * len(tokens.ids)))
    ]
    own = (rewritten(model, pair, outcome) if written is None else written).own
    return max(y[0] - y[1], own, key=abs)


def after_readers(model: Model, pair: EncodedPair, outcome: Outcome, written: Rewritten | None = None) -> float:
    """Y(base) less Y with keys and values replaced at positions after the readers; exactly 0, or the future leaks.

    Raises:
        ItemError: The replacement changes nothing at those positions either, or the model's context ends there.
    """
    written = rewritten(model, pair, outcome) if written is None else written
    if np.isnan(written.after):
        raise ItemError(pair.id, f"the context of {written.end} tokens ends with the answer", code="too_long")
    if not written.moved:
        raise _vacuous(pair, "what is put after the readers changes nothing there either")
    return written.after


def rewritten(model: Model, pair: EncodedPair, outcome: Outcome) -> Rewritten:
    """Keeps the base run's keys and values, with some tokens after the readers, and writes into another pass.

    Its own are written up to the answer and others after it, in one pass: where that leaves every logit up to the
    answer as it was, bit by bit, neither does anything. Else its own are written by themselves, to tell which does.
    """
    run = sequences(model, pair, 1, [outcome])
    end, at = int(run.ids.shape[1]), run.tokens.last
    room = max(0, model.facts.context - end) if model.facts.context else AFTERWARDS
    extra = torch.tensor(pair.traces[1].ids[: min(room, AFTERWARDS)], dtype=torch.long, device=model.device)
    ids, last = torch.cat([run.ids, extra.expand(len(run.ids), -1)], dim=1), at + len(extra)
    sites = [Site(model.need(component), layer) for component in _KV for layer in range(model.facts.layers)]
    clean = forward(model, ids, keep=sites, last=last)
    others = {}
    for site, value in clean.kept.items():
        others[site] = value.clone()
        others[site][:, end:] = value[:, run.start : run.start + len(extra)]

    def logits(writes: Mapping[Site, Tensor]) -> Tensor:
        return forward(model, ids, writes=writes, last=last).logits

    def effect(changed: Tensor) -> float:
        return read_off(run.tokens, clean.logits[:, :at], outcome) - read_off(run.tokens, changed[:, :at], outcome)

    both = logits(others)
    still = torch.equal(both[:, :at], clean.logits[:, :at])
    own = 0.0 if still else effect(logits(clean.kept))
    after = effect(both) if len(extra) else float("nan")
    return Rewritten(own, after, end, moved=not torch.equal(both[:, at:], clean.logits[:, at:]))


def random_positions(model: Model, contexts: Contexts, outcome: Outcome, rng: np.random.Generator) -> Found:
    """The read effect of CoT positions drawn among those with the same word in both worlds.

    They are matched in number alone: words that differ mostly stand together, and these do not.

    Returns:
        `effect`, the mean size over distinct draws; `beside`, the read effect of the positions whose words differ, as
        many; `p`, the share of draws, the real one included, whose size is at least that; `draws`, which is fewer than
        usual where there are not as many ways to draw.

    Raises:
        ItemError: The chains cannot be aligned, no words differ, there are hardly any ways to draw, or nothing differs
            at the positions to draw from, so that a draw cannot move anything.
    """
    pair = contexts.pair
    check_aligned(pair)
    source, base = (trace.ids for trace in pair.traces)
    differing = tuple(place for place in range(len(base)) if base[place] != source[place])
    same = [place for place in range(len(base)) if base[place] == source[place]]
    if not differing:
        raise _vacuous(pair, "the two chains have the same words")
    draws = min(RANDOM_DRAWS, comb(len(same), len(differing)))
    if draws < LEAST_DRAWS:
        raise _vacuous(
            pair, f"there are {draws} ways to draw {len(differing)} of the {len(same)} words that are the same"
        )
    layers = tuple(range(model.facts.layers))
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < draws:
        drawn[tuple(sorted(rng.choice(same, len(differing), replace=False).tolist()))] = None
    effects = read_effects(model, contexts, [Cell(each, layers) for each in (differing, *drawn)], outcome)
    if not effects[1:].any():
        raise _vacuous(pair, "keys and values are the same in both worlds at the positions to draw from")
    at_least = int((abs(effects[1:]) >= abs(effects[0])).sum())
    return {
        "effect": float(abs(effects[1:]).mean()),
        "beside": float(effects[0]),
        "p": (1 + at_least) / (1 + draws),
        "draws": draws,
    }


def chain_of_another(
    model: Model,
    contexts: Contexts,
    outcome: Outcome,
    y: Float[np.ndarray, "2 2 2"],
    candidates: Sequence[Elsewhere],
    rng: np.random.Generator,
) -> float:
    """Y[1,1,1] less Y when the readers find, after the base question, another item's chain that has the same answer.

    Raises:
        ItemError: There is no such item, or it does not fit into the model's context.
        InputError: The questions differ in length and the model's keys cannot be moved.
    """
    pair = contexts.pair
    if not candidates:
        raise ItemError(pair.id, "no other item has the same answer; give more items", code="no_same_answer")
    other, world = candidates[int(rng.integers(len(candidates)))]
    ids, begin = other.context(world, world), len(other.questions[world])
    question, _ = laid_out(model, contexts, 1, 1, 1)
    tokens = reading(pair.readers, model.device, whole_answers=outcome is Outcome.LOGPROB_DIFF)
    length = len(question) + len(ids) - begin + int(tokens.ids.shape[1])
    if model.facts.context and length > model.facts.context:
        raise ItemError(pair.id, f"with the chain of {other.id!r}, {length} tokens are too many", code="too_long")
    whole = prefill(model, torch.tensor([ids], device=model.device))[0]
    chain = moved(model, whole.part(begin, len(whole)), len(question))
    return float(y[1, 1, 1]) - _read_after(model, pair, outcome, [question, chain])


def shuffled(model: Model, contexts: Contexts, outcome: Outcome, y: Float[np.ndarray, "2 2 2"], seed: int) -> float:
    """Y[1,1,1] less Y when the readers find the chain's own steps, run after the base question in another order.

    The same as ablating all keys and values of the chain by `Reference.SHUFFLED`, which is its slow twin.

    Raises:
        InputError: The chain has fewer than two steps.
    """
    pair = contexts.pair
    chain = pair.traces[1].ids
    ids = torch.tensor([[chain[place] for place in shuffled_steps(pair, seed)]], device=model.device)
    question = contexts.question(1, 1)
    whole = prefill(model, ids, past=question)[0]
    return float(y[1, 1, 1]) - _read_after(model, pair, outcome, [question, whole.part(len(question), len(whole))])


def _read_after(model: Model, pair: EncodedPair, outcome: Outcome, past: Sequence[KeyValues]) -> float:
    """The outcome when the pair's readers find these keys and values."""
    tokens = reading(pair.readers, model.device, whole_answers=outcome is Outcome.LOGPROB_DIFF)
    return read_off(tokens, read_rows(model, [tokens], [past])[0], outcome)


def _vacuous(pair: EncodedPair, why: str) -> ItemError:
    return ItemError(pair.id, f"vacuous: {why}", code="vacuous")
