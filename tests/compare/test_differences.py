"""Planted shares give the planted differences, and the verdicts follow from margin and interval."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from mediate.compare import Verdict
from mediate.compare.differences import verdict_of
from mediate.compare.quantities import EFFECTS, SHARES, difference_of, effect_values, linearised, share_numerators
from mediate.results import set_effects, set_shares
from mediate.stats import Estimate
from mediate.stats.paired import paired_ratio_difference
from tests.compare import made
from tests.compare.asked import compared, differences

BEFORE, AFTER = (0.1, 0.8, 0.1), (0.3, 0.65, 0.05)


def estimate(value: float, low: float, high: float) -> Estimate:
    reason = "no interval" if math.isnan(low) else ""
    return Estimate(value, low, high, 0.95, 10, 5, "made up", 0, reason)


def test_planted_shares_differ_as_planted() -> None:
    found = differences(compared(made.run(shares=BEFORE), made.run(made.B, AFTER, seed=1)))
    planted = dict(zip(("direct", "text", "latent"), np.subtract(AFTER, BEFORE), strict=True)) | {"mediated": -0.2}
    for name in SHARES:
        each = found["share", name]
        assert each.estimate.value == pytest.approx(planted[name], abs=1e-12)
        assert each.estimate.low < planted[name] < each.estimate.high
        assert (each.run, each.reference, each.margin) == ("run1", "run0", 0.1)
    # TE is 5 nats in both runs: effects are 5 times the shares.
    for name in ("direct", "text", "latent"):
        assert found["effect", name].estimate.value == pytest.approx(5 * planted[name], abs=1e-9)
        assert found["effect", name].margin == pytest.approx(0.5)
    assert found["effect", "te"].estimate.value == 0
    assert found["effect", "tie"].estimate.value == pytest.approx(-1.0)
    assert found["effect", "nde"].estimate.value == pytest.approx(1.0)


def test_levels_are_those_of_a_single_report() -> None:
    runs = made.run(shares=BEFORE), made.run(made.B, AFTER, seed=1)
    found = compared(*runs)
    for label, run in zip(("run0", "run1"), runs, strict=True):
        shares, effects = set_shares(run.cubes[0]), set_effects(run.cubes[0])
        mine = {(each.kind, each.quantity): each.estimate for each in found.levels if each.run == label}
        assert mine == {("share", name): shares[name] for name in SHARES} | {
            ("effect", name): effects[name] for name in EFFECTS
        }


def test_a_run_against_itself_differs_by_exactly_nothing() -> None:
    profile = np.full((2, 4), 0.05)
    found = compared(made.run(profile=profile), made.run(profile=profile), made.run(made.A, profile=profile))
    for each in found.differences:
        assert (each.estimate.value, each.estimate.low, each.estimate.high) == (0, 0, 0)
        assert each.verdict is Verdict.UNCHANGED
        assert math.isnan(each.p)
    assert all((each.difference == 0).all() for each in found.maps)


def test_the_other_order_flips_every_sign() -> None:
    profile = np.full((2, 4), 0.05)
    a, b = made.run(shares=BEFORE, profile=profile), made.run(made.B, AFTER, seed=1, profile=2 * profile, te=4.0)
    there, back = compared(a, b), compared(b, a)
    for one, other in zip(there.differences, back.differences, strict=True):
        assert one.estimate.value == pytest.approx(-other.estimate.value, abs=1e-12)
        assert (one.estimate.low, one.estimate.high) == pytest.approx((-other.estimate.high, -other.estimate.low))
        assert one.p == pytest.approx(other.p, nan_ok=True)
    for one, other in zip(there.maps, back.maps, strict=True):
        np.testing.assert_allclose(one.difference, -other.difference, atol=1e-12)
        np.testing.assert_allclose(one.p_adjusted, other.p_adjusted)


def test_verdicts() -> None:
    wide = estimate(0.3, -0.1, 0.7)
    assert verdict_of(wide, 0.8, 0.05) is Verdict.UNCLEAR
    assert verdict_of(estimate(0.3, 0.1, 0.5), 0.8, 0.05) is Verdict.CHANGED
    assert verdict_of(estimate(-0.3, -0.5, -0.1), 0.8, 0.05) is Verdict.CHANGED
    # Shown to be smaller than the margin, whether or not it is 0.
    assert verdict_of(estimate(0.03, 0.01, 0.05), 0.001, 0.05) is Verdict.UNCHANGED
    assert verdict_of(estimate(0.03, math.nan, math.nan), math.nan, 0.05) is Verdict.UNCLEAR


def test_the_margin_decides() -> None:
    runs = made.run(), made.run(made.B, (0.14, 0.76, 0.1), seed=1)
    assert differences(compared(*runs))["share", "direct"].verdict is Verdict.UNCHANGED
    assert differences(compared(*runs, margin=0.02))["share", "direct"].verdict is Verdict.CHANGED
    noisy = made.run(count=4, groups=2), made.run(made.B, (0.2, 0.7, 0.1), count=4, groups=2, seed=1)
    assert differences(compared(*noisy))["share", "direct"].verdict is Verdict.UNCLEAR


def test_the_margin_of_effects_is_the_first_runs() -> None:
    found = differences(compared(made.run(te=-4.0), made.run(made.B, te=8.0, seed=1), margin=0.25))
    assert {each.margin for (kind, _), each in found.items() if kind == "share"} == {0.25}
    assert [each.margin for (kind, _), each in found.items() if kind == "effect"] == pytest.approx([1.0] * len(EFFECTS))


def test_a_vanishing_total_effect_leaves_shares_undefined() -> None:
    found = differences(compared(made.run(), made.run(made.B, te=0.05, seed=1)))
    for name in SHARES:
        each = found["share", name]
        assert math.isnan(each.estimate.value)
        assert each.verdict is Verdict.UNCLEAR
        assert math.isnan(each.p)
        assert each.estimate.reason == "the mean total effect in run1 is 0.05 nats, within 0.1 of 0"
    assert found["effect", "te"].verdict is Verdict.CHANGED


def test_a_total_effect_that_changes_sign_is_told_with_its_run() -> None:
    run = made.run(made.B, te=0.12, seed=1)
    cube = run.cubes[0]
    sign = np.where(np.arange(len(cube.items)) % 8 < 3, -20.0, 15.0)[:, None, None, None]
    changing = replace(run, cubes=(replace(cube, y=cube.y * sign),))
    each = differences(compared(changing, made.run()))["share", "mediated"]
    assert math.isnan(each.estimate.low)
    assert re.fullmatch(r"the total effect in run0 vanishes or changes sign in \S+% of resamples", each.estimate.reason)


def test_one_group_has_no_interval_and_no_verdict() -> None:
    found = differences(compared(made.run(groups=1), made.run(made.B, AFTER, groups=1, seed=1)))
    each = found["share", "direct"]
    assert each.estimate.value == pytest.approx(0.2)
    assert math.isnan(each.estimate.low)
    assert math.isnan(each.p)
    assert each.verdict is Verdict.UNCLEAR


def test_items_of_linearised_ratios_average_to_the_ratio() -> None:
    rng = np.random.default_rng(0)
    top, bottom = rng.normal(1, 1, (3, 40)), rng.normal(2, 0.5, 40)
    found = linearised(top, bottom)
    np.testing.assert_allclose(found.mean(axis=1), top.sum(axis=1) / bottom.sum())
    # The linearisation is the ratio's derivative: one item weighs as much as in the ratio without it, to first order.
    without = (top[0].sum() - top[0, 0]) / (bottom.sum() - bottom[0])
    ratio = top[0].sum() / bottom.sum()
    assert ratio - without == pytest.approx((found[0, 0] - ratio) / 39, rel=0.05)


def test_the_linearised_test_agrees_with_the_interval_of_the_ratio() -> None:
    runs = made.run(shares=BEFORE), made.run(made.B, AFTER, seed=1)
    cubes = [run.cubes[0] for run in runs]
    te = np.stack([effect_values(each)[0] for each in cubes])
    tops = np.stack([share_numerators(each)[0] for each in cubes])
    bootstrap = paired_ratio_difference(tops, te, runs[0].cubes[0].groups)
    values = difference_of(linearised(tops[:1], te[0]), linearised(tops[1:], te[1]))[0]
    groups = np.array([int(group[1:]) for group in runs[0].cubes[0].groups])
    sums = np.bincount(groups, values - values.mean())
    error = math.sqrt((sums**2).sum() * 8 / 7) / len(values)
    assert bootstrap.high - bootstrap.value == pytest.approx(2.365 * error, rel=0.25)  # t with 7 degrees of freedom


def test_rounding_is_no_difference() -> None:
    a = np.array([[1.0, 2.0], [1e-17, 0.0]])
    b = np.array([[1.0 + 2e-16, 2.5], [-1e-17, 0.1]])
    np.testing.assert_array_equal(difference_of(a, b), [[0, 0.5], [0, 0.1]])
