import math

import pytest

from mediate.stats.digits import percent_digits


@pytest.mark.parametrize(
    ("value", "width", "digits"),
    [
        (97.0, 5.0, 0),
        (97.0, 2.9, 1),
        (97.0, 0.2, 2),
        (97.0, 0.01, 2),
        (97.0, 0.0, 0),
        (97.3, math.nan, 0),
    ],
)
def test_digits_go_by_the_width_of_the_interval(value: float, width: float, digits: int) -> None:
    assert percent_digits(value, width) == digits


@pytest.mark.parametrize("width", [math.nan, 0.0, 12.0])
@pytest.mark.parametrize(
    ("value", "digits"),
    [(99.8, 1), (100.4, 1), (0.3, 1), (-0.3, 1), (100.0, 0), (99.97, 0), (0.0, 0), (-0.04, 0), (50.4, 0), (99.4, 0)],
)
def test_what_is_not_0_or_100_does_not_look_like_it(value: float, digits: int, width: float) -> None:
    assert percent_digits(value, width) == digits


def test_no_more_digits_than_the_most() -> None:
    assert percent_digits(97.0, 0.01, most=1) == 1
    assert percent_digits(math.nan) == 0
