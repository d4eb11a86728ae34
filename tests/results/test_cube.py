"""The cube's arithmetic, against enumeration of orders and as identities on any numbers."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mediate.results import CHANNELS, Cube, corners, item_shares, set_effects, set_shares, shapley, total_effect
from mediate.results.contrasts import HIDDEN
from mediate.results.cube import CELLS, check_identities, select
from mediate.stats import bootstrap_mean, bootstrap_ratio

CUBES = arrays(np.float64, st.tuples(st.integers(1, 4), *[st.just(2)] * 3), elements=st.floats(-1e4, 1e4))


def cube(y: np.ndarray, groups: int | None = None) -> Cube:
    names = tuple(f"i{number}" for number in range(len(y)))
    return Cube(y, names, tuple(f"g{number % (groups or len(y) or 1)}" for number in range(len(y))), "logit_diff")


def random_cube(items: int = 12, seed: int = 0, groups: int = 4) -> Cube:
    return cube(np.random.default_rng(seed).normal(size=(items, 2, 2, 2)) + np.arange(8).reshape(2, 2, 2), groups)


def enumerated(y: np.ndarray) -> np.ndarray:
    """Shapley values of one cube: each channel's mean effect over the six orders of switching to the base world."""
    gains = np.zeros(3)
    for order in permutations(range(3)):
        cell = [0, 0, 0]
        for channel in order:
            before = y[tuple(cell)]
            cell[channel] = 1
            gains[channel] += (y[tuple(cell)] - before) / 6
    return gains


@given(y=CUBES)
@settings(deadline=None)
def test_shapley_is_the_mean_over_orders_and_adds_up(y: np.ndarray) -> None:
    found = shapley(y)
    np.testing.assert_allclose(found, [enumerated(each) for each in y], atol=1e-8, rtol=0)
    np.testing.assert_allclose(found.sum(axis=1), total_effect(y), atol=1e-8, rtol=0)


@given(y=CUBES)
@settings(deadline=None)
def test_classical_effects_are_differences_of_named_corners(y: np.ndarray) -> None:
    found = corners(y)
    for row, each in enumerate(y):
        # First index: the question that is read; second: the mediator, whose words and activations go together.
        y00, y01, y10, y11 = each[0, 0, 0], each[0, 1, 1], each[1, 0, 0], each[1, 1, 1]
        assert found.nde[row] == y10 - y00
        assert found.nie[row] == y01 - y00
        assert found.tde[row] == y11 - y01
        assert found.tie[row] == y11 - y10
        assert found.te[row] == y11 - y00
        assert found.interaction[row] == pytest.approx(y11 - y10 - y01 + y00, abs=1e-7)
    np.testing.assert_allclose(found.nde + found.tie, found.te, atol=1e-7)
    np.testing.assert_allclose(found.nie + found.tde, found.te, atol=1e-7)
    np.testing.assert_allclose(found.nde + found.nie + found.interaction, found.te, atol=1e-7)
    check_identities(y)


@given(y=CUBES)
@settings(deadline=None)
def test_exchanging_the_worlds_exchanges_the_effects(y: np.ndarray) -> None:
    swapped = y[:, ::-1, ::-1, ::-1]
    here, there = corners(y), corners(swapped)
    np.testing.assert_array_equal(there.te, -here.te)
    np.testing.assert_array_equal(there.nde, -here.tde)
    np.testing.assert_array_equal(there.nie, -here.tie)
    np.testing.assert_array_equal(there.tde, -here.nde)
    np.testing.assert_array_equal(there.tie, -here.nie)
    np.testing.assert_allclose(there.interaction, here.interaction, atol=1e-7)
    np.testing.assert_allclose(shapley(swapped), -shapley(y), atol=1e-8)


@pytest.mark.parametrize(("channel", "axis"), [*zip(CHANNELS, (0, 1, 2), strict=True)])
def test_a_channel_that_does_nothing_has_no_value_and_a_sole_one_has_all(channel: str, axis: int) -> None:
    only = np.zeros((1, 2, 2, 2))
    only[0][(slice(None),) * axis + (1,)] = 2.5
    wanted = [2.5 if name == channel else 0.0 for name in CHANNELS]
    np.testing.assert_allclose(shapley(only)[0], wanted, atol=1e-15)


def test_equal_worlds_give_exactly_zero() -> None:
    y = np.broadcast_to(np.random.default_rng(0).normal(size=(5, 1, 1, 1)) * 1e3, (5, 2, 2, 2)).copy()
    assert (shapley(y) == 0).all()
    assert all((each == 0).all() for each in corners(y))
    same = cube(y)
    assert np.isnan(item_shares(same)).all()
    assert same.undefined() == 5
    assert not any(share.defined for share in set_shares(same).values())
    assert all(effect.value == 0 and effect.low == effect.high == 0 for effect in set_effects(same).values())


def additive(direct: float, text: float, latent: float) -> np.ndarray:
    return np.array([d * direct + t * text + h * latent for d, t, h in CELLS]).reshape(2, 2, 2)


def test_shares_leave_0_to_1_and_are_undefined_near_no_effect() -> None:
    te = np.array([1.0, 0.1, -0.1, 0.11, 0.0])
    y = np.stack([additive(-1.0, 3.0, -1.0 + te[0] - 1.0), *(additive(each, 0.0, 0.0) for each in te[1:])])
    y[0] = additive(-1.0, 3.0, -1.0)
    found = cube(y)
    np.testing.assert_allclose(item_shares(found)[0], [-1.0, 3.0, -1.0, 2.0])
    assert np.isnan(item_shares(found)).all(axis=1).tolist() == [False, True, True, False, True]
    assert found.undefined() == 3
    assert found.undefined(min_te=0.5) == 4
    assert found.undefined(min_te=0.05) == 1
    np.testing.assert_allclose(item_shares(found, min_te=0.05)[2], [1, 0, 0, 0])


