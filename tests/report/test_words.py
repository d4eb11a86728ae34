import math
from dataclasses import replace

import numpy as np
import pytest

from mediate.report.words import (
    apart_words,
    fact_of,
    gaps,
    headline,
    interval,
    mediated_words,
    number,
    ordinal,
    percent,
    plain,
    plural,
    range_words,
    share_value,
    share_words,
)  # fmt: skip
from mediate.stats import Estimate
from tests.figures.records import fake_results


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
    ("value", "text"), [(0.966, "97\xa0%"), (-0.0004, "0\xa0%"), (1.02, "102\xa0%"), (math.nan, "undefined")]
)
def test_percentages(value: float, text: str) -> None:
    assert percent(value) == text


def test_shares_in_words() -> None:
    assert share_words(estimate(0.97, 0.94, 0.99)) == "97\xa0% [94, 99]"
    assert share_words(estimate(0.97, reason="one group")) == "97\xa0% (no interval)"
    assert mediated_words(estimate(0.97, 0.94, 0.99)) == "97\xa0% [94, 99] is mediated"
    assert mediated_words(estimate(0.97, reason="one group")) == "97\xa0% (no interval) is mediated"
    assert mediated_words(estimate(math.nan, reason="no items")) == "the mediated share is undefined"
    assert share_words(estimate(math.nan, reason="no items")) == "undefined"
    assert interval(estimate(1.0, -2.0, 2.0)) == "[−2.00, 2.00]"


def test_a_sentence_has_the_digits_of_its_interval_and_never_more_than_the_tables() -> None:
    """A share of 99.8 % is not 100 %, with an interval or without one."""
    assert share_words(estimate(0.998, 0.996, 1.001)) == "99.8\xa0% [99.6, 100.1]"
    assert share_words(estimate(0.998, 0.95, 1.02)) == "99.8\xa0% [95.0, 102.0]"
    assert share_words(estimate(0.998, reason="one group")) == "99.8\xa0% (no interval)"
    assert share_words(estimate(0.9993, 0.9991, 0.9995)) == "99.9\xa0% [99.9, 100.0]"
    assert share_words(estimate(1.0, 1.0, 1.0)) == "100\xa0% [100, 100]"
    assert share_value(estimate(0.068, 0.042, 0.093)) == "7\xa0%"
    assert share_value(estimate(0.016, 0.008, 0.025)) == "1.6\xa0%"


def test_the_headline_never_rounds_the_channels_to_all_or_nothing() -> None:
    results = fake_results(4)
    cube = results.cubes[0]
    y = np.zeros_like(cube.y)
    y[:, 1, 0], y[:, 0, 1], y[:, 1, 1] = 0.05, 20.0, 20.1
    said = headline(replace(results, cubes=(replace(cube, y=y),)))
    assert "99.6\xa0% is text, 0\xa0% latent and 0.4\xa0% direct" in said


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


@pytest.mark.parametrize(
    ("least", "most", "text"), [(5.37, 5.37, "5.37"), (5.368, 5.372, "5.37"), (-1.0, 2.5, "−1.00 to 2.50")]
)
def test_a_range_of_one_number_is_that_number(least: float, most: float, text: str) -> None:
    assert range_words(least, most) == text


def test_nothing_apart_is_exactly() -> None:
    assert (apart_words(0.0), apart_words(2e-14)) == ("exactly", "to 2e-14 nats")


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
