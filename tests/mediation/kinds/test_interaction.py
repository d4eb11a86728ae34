"""Interactions of two steps: their arithmetic, against single read effects, and their refusals."""

import numpy as np
import pytest

from mediate.errors import ItemError
from mediate.mediation.cells import Cell
from mediate.mediation.kinds.interaction import interactions_of, step_interactions
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.maps import check_map, parse_map
from mediate.mediation.outcomes import Outcome
from tests import tiny
from tests.mediation.kinds.test_read import contexts
from tests.mediation.kinds.test_step_graph import THREE

ONE_STEP = tuple((question, f"Tom has {answer}", answer) for question, _, answer in THREE)


def test_either_and_both_by_hand() -> None:
    """Steps 0 and 1 say the same: 4 is lost with both alone. Steps 1 and 2 are needed both: 3 is lost with either."""
    nothing = np.nan
    single = np.array([0.0, 3.0, 3.0])
    together = np.array([[nothing, 7.0, 3.0], [nothing, nothing, 3.0], [nothing] * 3])
    found = interactions_of(single, together)
    np.testing.assert_array_equal(found, [[nothing, 4.0, 0.0], [nothing, nothing, -3.0], [nothing] * 3])


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_each_is_joint_less_single_read_effects(architecture: str) -> None:
    cell, model = contexts(architecture, *THREE, dtype="float64"), tiny.model(architecture, "float64")
    found = step_interactions(model, cell, Outcome.LOGIT_DIFF)
    assert (found.kind, found.dims) == ("interaction", ("step", "later"))
    spans, layers = cell.pair.traces[1].step_spans, tuple(range(tiny.LAYERS))

    def effect(*steps: int) -> float:
        places = tuple(place for step in steps for place in range(*spans[step]))
        return read_effects(model, cell, [Cell(places, layers)], Outcome.LOGIT_DIFF)[0]

    for step in range(3):
        for later in range(3):
            if later <= step:
                assert np.isnan(found.values[step, later])
                continue
            wanted = effect(step, later) - effect(step) - effect(later)
            assert found.values[step, later] == pytest.approx(wanted, abs=1e-10)
            assert abs(wanted) > 1e-8


def test_a_chain_of_one_step_is_refused() -> None:
    cell = contexts("llama", *ONE_STEP)
    with pytest.raises(ItemError, match="a chain of 1 step has no two") as refused:
        check_map(cell.pair, parse_map("interaction:step,later"))
    assert refused.value.code == "one_step"
