"""Controls of a pair: interventions that must do nothing, or that show what the real one stands out from."""

from collections.abc import Callable, Sequence
from functools import partial
from math import comb
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr

from mediate.effects.controls import Control, Controlled
from mediate.effects.cube import total_effect
from mediate.errors import ItemError
from mediate.mediation.ablation import ablation_effects
from mediate.mediation.cells import Cell
from mediate.mediation.cube import Contexts, laid_out, measure_cube, read_rows, run_contexts
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.mediation.reads import check_aligned, read_effects, read_map, swapped_past
from mediate.mediation.sequences import sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.runs.forward import forward
from mediate.runs.interventions import Reference
from mediate.runs.keyvalues import moved, prefill
from mediate.runs.reading import read

RANDOM_DRAWS = 20
LEAST_DRAWS = 5
# Tokens after the answer, for positions that the readers cannot see.
AFTERWARDS = 8

# A context with the wanted answer: the pair and its world.
Elsewhere = tuple[EncodedPair, int]
_Found = dict[str, Any]
_KV = (Component.K, Component.V)


def measure_controls(
    model: Model,
    contexts: Contexts,
    outcome: Outcome,
    y: Float[np.ndarray, "2 2 2"],
    *,
    same_answer: Sequence[Elsewhere] = (),
    random_model: Model | None = None,
    seed: int = 0,
) -> tuple[Controlled, ...]:
    """Every control of one pair; what is vacuous or impossible there is refused with its reason.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        outcome: What to read off.
        y: The pair's cube on that outcome.
        same_answer: Other items' worlds whose answer is this pair's base answer; one is drawn.
        random_model: From `mediate.models.blank.random_weights`; without one, that control is not run.
        seed: Of the draws.
    """
    tie, te = float(y[1, 1, 1] - y[1, 0, 0]), float(y[1, 1, 1] - y[0, 0, 0])
    rng = np.random.default_rng(seed)
    kinds: dict[Control, Callable[[], _Found]] = {
        Control.SELF_SOURCE: lambda: {"effect": self_source(model, contexts, outcome), "beside": tie},
        Control.AFTER_READERS: lambda: {"effect": after_readers(model, contexts.pair, outcome), "beside": tie},
        Control.RANDOM_POSITIONS: partial(random_positions, model, contexts, outcome, rng),
        Control.SAME_ANSWER: lambda: {
            "effect": chain_of_another(model, contexts, outcome, y, same_answer, rng),
            "beside": tie,
        },
        Control.SHUFFLED_STEPS: lambda: {"effect": shuffled(model, contexts.pair, outcome, seed), "beside": tie},
    }
    if random_model is not None:
        kinds[Control.RANDOM_WEIGHTS] = lambda: (
            random_weights_effect(model, random_model, contexts, outcome) | {"beside": te}
        )
    found = []
    for control, measure in kinds.items():
        pair = contexts.pair
        try:
            values = measure()
            if not np.isfinite(values["effect"]):
                raise ItemError(pair.id, "the logits are NaN or infinite", code="nonfinite")
        except Exception as refusal:  # a control that fails must not cost what was measured before it
            reason = refusal.reason if isinstance(refusal, ItemError) else " ".join(str(refusal).split())[:200]
            reason = reason or type(refusal).__name__
            found.append(Controlled(pair.id, pair.group, control, outcome.value, reason=reason))
        else:
            found.append(Controlled(pair.id, pair.group, control, outcome.value, **values))
    return tuple(found)


def self_source(model: Model, contexts: Contexts, outcome: Outcome) -> float:
    """Y(base) less Y with the chain's keys and values replaced by the base run's own; exactly 0, or something is wrong.

    Nothing is taken for granted, not even that equal worlds need no pass. On the way of a read effect, the base context
    is run again, and its keys and values are swapped in; on that of a state effect, they are kept in one pass and
    written in another. The larger difference is returned.
    """
    pair = contexts.pair
    tokens = reading(pair.readers, model.device, whole_answers=outcome is Outcome.LOGPROB_DIFF)
    question, base = laid_out(model, contexts, 1, 1, 1)
    _, again = laid_out(model, run_contexts(model, pair), 1, 1, 1)
    whole = Cell(tuple(range(len(base))), tuple(range(model.facts.layers)))
    y = [
        read_off(tokens, read(model, tokens.ids, swapped_past(question, base, other, rows), last=tokens.last), outcome)
        for other, rows in ((base, [None] * len(tokens.ids)), (again, [whole] * len(tokens.ids)))
    ]
    return max(y[0] - y[1], _written_back(model, pair, outcome), key=abs)


