"""What readers lose where a chain's keys and values are those computed without sight of the question."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mediate.mediation.cells import Cell, check_cell
from mediate.mediation.contrasts.hidden import Sights, grounded
from mediate.mediation.kinds.read import reader_choice, stretch_effects
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model


def blind_effects(
    model: Model, sights: Sights, cells: Sequence[Cell], outcome: Outcome, readers: Sequence[int] | None = None
) -> Float[np.ndarray, " cell"]:
    """Y as it is, less Y where readers find a cell's keys and values as computed blind; everything else as it was.

    All cells at once give *blind*, `Y111 - Y110`; the cells' effects do not add up to it in general. The words are the
    same on both sides: what is lost is what the chain's state there had taken from the question.

    Args:
        model: The hooked model.
        sights: The item's keys and values, with and without sight of its question.
        cells: Where; units are KV heads.
        outcome: What to read off.
        readers: Which readers, counted from the first token after the chain; all of them by default.

    Raises:
        InputError: A cell outside the chain or the model, or a reader that does not exist.
    """
    item = sights.item
    for cell in cells:
        check_cell(model, item, cell)
    readout = grounded(model, sights, outcome)
    chosen = reader_choice(item, int(readout.ids.shape[1]), readers)
    begin, end, stop = len(item.question), len(item.whole), item.hidden[1]
    stretches = (
        sights.seen.part(0, begin),
        sights.seen.part(begin, end),
        sights.blind.part(begin - stop, end - stop),
    )
    return stretch_effects(model, stretches, readout, cells, outcome, chosen)
