"""The record of a statistic refuses to be half defined."""

import math
from typing import Any

import pytest

from mediate.stats import Estimate

GOOD: dict[str, Any] = {
    "value": 0.5,
    "low": 0.25,
    "high": 0.75,
    "level": 0.95,
    "n": 10,
    "groups": 5,
    "method": "percentile bootstrap over groups",
    "seed": 0,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": 0.0}, "level is 0.0"),
        ({"level": 1.0}, "level is 1.0"),
        ({"level": 95.0}, "level is 95"),
        ({"value": math.nan}, "needs a reason"),
        ({"low": math.nan}, "half an interval"),
        ({"high": math.nan}, "half an interval"),
        ({"low": 0.8}, "upside down"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    Estimate(**GOOD)
    with pytest.raises(ValueError, match=message):
        Estimate(**(GOOD | changes))


@pytest.mark.parametrize(
    ("changes", "spec", "text"),
    [
        ({}, "", "0.500 [0.250, 0.750]"),
        ({"value": 1.0014, "low": 0.997, "high": 1.0055}, "", "1.0014 [0.9970, 1.0055]"),
        ({"value": 13.5513, "low": 12.03, "high": 15.07}, "", "13.6 [12.0, 15.1]"),
        ({"value": 3.61, "low": -19.931, "high": 27.149}, "", "3.61 [-19.93, 27.15]"),
        ({"value": 123456.0, "low": 100000.0, "high": 140000.0}, "", "123456 [100000, 140000]"),
        ({"value": 2e-9, "low": 1e-9, "high": 3e-9}, "", "2e-09 [1e-09, 3e-09]"),
        ({"value": 0.0, "low": 0.0, "high": 0.0}, "", "0 [0, 0]"),
        ({}, ".1%", "50.0% [25.0%, 75.0%]"),
        ({"low": math.nan, "high": math.nan, "reason": "one group"}, ".2f", "0.50 [no interval]"),
        ({"value": math.nan, "low": math.nan, "high": math.nan, "reason": "no items"}, "", "undefined"),
    ],
)
def test_how_it_is_written(changes: dict[str, Any], spec: str, text: str) -> None:
    found = Estimate(**(GOOD | changes))
    assert format(found, spec) == text
    assert found.defined == (text != "undefined")
