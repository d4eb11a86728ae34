"""Interventions of one's own on the run as it is, which of a pair is the base: what its outcomes lose under them.

`PreparedPair` and `PreparedItem` have these as methods of their own.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.alone import Subject
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.sequences import outcomes_under, own_sequences
from mediate.passes.interventions import Interventions, Values, check_rows, first_position


def ids(self: Subject) -> Int[Tensor, "row pos"]:
    """The run in tokens: question, chain, cue, and the answers but for their last token.

    Outcomes of answers of several tokens take a row for each answer; all rows have the same question and chain.
    """
    found: Int[Tensor, "row pos"] = own_sequences(self.model, self.encoded(), self.outcomes).ids
    return found


def chain(self: Subject) -> range:
    """The chain's positions in `ids`. A cell counts its positions from the first of them."""
    run = own_sequences(self.model, self.encoded(), self.outcomes)
    return range(run.start, run.stop)


def intervene(
    self: Subject, rows: Sequence[Interventions], values: Values | None = None
) -> Float[np.ndarray, "outcome row"]:
    """What each outcome loses under each of some sets of interventions: Y as it is less Y under them, in its unit.

    Args:
        self: The pair or item.
        rows: Sets of interventions, each a tuple of `Patch`, `Knockout`, `Write` or records of one's own with
            `actions`. Positions are those of `ids`.
        values: What is put in place, by name and site: `pos ...`, over all positions of `ids`; none by default.

    Raises:
        InputError: A set is empty, or a place is outside of the model or the run, or what it puts there is not given.
    """
    run, given = own_sequences(self.model, self.encoded(), self.outcomes), values or {}
    for number, row in enumerate(rows):
        if not row:
            raise InputError(f"intervene: set {number} of {len(rows)} is empty; leave it out")
    check_rows(self.model, rows, int(run.ids.shape[1]))
    places = [place for row in rows if (place := first_position(row)) is not None]
    if min(places, default=0) < run.start:
        # What the question's own tokens go through is run again in whole.
        y = outcomes_under(self.model, run, self.outcomes, [(), *rows], given)
        here, y = y[:, 0], y[:, 1:]
    else:
        clean = branching_point(self.model, run, self.outcomes)
        here, y = branched_outcomes(self.model, run, self.outcomes, rows, given, clean)
    lost: Float[np.ndarray, "outcome row"] = here[:, None] - y
    return lost
