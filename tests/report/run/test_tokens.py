import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.report.run.tokens import BINS, colour_chains, shade, strongest_layer
from mediate.results import EffectMap, Measured, Told


def effect_map(values: list[list[float]], item: str = "a") -> EffectMap:
    array = np.array(values)
    coords = {"step": tuple(range(array.shape[0])), "layer": (2, 5, 7)}
    return EffectMap(array, ("step", "layer"), coords, item, "g", "read", "logit_diff", 1.0)


def measured(item: str = "a") -> Measured:
    world = Told("q", "7", ("one", "\n", "is", " 7"), (0, 0, 1, 1), 3, True)
    return Measured(item, "g", world, Told("q", "8", ("x",), (0,), None, True))


def test_the_strongest_layer_counts_sizes_over_items_and_steps() -> None:
    assert strongest_layer([effect_map([[1.0, -3.0, 2.0], [1.0, -3.0, 2.5]])]) == 5
    assert strongest_layer([effect_map([[0.0, 3.0, 2.0]]), effect_map([[0.0, 0.0, -2.0]], "b")]) == 7
    assert strongest_layer([effect_map([[1.0, 1.0, 1.0]])]) == 2


def test_steps_are_shaded_by_their_effect_in_one_layer() -> None:
    found = colour_chains([measured("a"), measured("b")], [effect_map([[0.1, -4.0, 0.0], [0.2, 2.0, 0.0]])])
    assert (found.layer, found.limit) == (5, 4.0)
    first, second = found.chains
    assert [(each.step, each.effect, each.shade) for each in first.base] == [
        (0, "−4.00", -BINS),
        (1, "+2.00", BINS // 2),
    ]
    assert [each.tokens for each in first.base] == [("one", "↵\n"), ("is", " 7")]
    assert [each.states for each in first.base] == [None, 1]
    assert [(each.effect, each.shade) for each in first.source] == [("", 0)]
    assert not second.has_map
    assert [each.effect for each in second.base] == ["", ""]


def test_without_maps_nothing_is_shaded() -> None:
    found = colour_chains([measured()], [])
    assert found.layer is None
    assert {each.shade for each in found.chains[0].base} == {0}


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_shades_are_odd_ordered_and_bounded(value: float, limit: float) -> None:
    found = shade(value, limit)
    assert -BINS <= found <= BINS
    assert shade(-value, limit) == -found
    assert found == 0 or np.sign(found) == np.sign(value)


@pytest.mark.parametrize(
    ("value", "limit", "wanted"), [(1.0, 1.0, BINS), (-1.0, 1.0, -BINS), (0.0, 0.0, 0), (1.0, 0.0, 0)]
)
def test_ends_of_the_scale(value: float, limit: float, wanted: int) -> None:
    assert shade(value, limit) == wanted
