"""Adaptive maps: what they measure is exact, what they leave out is said, and planted effects are found."""

import numpy as np
import pytest
from scipy.stats import binom

from mediate.errors import InputError
from mediate.mediation.kinds.adaptive import LOOK_INTO, Search, adaptive_state_map, share_bound
from mediate.mediation.kinds.state import Direction, state_map
from mediate.mediation.outcomes import Outcome
from mediate.models.sites import Component
from tests import tiny
from tests.mediation.kinds.test_read import contexts

Y = Outcome.LOGIT_DIFF
AXES = ("position", "layer")


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("direction", list(Direction))
def test_what_is_measured_is_exact(architecture: str, direction: Direction) -> None:
    model, pair = tiny.model(architecture), contexts(architecture).pair
    full = state_map(model, pair, Component.RESID_PRE, AXES, Y, direction=direction)
    limit = float(np.quantile(abs(full.values), 0.9)) / LOOK_INTO
    found = adaptive_state_map(
        model, pair, Component.RESID_PRE, Y, 1.0, Search(limit, draws=5, seed=1), direction=direction
    )
    there = ~np.isnan(found.map.values)
    np.testing.assert_allclose(found.map.values[there], full.values[there], atol=1e-5, rtol=1e-5)
    assert there.sum() > 0
    assert found.left_out == (~there).sum() + found.drawn
    assert found.largest_block <= LOOK_INTO * limit
    assert found.threshold == limit
    assert (
        found.map.kind == ("state.resid_pre" + (".denoising" if direction is Direction.DENOISING else "")) + ".adaptive"
    )
    assert found.map.dims == AXES


def test_nothing_is_left_out_below_the_smallest_and_all_above_the_largest() -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    full = state_map(model, pair, Component.V, AXES, Y)
    everything = adaptive_state_map(model, pair, Component.V, Y, 2.0, Search(1e-300))
    moving = full.values != 0
    np.testing.assert_allclose(everything.map.values[moving], full.values[moving], atol=1e-5)
    nothing = adaptive_state_map(model, pair, Component.V, Y, 2.0, Search(1e6, draws=10**6))
    assert nothing.left_out == full.values.size == nothing.drawn
    assert (nothing.above, nothing.bound) == (0, 0.0)
    np.testing.assert_allclose(nothing.map.values, full.values, atol=1e-5)


def test_a_threshold_needs_a_total_effect() -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    for te, threshold in ((0.0, 0.05), (float("nan"), 0.05), (1.0, 0.0), (1.0, -1.0)):
        with pytest.raises(InputError, match="give one above 0"):
            adaptive_state_map(model, pair, Component.V, Y, te, Search(threshold))


@pytest.mark.parametrize(("above", "drawn"), [(0, 60), (1, 60), (7, 30)])
def test_the_bound_is_where_so_few_become_unlikely(above: int, drawn: int) -> None:
    bound = share_bound(above, drawn, 10**6)
    assert binom.cdf(above, drawn, bound) == pytest.approx(0.05)


def test_the_bound_of_all_is_what_was_seen() -> None:
    assert share_bound(3, 12, 12) == 0.25
    assert share_bound(0, 0, 0) == 0.0
    assert share_bound(5, 5, 9) == 1.0
