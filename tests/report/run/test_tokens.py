import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.report.run.map_sets import MapSet
from mediate.report.run.tokens import BINS, answered, colour_chains, shade, shown_token, signed
from mediate.results import EffectMap, Measured, Told


def effect_map(values: list[list[float]], item: str = "a", axis: str = "step") -> EffectMap:
    array = np.array(values)
    coords = {axis: tuple(range(array.shape[0])), "layer": (2, 5, 7)}
    return EffectMap(array, (axis, "layer"), coords, item, "g", "read", "logit_diff", 1.0)


def measured(item: str = "a") -> Measured:
    world = Told("q", "7", ("one", "\n", "is", " 7"), (0, 0, 1, 1), 3, True)
    return Measured(item, "g", world, Told("q", "8", ("x",), (0,), None, True))


def test_steps_are_shaded_by_their_effect_in_one_layer() -> None:
    maps = MapSet((effect_map([[0.1, -4.0, 0.0], [0.2, 2.0, 0.0]]),))
    found = colour_chains([measured("a"), measured("b")], maps)
    assert (found.layer, found.limit, found.given) == (5, 4.0, False)
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


def test_a_layer_that_is_asked_for_is_taken_and_the_scale_stays() -> None:
    maps = MapSet((effect_map([[0.1, -4.0, 0.0], [0.2, 2.0, 0.0]]),))
    found = colour_chains([measured()], maps, {"layer": 2})
    assert (found.layer, found.limit, found.given) == (2, 4.0, True)
    assert [each.effect for each in found.chains[0].base] == ["+0.10", "+0.20"]
    with pytest.raises(InputError, match=r"layer: no 3 in 'read:step,layer'; there is: 2, 5, 7"):
        colour_chains([measured()], maps, {"layer": 3})


def test_tokens_are_shaded_one_by_one_by_maps_over_positions() -> None:
    values = [[0.0, 1.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.5, 0.0], [0.0, 4.0, 0.0]]
    found = colour_chains([measured()], MapSet((effect_map(values, axis="position"),)))
    base = found.chains[0].base
    assert [each.shades for each in base] == [(BINS // 4, -BINS // 2), (BINS // 8, BINS)]
    assert [each.shade for each in base] == [0, 0]
    assert [each.effect for each in base] == ["−2.00 at “↵”", "+4.00 at “7”"]
    assert found.chains[0].source[0].shades == ()


def test_what_is_undefined_has_no_shade_and_is_said_so() -> None:
    assert shade(float("nan"), 1.0) == 0
    assert signed(float("nan")) == "undefined"


def test_without_maps_nothing_is_shaded() -> None:
    found = colour_chains([measured()], None)
    assert found.layer is None
    assert {each.shade for each in found.chains[0].base} == {0}


@pytest.mark.parametrize(
    ("token", "shown"), [(" 7", " 7"), ("\n", "↵\n"), ("a\x00\u202e", "a\\x00\\u202e"), ("🙂 שלום", "🙂 שלום")]
)
def test_a_token_is_shown_with_nothing_invisible(token: str, shown: str) -> None:
    assert shown_token(token) == shown


def test_the_answer_has_the_models_own_beside_it_where_that_is_another() -> None:
    assert answered(Told("q", "7", (), (), None, True, said="7")) == "7"
    assert answered(Told("q", "7", (), (), None, True, said="8")) == "7 (model: 8)"
    assert answered(Told("q", "7", (), (), None, True, given="8")) == "7 (given: 8)"
    assert answered(Told("q", "7", (), (), None, True, stated="8")) == "7 (response: 8)"


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
