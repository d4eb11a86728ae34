"""The formula of accumulating errors: its best number of steps against a search, its fit against what was put in."""

import numpy as np
import pytest

from mediate.stats.accumulation import Accumulation, accuracy, best_steps, fit_accumulation

TRUE = Accumulation(0.95, 0.02, 0.12)


@pytest.mark.parametrize("operations", [3.0, 4.0, 8.0, 16.0])
def test_the_best_number_of_steps_is_where_accuracy_is_highest(operations: float) -> None:
    steps = np.linspace(operations * TRUE.error + 0.01, 40, 400_001)
    found = steps[np.argmax(accuracy(TRUE, np.full_like(steps, operations), steps))]
    assert best_steps(TRUE, np.array([operations]))[0] == pytest.approx(found, abs=2e-4)


def test_by_hand() -> None:
    """T = 2, C = 10, M = 4, N = 2: (0.8 x 0.75)^2, of which 0.9."""
    made = Accumulation(0.9, 0.1, 0.25)
    assert accuracy(made, np.array([2.0]), np.array([2.0]))[0] == pytest.approx(0.9 * 0.6**2)
    # Below an error of 1 there is nothing right, rather than the square of something negative.
    assert accuracy(made, np.array([8.0]), np.array([1.0]))[0] == 0
    assert best_steps(Accumulation(1.0, 0.0, 0.1), np.array([5.0]))[0] == np.inf


def test_more_operations_take_more_steps_and_abler_steps_fewer() -> None:
    few, many = best_steps(TRUE, np.array([4.0, 12.0]))
    assert few < many
    assert best_steps(Accumulation(0.95, 0.02, 0.06), np.array([12.0]))[0] < many


def test_any_unit_of_operations_will_do() -> None:
    halved = Accumulation(TRUE.alpha, TRUE.misread / 2, TRUE.error / 2)
    both = best_steps(TRUE, np.array([6.0])), best_steps(halved, np.array([12.0]))
    assert both[0] == pytest.approx(both[1])


def test_what_was_put_in_is_found() -> None:
    operations = np.repeat([4.0, 6.0, 8.0, 12.0], 4)
    steps = np.ceil(operations / np.tile([1, 2, 3, 4], 4))
    right = 1000 * accuracy(TRUE, operations, steps)
    found = fit_accumulation(operations, steps, right, 1000 - right)
    assert (found.alpha, found.misread, found.error) == pytest.approx((0.95, 0.02, 0.12), rel=1e-3)
    again = fit_accumulation(operations, steps, right, 1000 - right, Accumulation(0.9, 0.03, 0.1))
    assert (again.alpha, again.misread, again.error) == pytest.approx((0.95, 0.02, 0.12), rel=1e-3)
