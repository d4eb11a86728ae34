"""What some tokens of a chain carry together: all of them hidden at once, as effects of tokens do not add up."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mediate.mediation.cells import Cell
from mediate.mediation.contrasts.hidden import Sights
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model


def hidden_together(
    model: Model, sights: Sights, sets: Sequence[Sequence[int]], outcome: Outcome
) -> Float[np.ndarray, " set"]:
    """Y as it is less Y where the readers cannot attend to a set's positions in any layer; 0 of an empty set.

    Args:
        model: The hooked model.
        sights: The item's keys and values.
        sets: Positions of the chain, counted from its start.
        outcome: What is read off, which says the unit.

    Raises:
        InputError: The model's self-check of knockouts failed, or a position outside the chain.
    """
    layers = tuple(range(model.facts.layers))
    some = [place for place, each in enumerate(sets) if each]
    cells = [Cell(tuple(sorted(sets[place])), layers) for place in some]
    found = np.zeros(len(sets))
    if cells:
        found[some] = knockout_effects(model, sights.item, cells, [outcome], past=sights.seen)[0]
    return found