def test_shares_of_a_set_are_ratios_of_sums() -> None:
    found = random_cube()
    te, values = total_effect(found.y), shapley(found.y)
    shares = set_shares(found, seed=3, level=0.9)
    for place, name in enumerate(CHANNELS):
        assert shares[name] == bootstrap_ratio(
            values[:, place], te, found.groups, min_mean_denominator=0.1, seed=3, level=0.9
        )
        assert shares[name].value == pytest.approx(values[:, place].sum() / te.sum())
        assert shares[name].value != pytest.approx(np.mean(values[:, place] / te))
    assert shares["mediated"].value == pytest.approx(corners(found.y).tie.sum() / te.sum())
    assert sum(shares[name].value for name in CHANNELS) == pytest.approx(1)
    assert list(shares) == [*CHANNELS, "mediated"]


def test_an_item_without_effect_still_counts_in_the_set() -> None:
    y = np.stack([additive(1.0, 0.0, 1.0), additive(2.0, -2.0, 0.0)])
    assert cube(y).undefined() == 1
    assert set_shares(cube(y))["direct"].value == pytest.approx(3 / 2)


def test_a_set_without_effect_has_no_shares() -> None:
    y = np.stack([additive(1.0, 1.0, 0.0), additive(-1.0, -0.9, 0.0)])
    for share in set_shares(cube(y)).values():
        assert not share.defined
        assert "within 0.1 of 0" in share.reason
    assert set_shares(cube(y), min_te=0.01)["direct"].defined


def test_effects_of_a_set_are_means() -> None:
    found = random_cube()
    effects = set_effects(found, seed=2)
    wanted = corners(found.y)._asdict() | dict(zip(CHANNELS, shapley(found.y).T, strict=True))
    assert set(effects) == set(wanted)
    for name, values in wanted.items():
        one, other = effects[name], bootstrap_mean(values, found.groups, seed=2)
        # Sums of columns side by side are rounded otherwise on some processors.
        for each in ("value", "low", "high"):
            assert getattr(one, each) == pytest.approx(getattr(other, each), rel=1e-12)
        assert replace(one, value=0.0, low=0.0, high=0.0) == replace(other, value=0.0, low=0.0, high=0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("cell", CELLS)
def test_a_tampered_cube_is_refused(cell: tuple[int, int, int], bad: float) -> None:
    y = random_cube(3).y.copy()
    y[1][cell] = bad
    with pytest.raises(ValueError, match="'logit_diff': a cell is NaN or infinite"):
        cube(y)
    with np.errstate(invalid="ignore"), pytest.raises(ArithmeticError, match=r"^row 1: .* is (nan|-?inf), and TE is"):
        check_identities(y)


def test_a_wrong_formula_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.results import cube as room

    y = random_cube(3).y
    monkeypatch.setattr(room, "shapley", lambda y, contrast: shapley(y, contrast) + np.array([0, 1e-6, 0]))
    with pytest.raises(ArithmeticError, match="row 0: Shapley is"):
        check_identities(y)
    monkeypatch.setattr(room, "shapley", shapley)
    monkeypatch.setattr(room, "corners", lambda y: corners(y)._replace(nde=corners(y).nie))
    with pytest.raises(ArithmeticError, match=r"NDE \+ TIE"):
        check_identities(y)


def test_labels_and_values_agree() -> None:
    y = random_cube(2).y
    with pytest.raises(ValueError, match="2 items, 1 groups"):
        Cube(y, ("a", "b"), ("g",), "logit_diff")
    with pytest.raises(ValueError, match="1 items"):
        Cube(y, ("a",), ("g", "g"), "logit_diff")


def test_selected_items_keep_the_cubes_order() -> None:
    found = random_cube(5)
    few = select(found, ["i3", "i0", "nobody"])
    assert few.items == ("i0", "i3")
    assert few.groups == ("g0", "g3")
    np.testing.assert_array_equal(few.y, found.y[[0, 3]])


def test_a_cube_of_no_items_has_nothing_defined() -> None:
    empty = cube(np.zeros((0, 2, 2, 2)))
    assert empty.undefined() == 0
    assert item_shares(empty).shape == (0, 4)
    assert {share.reason for share in set_shares(empty).values()} == {"no items"}


def test_a_contrast_names_differences_of_cells() -> None:
    found = Cube(random_cube().y, random_cube().items, random_cube().groups, "logit", HIDDEN)
    effects = set_effects(found, seed=2)
    y = found.y
    for name, values in {
        "necessity": y[:, 1, 1, 1] - y[:, 1, 0, 0],
        "sufficiency": y[:, 0, 1, 1] - y[:, 0, 0, 0],
        "blind": y[:, 1, 1, 1] - y[:, 1, 1, 0],
    }.items():
        assert effects[name] == bootstrap_mean(values, found.groups, seed=2)
    assert (effects["necessity"], effects["sufficiency"]) == (effects["tie"], effects["nie"])
    assert [each.definition for each in HIDDEN.named] == ["Y111 − Y100", "Y011 − Y000", "Y111 − Y110"]
    assert not set(set_effects(random_cube())) & {each.name for each in HIDDEN.named}
