import math

import pytest

from mediate.stats.digits import percent_digits


@pytest.mark.parametrize(("width", "digits"), [(5.0, 0), (2.9, 1), (0.2, 2), (0.01, 2), (0.0, 0), (math.nan, 0)])
def test_digits_go_by_the_width_of_the_interval(width: float, digits: int) -> None:
    assert percent_digits(87.0, 87.0 - width / 2, 87.0 + width / 2) == digits


@pytest.mark.parametrize("ends", [(math.nan, math.nan), (40.2, 60.3)])
@pytest.mark.parametrize(
    ("value", "digits"),
    [(99.8, 1), (100.4, 1), (0.3, 1), (-0.3, 1), (100.0, 0), (99.97, 0), (0.0, 0), (-0.04, 0), (50.4, 0), (99.4, 0)],
)
def test_what_is_not_0_or_100_does_not_look_like_it(value: float, digits: int, ends: tuple[float, float]) -> None:
    assert percent_digits(value, *ends) == digits


@pytest.mark.parametrize(
    ("low", "high", "digits"), [(-0.3, 15.6, 1), (0.3, 15.6, 1), (-1.2, 15.6, 0), (80.0, 99.7, 1), (80.0, 101.0, 0)]
)
def test_no_end_of_an_interval_looks_as_if_it_reached_0_or_100(low: float, high: float, digits: int) -> None:
    assert percent_digits(50.0, low, high) == digits


def test_no_more_digits_than_the_most() -> None:
    assert percent_digits(87.0, 86.99, 87.0, most=1) == 1
    assert percent_digits(math.nan) == 0