def _written_back(model: Model, pair: EncodedPair, outcome: Outcome) -> float:
    run = sequences(model, pair, 1, [outcome])
    sites = [Site(model.need(component), layer) for component in _KV for layer in range(model.facts.layers)]
    clean = forward(model, run.ids, keep=sites, last=run.tokens.last)
    again = forward(model, run.ids, writes=clean.kept, last=run.tokens.last)
    return read_off(run.tokens, clean.logits, outcome) - read_off(run.tokens, again.logits, outcome)


def after_readers(model: Model, pair: EncodedPair, outcome: Outcome) -> float:
    """Y(base) less Y with keys and values replaced at positions after the readers; exactly 0, or the future leaks.

    Raises:
        ItemError: The replacement changes nothing at those positions either, or the model's context ends there.
    """
    run = sequences(model, pair, 1, [outcome])
    end = int(run.ids.shape[1])
    room = model.facts.context - end if model.facts.context else AFTERWARDS
    if room < 1:
        raise ItemError(pair.id, f"the context of {end} tokens ends with the answer", code="too_long")
    extra = torch.tensor(pair.traces[1].ids[: min(room, AFTERWARDS)], device=model.device).expand(len(run.ids), -1)
    ids, last = torch.cat([run.ids, extra], dim=1), run.tokens.last + int(extra.shape[1])
    sites = [Site(model.need(component), layer) for component in _KV for layer in range(model.facts.layers)]
    clean = forward(model, ids, keep=sites, last=last)
    writes = {}
    for site, value in clean.kept.items():
        writes[site] = value.clone()
        writes[site][:, end:] = value[:, run.start : run.start + extra.shape[1]]
    changed = forward(model, ids, writes=writes, last=last).logits
    at = run.tokens.last
    if torch.equal(changed[:, at:], clean.logits[:, at:]):
        raise _vacuous(pair, "what is put after the readers changes nothing there either")
    y = [read_off(run.tokens, logits[:, :at], outcome) for logits in (clean.logits, changed)]
    return y[0] - y[1]


def random_positions(model: Model, contexts: Contexts, outcome: Outcome, rng: np.random.Generator) -> _Found:
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
    logits = read_rows(model, [tokens], [[question, chain]])[0]
    return float(y[1, 1, 1]) - read_off(tokens, logits, outcome)


def shuffled(model: Model, pair: EncodedPair, outcome: Outcome, seed: int) -> float:
    """Y(base) less Y with the chain's keys and values from a run in which its steps stand in another order."""
    whole = Cell(tuple(range(len(pair.traces[1].ids))), tuple(range(model.facts.layers)))
    found = ablation_effects(model, pair, list(_KV), [whole], [outcome], Reference.SHUFFLED, seed=seed)
    return float(found.effects[0, 0])


def random_weights_effect(model: Model, blank: Model, contexts: Contexts, outcome: Outcome) -> _Found:
    """TE of the same pair in a model with random weights, and the rank correlation of the two models' read effects.

    The correlation is over step and layer; NaN where the chains cannot be aligned.
    """
    pair = contexts.pair
    theirs = run_contexts(blank, pair)
    te = float(total_effect(measure_cube(blank, theirs, [outcome]))[0])
    if not np.isfinite(te):
        return {"effect": te}
    try:
        maps = [
            read_map(each, runs, ("step", "layer"), outcome, te).values
            for each, runs in ((model, contexts), (blank, theirs))
        ]
    except ItemError:
        return {"effect": te}
    flat = [each.ravel() for each in maps]
    varied = len(flat[0]) > 2 and all(np.ptp(each) > 0 for each in flat)
    return {"effect": te, "rank": float(spearmanr(*flat).statistic) if varied else float("nan")}


def _vacuous(pair: EncodedPair, why: str) -> ItemError:
    return ItemError(pair.id, f"vacuous: {why}", code="vacuous")
