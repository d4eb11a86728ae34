"""Effects of tokens held against scores: correlations and areas worked out by hand; what is undefined is counted."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mediate.results.token_join import SETS, members
from mediate.results.tokens_agreed import (
    Judging,
    TokensAgreed,
    agreement_frame,
    carried,
    carrying_most,
    tokens_agreed,
)
from mediate.stats import bounded_mean


def table(*chains: tuple[list[float], list[float]], **columns: list[Any]) -> pd.DataFrame:
    """Chains of effects and scores, each in a group of its own; the first token of each opens its one step."""
    rows = [
        {
            "item": f"i{number}",
            "group": f"g{number}",
            "position": place,
            "first": place == 0,
            "kind": "word",
            "accepted": True,
            "knockout": effect,
            "mine": score,
        }
        for number, (effects, scores) in enumerate(chains)
        for place, (effect, score) in enumerate(zip(effects, scores, strict=True))
    ]
    return pd.DataFrame(rows).assign(**columns)


def agreed(given: pd.DataFrame, kind: str = "all", score: str = "mine", **judging: Any) -> TokensAgreed:
    (found,) = tokens_agreed(given, ["knockout"], [score], [kind], Judging(**judging))
    return found


def most(effects: list[float], least: float = 0.0, part: float = 0.1) -> list[int]:
    return np.flatnonzero(carrying_most(np.array(effects, dtype=float), least, part)).tolist()


def test_the_tenth_that_carries_most() -> None:
    assert most([0, 3, 1]) == [1]  # at least one
    assert most([*range(20)]) == [18, 19]
    assert most([*range(19)]) == [18]  # at most a tenth
    assert most([*range(10)], part=0.3) == [7, 8, 9]
    assert most([5, *[0.0] * 19]) == [0]  # the rest is no effect at all
    assert most([5, *[1.0] * 19]) == [0]  # and of equal effects that do not all fit, none
    assert most([5, 5, *[1.0] * 8]) == []
    assert most([-3, -1, -2]) == []  # against the answer
    assert most([0.2, 0.1, 0.0], least=0.2) == []
    assert most([4]) == [0]


def test_an_effect_and_noise_give_the_correlation_worked_out_by_hand() -> None:
    # Ranks 1 to 5; the noise swaps the last two: 1 - 6 * 2 / (5 * 24).
    found = agreed(table(([1, 2, 3, 4, 5], [1.1, 2.0, 2.9, 5.2, 5.1])))
    assert found.correlation.value == pytest.approx(0.9)
    assert found.area.value == 0.75  # the one that carries most is above three of four
    # One token carries all, nine nothing: covariance 22.5, sums of squares 22.5 and 82.5.
    noise = [0.3, 0.9, 0.1, 0.6, 0.2, 0.8, 0.5, 0.4, 0.7]
    found = agreed(table(([*[0.0] * 9, 5.0], [*noise, 5.3])))
    assert found.correlation.value == pytest.approx(np.sqrt(3 / 11))
    assert found.area.value == 1


def test_chains_are_held_against_themselves() -> None:
    # Within each the order is reversed, while the chain of larger effects has the larger scores.
    found = agreed(table(([1, 2, 3], [3, 2, 1]), ([11, 12, 13], [13, 12, 11]), ([21, 22, 24], [21, 23, 22])))
    assert found.correlation.value == pytest.approx((-1 - 1 + 0.5) / 3)
    assert found.area.value == pytest.approx((0 + 0 + 0.5) / 3)
    groups = ["g0", "g1", "g2"]
    assert found.correlation == bounded_mean(np.array([-1, -1, 0.5]), groups, bounds=(-1.0, 1.0))
    assert found.area == bounded_mean(np.array([0, 0, 0.5]), groups)


@pytest.mark.parametrize("seed", range(5))
def test_against_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    effects, scores = rng.normal(size=(4, 30)), rng.integers(0, 9, size=(4, 30)).astype(float)
    found = agreed(table(*((one.tolist(), other.tolist()) for one, other in zip(effects, scores, strict=True))))
    by_scipy = [stats.spearmanr(one, other).statistic for one, other in zip(effects, scores, strict=True)]
    assert found.correlation.value == pytest.approx(np.mean(by_scipy))
    areas = []
    for one, other in zip(effects, scores, strict=True):
        top = one >= np.sort(one)[-3]
        u = stats.mannwhitneyu(other[top], other[~top]).statistic
        areas.append(u / (3 * 27))
    assert found.area.value == pytest.approx(np.mean(areas))


def test_what_is_undefined_is_counted_by_why() -> None:
    given = table(
        ([1, 2, 3, 9], [1, 2, 3, 4]),  # the one that has both
        ([0.05, 0.1, -0.1, 0], [1, 2, 3, 4]),  # noise
        ([1, 2], [1, 2]),  # too few for a correlation, and the area is there
        ([1, 2, 3, 9], [7, 7, 7, 7]),  # a constant score
        ([4, 4, 4, 4], [1, 2, 3, 4]),  # a constant effect
        ([5], [1]),  # a single token carries most, and there is no other
        ([-3, -2, -4, -5], [1, 2, 3, 4]),  # all against the answer
    )
    found = agreed(given, least=0.1)
    assert found.without_correlation == {"noise": 1, "few": 2, "constant": 2}
    assert found.correlation.n == 2
    assert found.without_area == {"noise": 1, "one class": 3, "constant": 1}
    assert found.area.n == 2
    assert found.area.value == pytest.approx((1 + 1) / 2)
    frame = agreement_frame([found])
    assert frame["correlation_without"].tolist() == [5]
    assert frame["area_n"].tolist() == [2]
    assert np.isnan(agreed(table(([1], [1]))).correlation.value)


def test_by_kind_the_tokens_that_carry_most_are_those_of_the_whole_chain() -> None:
    effects, scores = [9.0, 1, 2, 3, 4, 5, 6, 7, 8, 0], [1.0, 5, 4, 3, 2, 1, 9, 8, 7, 0]
    kinds = ["result", "word", "word", "word", *["operand"] * 6]
    given = table((effects, scores)).assign(kind=kinds)
    words = agreed(given, "word")
    assert words.correlation.value == -1
    assert words.without_area == {"one class": 1}  # the one that carries most is the result
    assert members(given, "opening").tolist() == [True, *[False] * 9]
    results = agreed(given, "result")
    assert results.without_correlation == {"few": 1}
    assert agreed(given, "operator").without_correlation == {}  # a chain without such tokens does not count
    assert agreed(given, "operator").correlation.n == 0


def test_rejected_is_what_the_rule_does_not_accept() -> None:
    given = table(([9, 0, 1, 2], [0, 0, 0, 0])).assign(accepted=[False, True, True, True])
    assert agreed(given, score="rejected").area.value == 1
    given["accepted"] = True
    assert agreed(given, score="rejected").without_correlation == {"constant": 1}
    assert agreed(given, score="rejected").without_area == {"constant": 1}
    assert np.isnan(agreed(given, score="rejected").area.value)


def test_chains_without_an_effect_are_left_out_of_it() -> None:
    given = table(([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [3, 2, 1])).assign(read=[1, 2, 3, *[np.nan] * 3])
    both = {each.effect: each for each in tokens_agreed(given, ["knockout", "read"], ["mine"], ["all"])}
    assert both["knockout"].correlation.value == 0
    assert both["read"].correlation.value == 1
    assert both["read"].correlation.n == 1
    assert tokens_agreed(given.assign(read=np.nan), ["read"], ["mine"], ["all"]) == ()


def chains(whole: list[float], rejected: list[float], count: list[int]) -> pd.DataFrame:
    rows = {"group": [*map(str, range(len(whole)))], "whole": whole, "tokens": [10] * len(whole)}
    empty = {f"{what}.{name}": [0] * len(whole) for name in SETS for what in ("hidden", "tokens")}
    return pd.DataFrame(rows | empty | {"hidden.rejected": rejected, "tokens.rejected": count})


def test_shares_are_ratios_of_sums() -> None:
    found = {each.name: each for each in carried(chains([4.0, 1.0, 5.0], [1.0, 1.0, 0.0], [2, 3, 0]))}
    assert found["rejected"].share.value == pytest.approx(0.2)
    assert found["rejected"].of_tokens == pytest.approx(5 / 30)
    assert (found["rejected"].chains, found["rejected"].share.n) == (2, 3)
    assert found["accepted"].share.value == 0
    assert found["accepted"].chains == 0


def test_a_whole_effect_within_noise_is_counted_and_a_sum_of_them_undefined() -> None:
    assert carried(chains([4.0, 0.1, -0.1], [1.0, 0.0, 0.0], [1, 0, 0]), Judging(least=0.1))[0].undefined == 2
    found = carried(chains([0.1, -0.1], [1.0, 0.0], [1, 0]), Judging(least=0.1))[0]
    assert np.isnan(found.share.value)
    assert found.share.reason
