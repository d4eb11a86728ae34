"""Controls of an item that is held against others: those of an item by itself, and the item against itself."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from mediate.mediation.contrasts.hidden import Sights
from mediate.mediation.contrasts.hidden_controls import OF_ITEMS, measure_item_controls
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.controls import Found, controlled
from mediate.mediation.kinds.cube import read_past
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.models.model import Model
from mediate.passes.keyvalues import prefill, stacked
from mediate.results.controls import Control, Controlled
from mediate.results.cube import CELLS

# In the order in which they are stored.
OF_OTHERS = (*OF_ITEMS, Control.SELF_OTHER)


def measure_other_controls(
    model: Model,
    sights: Sights,
    outcome: Outcome,
    y: Float[np.ndarray, "2 2 2"],
    *,
    statement: tuple[int, int] | None = None,
    seed: int = 0,
) -> tuple[Controlled, ...]:
    """`measure_item_controls`, and the item held against itself."""
    of_item = measure_item_controls(model, sights, outcome, y, statement=statement, seed=seed)

    def itself() -> Found:
        return {"effect": self_other(model, sights.item, outcome), "beside": float(y[1, 1, 1] - y[1, 0, 0])}

    return (*of_item, controlled(sights.item, Control.SELF_OTHER, outcome, itself))


def self_other(model: Model, item: EncodedItem, outcome: Outcome) -> float:
    """The item held against itself: the largest difference of a cell from Y as it is; exactly 0, or something is wrong.

    Nothing is taken for granted, not even that equal tokens need no pass: the item is run twice, and every cell is a
    pass of its own.
    """
    ids = torch.tensor([item.whole], device=model.device)
    runs = [prefill(model, ids)[0] for _ in range(2)]
    tokens, begin = reading(item.readers, model.device, [outcome]), len(item.question)
    tokens = replace(tokens, whole=read_past(model, [tokens], stacked([[runs[1]]]))[0])
    found = []
    for d, t, h in CELLS:
        question, chain = runs[d].part(0, begin), runs[t and h].part(begin, len(item.whole))
        found.append(read_off(tokens, read_past(model, [tokens], stacked([[question, chain]]))[0], outcome))
    return max((value - found[-1] for value in found), key=abs)
