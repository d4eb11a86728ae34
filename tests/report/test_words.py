import math

import pytest

from mediate.report.words import fact_of, gaps, interval, number, ordinal, percent, plain, plural, share_words
from mediate.stats import Estimate


def estimate(value: float, low: float = math.nan, high: float = math.nan, reason: str = "") -> Estimate:
    return Estimate(value, low, high, 0.95, 3, 2, "method", 0, reason)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.234, "1.23"),
        (-1.236, "−1.24"),
        (-0.001, "0.00"),
        (math.nan, "undefined"),
        (-1.5e6, "−1.5e+06"),
        (0.0, "0.00"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.966, "97\xa0%"), (-0.004, "0\xa0%"), (1.02, "102\xa0%"), (math.nan, "undefined")]
)
def test_percentages(value: float, text: str) -> None:
    assert percent(value) == text


def test_shares_in_words() -> None:
    assert share_words(estimate(0.97, 0.94, 0.99)) == "97\xa0% [94, 99]"
    assert share_words(estimate(0.97, reason="one group")) == "97\xa0%, no interval"
    assert share_words(estimate(math.nan, reason="no items")) == "undefined"
    assert interval(estimate(1.0, -2.0, 2.0)) == "[−2.00, 2.00]"


def test_each_reason_is_said_once() -> None:
    many = [estimate(1.0, reason="one group"), estimate(2.0, reason="one group"), estimate(1.0, 0.5, 1.5)]
    assert gaps([*many, estimate(math.nan, reason="no items")], "shares") == (
        "shares: no interval (one group)",
        "shares: undefined (no items)",
    )


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")]
)
def test_ordinals(count: int, text: str) -> None:
    assert ordinal(count) == text


def test_a_models_dtype_is_told_with_what_its_weights_were() -> None:
    model = {"dtype": "float32", "weights": "4-bit GGUF, Q4_1", "layers": 30}
    told = [fact_of(model, name) for name in ("dtype", "layers", "device")]
    assert told == ["float32 (from 4-bit GGUF, Q4_1)", "30", "–"]


def test_plurals() -> None:
    assert (plural(1, "item"), plural(0, "item"), plural(2, "item")) == ("1 item", "0 items", "2 items")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        ([], "–"),
        ({}, "–"),
        (["a", 1, 0.5], "a, 1, 0.5"),
        ({"a": None, "b": [1]}, "a: –; b: 1"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1e-05, "1e-05"),
    ],
)
def test_values_of_the_manifest(value: object, text: str) -> None:
    assert plain(value) == text
