"""Controls of a pair: interventions that must do nothing, and others that the real one should differ from."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from math import comb
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.errors import ItemError, one_line
from mediate.mediation.alignment import check_aligned
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import Contexts, laid_out, read_rows
from mediate.mediation.kinds.exact_controls import Again, after_readers, rewritten, run_again, self_source, vacuous
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.models.model import Model
from mediate.models.rope import most_tokens
from mediate.passes.keyvalues import moved, prefill
from mediate.results.controls import Control, Controlled

# All but random weights, in the order in which they are stored.
OF_PAIRS = (
    Control.SELF_SOURCE,
    Control.AFTER_READERS,
    Control.RANDOM_POSITIONS,
    Control.SAME_ANSWER,
    Control.SHUFFLED_STEPS,
)
RANDOM_DRAWS = 20
LEAST_DRAWS = 5

# A context with the wanted answer: the pair and its world.
Elsewhere = tuple[EncodedPair, int]
Found = dict[str, Any]


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

    That of random weights is in `mediate.mediation.kinds.random_weights`.

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
    written = cache(lambda: rewritten(model, contexts, outcome))
    again = cache(lambda: run_again(model, contexts, outcome, seed))
    kinds: dict[Control, Callable[[], Found]] = {
        Control.SELF_SOURCE: lambda: {
            "effect": self_source(model, contexts, outcome, written(), again()),
            "beside": tie,
        },
        Control.AFTER_READERS: lambda: {"effect": after_readers(contexts, written()), "beside": tie},
        Control.RANDOM_POSITIONS: partial(random_positions, model, contexts, outcome, rng),
        Control.SAME_ANSWER: lambda: {
            "effect": chain_of_another(model, contexts, outcome, y, same_answer, rng),
            "beside": tie,
        },
        Control.SHUFFLED_STEPS: lambda: {"effect": shuffled(contexts, y, again()), "beside": tie},
    }
    return tuple(controlled(pair, control, outcome, measure) for control, measure in kinds.items())


def controlled(pair: Encoded, control: Control, outcome: Outcome, measure: Callable[[], Found]) -> Controlled:
    """What a control finds, or why it finds nothing: it must not cost what was measured before it."""
    try:
        values = measure()
        if not np.isfinite(values["effect"]):
            raise ItemError(pair.id, "the logits are NaN or infinite", code="nonfinite")
    except Exception as refusal:
        reason = refusal.reason if isinstance(refusal, ItemError) else one_line(refusal)
        return Controlled(pair.id, pair.group, control, str(outcome), reason=reason)
    return Controlled(pair.id, pair.group, control, str(outcome), **values)


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
        raise vacuous(pair, "the two chains have the same words")
    draws = min(RANDOM_DRAWS, comb(len(same), len(differing)))
    if draws < LEAST_DRAWS:
        raise vacuous(
            pair, f"there are {draws} ways to draw {len(differing)} of the {len(same)} words that are the same"
        )
    layers = tuple(range(model.facts.layers))
    drawn = distinct_draws(rng, same, len(differing), draws)
    effects = read_effects(model, contexts, [Cell(each, layers) for each in (differing, *drawn)], outcome)
    if not effects[1:].any():
        raise vacuous(pair, "keys and values are the same in both worlds at the positions to draw from")
    return among_draws(effects)


def distinct_draws(rng: np.random.Generator, places: Sequence[int], size: int, count: int) -> list[tuple[int, ...]]:
    """So many different sets of places, in the order in which they are drawn; there must be as many."""
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < count:
        drawn[tuple(sorted(rng.choice(places, size, replace=False).tolist()))] = None
    return list(drawn)


def among_draws(effects: Float[np.ndarray, " effect"]) -> Found:
    """The real effect, which comes first, beside those of random draws: their mean size, and its place among them."""
    real, drawn = effects[0], effects[1:]
    at_least = int((abs(drawn) >= abs(real)).sum())
    return {
        "effect": float(abs(drawn).mean()),
        "beside": float(real),
        "p": (1 + at_least) / (1 + len(drawn)),
        "draws": len(drawn),
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
    readout = reading(pair.readers, model.device, [outcome])
    length = len(question) + len(ids) - begin + int(readout.ids.shape[1])
    most = most_tokens(model)
    if most is not None and length > most:
        raise ItemError(pair.id, f"with the chain of {other.id!r}, {length} tokens are too many", code="too_long")
    whole = prefill(model, torch.tensor([ids], device=model.device))[0]
    chain = moved(model, whole.part(begin, len(whole)), len(question))
    return float(y[1, 1, 1]) - read_off(readout, read_rows(model, [readout], [[question, chain]])[0], outcome)


def shuffled(contexts: Contexts, y: Float[np.ndarray, "2 2 2"], again: Again) -> float:
    """Y[1,1,1] less Y when the readers find the chain's own steps, run after the base question in another order.

    The same as ablating all keys and values of the chain by `Reference.SHUFFLED`, which is its slow twin.

    Raises:
        ItemError: The chain has fewer than two steps.
    """
    if again.shuffled is None:
        raise vacuous(contexts.pair, "a chain of fewer than two steps cannot be shuffled")
    return float(y[1, 1, 1]) - again.shuffled
