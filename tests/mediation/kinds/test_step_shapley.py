"""Shapley values over steps: on games with known values, against the definition, and on a model."""

from itertools import permutations

import numpy as np
import pytest

from mediate.errors import InputError, ItemError
from mediate.mediation.kinds.cube import measure_cube
from mediate.mediation.kinds.step_shapley import shapley_values, step_shapley
from mediate.mediation.outcomes import USUAL, Outcome
from tests import tiny
from tests.mediation.kinds.test_read import BASE, SOURCE, contexts

THREE = (
    ("Tom has 3 apples.", "Tom buys 3 apples.\nTom has 3 + 9 = 12.\nTom has 12.", "12"),
    ("Tom has 2 apples.", "Tom buys 2 apples.\nTom has 2 + 9 = 11.\nTom has 11.", "11"),
)


def alternatives(subsets):
    """Either of players 0 and 1 is enough (OR); player 2 adds 3 by itself."""
    return np.array([4.0 * bool(subset & {0, 1}) + 3.0 * (2 in subset) for subset in subsets])


def conjunction(subsets):
    """Only players 0 and 1 together (AND)."""
    return np.array([6.0 * ({0, 1} <= subset) for subset in subsets])


def test_games_with_known_values() -> None:
    np.testing.assert_allclose(shapley_values(alternatives, 3).values, [2, 2, 3])
    np.testing.assert_allclose(shapley_values(conjunction, 3).values, [3, 3, 0])


def test_the_definition_by_all_orders() -> None:
    table = np.random.default_rng(0).normal(size=32)

    def game(subsets):
        return np.array([table[sum(2**player for player in subset)] for subset in subsets])

    wanted = np.zeros(5)
    for order in permutations(range(5)):
        for place, player in enumerate(order):
            before = sum(2**other for other in order[:place])
            wanted[player] += (table[before + 2**player] - table[before]) / 120
    found = shapley_values(game, 5)
    np.testing.assert_allclose(found.values, wanted, atol=1e-12)
    assert (found.permutations, found.subsets) == (0, 32)


def test_sampling_stops_by_its_own_error_and_covers_the_truth() -> None:
    table = np.random.default_rng(1).normal(size=64)

    def game(subsets):
        return np.array([table[sum(2**player for player in subset)] for subset in subsets])

    exact = shapley_values(game, 6).values
    inside = 0
    for seed in range(40):
        found = shapley_values(game, 6, most_exact=0, tolerance=1e-9, most=64, seed=seed)
        assert found.permutations == 64
        assert found.values.sum() == pytest.approx(exact.sum())
        inside += int((abs(found.values - exact) <= 3 * found.standard_errors).sum())
    assert inside >= 0.95 * 240
    loose, tight = (shapley_values(game, 6, most_exact=0, tolerance=each, most=4096) for each in (1.0, 0.02))
    assert loose.permutations < tight.permutations < 4096


def test_an_order_and_its_reverse_cancel_what_two_players_do_together() -> None:
    weights = np.random.default_rng(1).normal(size=(6, 6))

    def game(subsets):
        return np.array([sum(weights[i, j] for i in subset for j in subset) for subset in subsets])

    found = shapley_values(game, 6, most_exact=0)
    assert found.permutations == 16
    np.testing.assert_allclose(found.values, shapley_values(game, 6).values, atol=1e-9)


def test_sampling_of_a_game_of_higher_order_comes_near() -> None:
    def game(subsets):
        return np.array([float(len(subset) >= 4) * (1 + (0 in subset)) for subset in subsets])

    exact = shapley_values(game, 7).values
    found = shapley_values(game, 7, most_exact=0, tolerance=0.02, most=4096, seed=2)
    assert (found.standard_errors > 0).all()
    assert (found.standard_errors <= 0.02 * 2).all()
    assert (abs(found.values - exact) <= 4 * found.standard_errors).all()


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_the_steps_of_a_chain_sum_to_the_total_indirect_effect(architecture: str, outcome: Outcome) -> None:
    model, cell = tiny.model(architecture), contexts(architecture, *THREE)
    y = measure_cube(model, cell, [outcome])[0]
    exact = step_shapley(model, cell, outcome)
    assert exact.values.shape == (3,)
    assert exact.values.sum() == pytest.approx(y[1, 1, 1] - y[1, 0, 0], abs=1e-5)


def test_unalignable_chains_and_senseless_choices_are_refused() -> None:
    model = tiny.model("llama")
    with pytest.raises(ItemError, match="the base chain has 3 steps"):
        step_shapley(model, contexts("llama", THREE[0], SOURCE), Outcome.LOGIT_DIFF)
    for choices in ({"tolerance": 0.0}, {"most": 2}):
        with pytest.raises(InputError, match="permutations; give at least"):
            step_shapley(model, contexts("llama", BASE, SOURCE), Outcome.LOGIT_DIFF, **choices)
