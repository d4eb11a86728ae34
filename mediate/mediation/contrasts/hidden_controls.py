"""Controls of an item by itself: what must change nothing, and what the real effect should differ from."""

from collections.abc import Callable, Sequence
from functools import partial
from math import comb

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mediate.errors import ItemError
from mediate.mediation.contrasts.hidden import Sights, grounded
from mediate.mediation.kinds.controls import (
    LEAST_DRAWS,
    RANDOM_DRAWS,
    Found,
    among_draws,
    controlled,
    distinct_draws,
)
from mediate.mediation.kinds.cube import read_past
from mediate.mediation.kinds.exact_controls import AFTERWARDS, vacuous
from mediate.mediation.kinds.references import shuffled_steps
from mediate.mediation.outcomes import Outcome, Reading, read_off
from mediate.models.model import Model
from mediate.models.rope import most_tokens
from mediate.passes.hiding import hiding
from mediate.passes.keyvalues import run_on, stacked
from mediate.results.controls import Control, Controlled

# All but random weights, in the order in which they are stored.
OF_ITEMS = (Control.HIDE_NOTHING, Control.HIDE_AFTER, Control.RANDOM_HIDDEN, Control.SHUFFLED_STEPS)


def measure_item_controls(
    model: Model,
    sights: Sights,
    outcome: Outcome,
    y: Float[np.ndarray, "2 2 2"],
    *,
    statement: tuple[int, int] | None = None,
    seed: int = 0,
) -> tuple[Controlled, ...]:
    """Every control of one item on the model itself; what is vacuous or impossible is refused with its reason.

    Args:
        model: The hooked model.
        sights: From `run_sights`.
        outcome: What to read off.
        y: The item's cube on that outcome.
        statement: The range of the chain's tokens that last state the answer; None where none do.
        seed: Of the draws.
    """
    tie = float(y[1, 1, 1] - y[1, 0, 0])
    rng = np.random.default_rng(seed)
    kinds: dict[Control, Callable[[], Found]] = {
        Control.HIDE_NOTHING: lambda: {"effect": hide_nothing(model, sights, outcome), "beside": tie},
        Control.HIDE_AFTER: lambda: {"effect": hide_after(model, sights, outcome), "beside": tie},
        Control.RANDOM_HIDDEN: partial(random_hidden, model, sights, outcome, statement, rng),
        Control.SHUFFLED_STEPS: lambda: {
            "effect": float(y[1, 1, 1]) - shuffled(model, sights, outcome, seed),
            "beside": tie,
        },
    }
    return tuple(controlled(sights.item, control, outcome, measure) for control, measure in kinds.items())


def hide_nothing(model: Model, sights: Sights, outcome: Outcome) -> float:
    """Y as it is, read without any mask, less Y with a mask that hides nothing; exactly 0, or the mask does more."""
    tokens, past = grounded(model, sights, outcome), stacked([sights.laid_out(1, 1)])
    plain = read_past(model, [tokens], past)[0]
    with hiding(model, _mask(model, tokens, len(sights.seen), ())):
        masked = read_past(model, [tokens], past)[0]
    return read_off(tokens, plain, outcome) - read_off(tokens, masked, outcome)


def hide_after(model: Model, sights: Sights, outcome: Outcome) -> float:
    """Y as it is, less Y with tokens hidden that come after the readers; exactly 0, or the future leaks.

    Raises:
        ItemError: The model's context ends with the answer, or nothing changes after the readers either.
    """
    item, tokens, past = sights.item, grounded(model, sights, outcome), stacked([sights.laid_out(1, 1)])
    most = most_tokens(model)
    room = AFTERWARDS if most is None else min(AFTERWARDS, most - item.length)
    extra = torch.tensor([item.trace.ids[: max(0, room)]], device=model.device)
    if extra.shape[1] < 2:
        raise ItemError(item.id, f"the context of {item.length} tokens ends with the answer", code="too_long")
    longer = Reading(
        torch.cat([tokens.ids, extra.expand(len(tokens.ids), -1)], dim=1), tokens.last + extra.shape[1], tokens.readers
    )
    end = len(sights.seen) + tokens.ids.shape[1]
    logits = []
    for hidden in ((), range(end, end + extra.shape[1] - 1)):
        with hiding(model, _mask(model, longer, len(sights.seen), hidden)):
            logits.append(read_past(model, [longer], past)[0])
    if torch.equal(logits[0][:, tokens.last :], logits[1][:, tokens.last :]):
        raise vacuous(item, "what is hidden after the readers changes nothing there either")
    plain, masked = (read_off(tokens, each[:, : tokens.last], outcome) for each in logits)
    return plain - masked


def random_hidden(
    model: Model, sights: Sights, outcome: Outcome, statement: tuple[int, int] | None, rng: np.random.Generator
) -> Found:
    """The effect of hiding CoT tokens from the readers, drawn at random, as many as state the answer.

    Where the chain does not state it, the last step is taken for its statement. The draws are from the rest of the
    chain.

    Returns:
        `effect`, the mean size over distinct draws; `beside`, the effect of hiding the statement; `p`, the share of
        draws, the real one included, whose size is at least that; `draws`.

    Raises:
        ItemError: There are hardly any ways to draw.
    """
    item, tokens = sights.item, grounded(model, sights, outcome)
    stated = tuple(range(*(statement or item.trace.step_spans[-1])))
    rest = [place for place in range(len(item.trace.ids)) if place not in stated]
    draws = min(RANDOM_DRAWS, comb(len(rest), len(stated)))
    if draws < LEAST_DRAWS:
        what = "its last step" if statement is None else "the tokens that state its answer"
        raise vacuous(item, f"beside {what} the chain has hardly more tokens, so there is little to draw from")
    begin, drawn = len(item.question), distinct_draws(rng, rest, len(stated), draws)
    past = stacked([sights.laid_out(1, 1)])
    values = []
    for places in ((), stated, *drawn):
        with hiding(model, _mask(model, tokens, len(sights.seen), [begin + place for place in places])):
            values.append(read_off(tokens, read_past(model, [tokens], past)[0], outcome))
    return among_draws(values[0] - np.array(values[1:]))


def shuffled(model: Model, sights: Sights, outcome: Outcome, seed: int) -> float:
    """Y where the chain's own steps stand in another order, run after the question.

    Raises:
        ItemError: The chain has fewer than two steps.
    """
    item, tokens = sights.item, grounded(model, sights, outcome)
    if len(item.trace.step_spans) < 2:
        raise vacuous(item, "a chain of fewer than two steps cannot be shuffled")
    chain = torch.tensor([[item.trace.ids[place] for place in shuffled_steps(item, seed)]], device=model.device)
    ids = torch.cat([chain.expand(len(tokens.ids), -1), tokens.ids], dim=1)
    _, logits = run_on(model, ids, past=sights.seen.part(0, len(item.question)), last=tokens.last)
    return read_off(tokens, logits, outcome)


def _mask(model: Model, tokens: Reading, before: int, hidden: Sequence[int]) -> Bool[Tensor, "row key_pos"]:
    rows, width = tokens.ids.shape
    mask = torch.zeros(rows, before + width, dtype=torch.bool, device=model.device)
    mask[:, list(hidden)] = True
    return mask
