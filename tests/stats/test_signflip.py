"""Sign flips against scipy's permutation test and plain Python; error rates are in whole/test_calibration.py."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mediate.stats import false_discovery, sign_flip_max_t
from mediate.stats.signflip import FLIPS, critical_value, sign_patterns
from tests.stats.simulated import cells, named


def some(seed: int = 0, groups: int = 9, count: int = 5) -> tuple[np.ndarray, list[str]]:
    values, names = cells(np.random.default_rng(seed), groups, 1.0, count)
    return values + np.linspace(0, 1.2, count), names


def group_sums(values: np.ndarray, names: list[str]) -> np.ndarray:
    return np.stack([values[[name == each for name in names]].sum(axis=0) for each in dict.fromkeys(names)])


def plain_t(sums: np.ndarray) -> np.ndarray:
    return abs(sums.mean(axis=0)) / (sums.std(axis=0, ddof=1) / math.sqrt(len(sums)))


def test_all_patterns_are_those_of_a_loop() -> None:
    values, names = some()
    found, sums = sign_flip_max_t(values, names), group_sums(values, names)
    own = plain_t(sums)
    sizes = np.array([plain_t(sums * np.array(signs)[:, None]) for signs in itertools.product([1, -1], repeat=9)])
    np.testing.assert_allclose(found.p, (sizes >= own - 1e-9).mean(axis=0))
    np.testing.assert_allclose(found.p_adjusted, (sizes.max(axis=1)[:, None] >= own - 1e-9).mean(axis=0))
    assert (found.exact, found.flips, found.groups) == (True, 2**8, 9)
    assert 0 < found.found.sum() < 5


def test_t_is_scipys_of_the_groups_sums() -> None:
    values, names = some(1)
    found = sign_flip_max_t(values, names)
    np.testing.assert_allclose(found.t, stats.ttest_1samp(group_sums(values, names), 0).statistic)
    np.testing.assert_allclose(found.mean, values.mean(axis=0))
    np.testing.assert_allclose(found.mean / found.error, found.t)


@pytest.mark.parametrize("groups", [8, 30])
def test_a_single_cell_has_the_p_value_of_scipys_permutation_test(groups: int) -> None:
    rng = np.random.default_rng(groups)
    values = rng.normal(0.4, 1, (groups, 1))
    wanted = stats.permutation_test(
        (values[:, 0],), np.mean, permutation_type="samples", vectorized=True, n_resamples=FLIPS, rng=1
    )
    found = sign_flip_max_t(values, named(np.arange(groups)))
    assert found.exact == (groups == 8)
    slack = 1e-12 if groups == 8 else 5 * math.sqrt(2 * wanted.pvalue / FLIPS)
    assert found.p[0] == pytest.approx(wanted.pvalue, abs=slack)
    assert found.p_adjusted[0] == found.p[0]


def test_drawn_patterns_are_near_all_patterns() -> None:
    values, names = some(2, groups=13)
    every, drawn = sign_flip_max_t(values, names), sign_flip_max_t(values, names, draws=4000)
    assert (every.exact, drawn.exact, drawn.flips) == (True, False, 4001)
    np.testing.assert_allclose(drawn.p_adjusted, every.p_adjusted, atol=5 * math.sqrt(0.25 / 4000))
    assert drawn.p.min() >= 1 / 4001
    assert drawn.critical == pytest.approx(every.critical, rel=0.1)


def test_more_cells_that_move_with_others_cost_nothing() -> None:
    values, names = some(3)
    wanted = sign_flip_max_t(values, names).p_adjusted
    scaled = np.concatenate([values * scale for scale in (1, 3, 7, 0.1, 1 / 3)], axis=1)  # the same t but for rounding
    np.testing.assert_array_equal(sign_flip_max_t(scaled, names).p_adjusted, np.tile(wanted, 5))


def test_found_is_at_or_above_the_critical_value_and_leaves_0_outside_the_band() -> None:
    for seed in range(20):
        for level in (0.8, 0.95):
            values, names = some(seed, groups=8)
            found = sign_flip_max_t(values, names, level=level)
            np.testing.assert_array_equal(found.found, abs(found.t) >= found.critical * (1 - 1e-9))
            np.testing.assert_array_equal(found.found, abs(found.mean) >= found.reach * (1 - 1e-9))


def test_the_critical_value_counts_ties() -> None:
    assert critical_value(np.array([1.0, 2.0, 3.0, 4.0]), 0.5) == 3.0
    assert critical_value(np.array([1.0, 3.0, 3.0, 3.0]), 0.5) == math.inf
    assert critical_value(np.array([1.0, 2.0, 3.0, 3.0]), 0.5) == 3.0
    assert critical_value(np.array([1.0, 2.0]), 0.05) == math.inf


@pytest.mark.parametrize("groups", [2, 5])
def test_with_few_groups_no_pattern_is_rare_enough(groups: int) -> None:
    found = sign_flip_max_t(np.arange(1.0, groups + 1)[:, None], named(np.arange(groups)))
    assert found.critical == math.inf
    assert found.p_adjusted[0] == 2 ** (1 - groups)
    assert not found.found.any()
    assert np.isnan(found.reach).all()


def test_cells_that_cannot_be_tested_have_a_reason() -> None:
    values, names = some(4)
    values = np.concatenate([values, np.zeros((len(values), 1)), np.full((len(values), 2), np.nan)], axis=1)
    values[np.array(names) == "g3", 7] = 0.5
    found = sign_flip_max_t(values, names)
    assert found.reasons == {5: "every difference is 0", 6: "no item has it", 7: "one group: nothing to flip"}
    assert np.isnan([found.t[5:], found.p[5:], found.p_adjusted[5:], found.error[5:]]).all()
    assert not found.found[5:].any()
    np.testing.assert_array_equal(found.n[5:], [len(values), 0, names.count("g3")])
    assert (found.mean[5], found.mean[7]) == (0.0, 0.5)
    assert math.isnan(found.mean[6])
    np.testing.assert_array_equal(found.p_adjusted[:5], sign_flip_max_t(values[:, :5], names).p_adjusted)


def test_nothing_to_test_is_said_of_every_cell() -> None:
    found = sign_flip_max_t(np.zeros((4, 2)), list("aabb"))
    assert set(found.reasons) == {0, 1}
    assert (found.critical, found.found.any()) == (math.inf, False)
    alone = sign_flip_max_t(np.ones((4, 2)), list("aaaa"))
    assert set(alone.reasons.values()) == {"one group: nothing to flip"}


def test_an_item_that_lacks_a_cell_is_left_out_of_that_cell() -> None:
    values, names = some(5, groups=10)
    short = np.array(names) == "g2"
    values[short, 1] = np.nan
    found = sign_flip_max_t(values, names)
    alone = sign_flip_max_t(values[~short][:, [1]], [name for name in names if name != "g2"])
    for of in ("mean", "error", "t", "p"):
        assert getattr(found, of)[1] == pytest.approx(getattr(alone, of)[0])
    assert found.n[1] == (~short).sum()


def test_cells_that_are_the_same_in_every_group_are_beyond_doubt() -> None:
    values = np.random.default_rng(0).normal(size=(8, 2))
    values[:, 1] = -0.1
    found = sign_flip_max_t(values, named(np.arange(8)))
    assert (found.t[1], found.error[1], found.p_adjusted[1]) == (-math.inf, 0.0, 2 / 2**8)


@pytest.mark.parametrize("groups", [6, 40])
def test_pieces_do_not_change_the_result(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values, names = some(6, groups=groups)
    whole = sign_flip_max_t(values, names, draws=512)
    monkeypatch.setattr("mediate.stats.signflip.CHUNK", 8 * groups)  # 8 patterns at a time, a whole word of random bits
    pieces = sign_flip_max_t(values, names, draws=512)
    np.testing.assert_array_equal(whole.p_adjusted, pieces.p_adjusted)
    assert whole.critical == pytest.approx(pieces.critical)


def test_patterns_differ_and_none_is_anothers_opposite() -> None:
    patterns = np.concatenate(list(sign_patterns(6, 100, np.random.default_rng(0), 7)))
    assert patterns.shape == (32, 6)
    assert set(np.unique(patterns)) == {-1.0, 1.0}
    assert len({tuple(row) for row in np.concatenate([patterns, -patterns])}) == 64
    drawn = np.concatenate(list(sign_patterns(50, 4000, np.random.default_rng(0), 999)))
    assert drawn.shape == (4000, 50)
    assert abs(drawn.mean()) < 5 / math.sqrt(200_000)
    assert abs(np.corrcoef(drawn.T) - np.eye(50)).max() < 6 / math.sqrt(4000)


def test_a_seed_fixes_the_flips_and_the_order_of_items_is_nothing() -> None:
    values, names = some(7, groups=30)
    first, again, other = (sign_flip_max_t(values, names, seed=seed, draws=300) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.p, again.p)
    assert (first.p != other.p).any()
    state = np.random.get_state()[1].copy()
    within = np.lexsort((values[:, 0], [int(name[1:]) for name in names]))
    moved = sign_flip_max_t(values[within], [names[item] for item in within], seed=1, draws=300)
    np.testing.assert_allclose(moved.p_adjusted, first.p_adjusted)
    np.testing.assert_allclose(sign_flip_max_t(values * 1000, names, seed=1, draws=300).p, first.p)
    assert np.array_equal(state, np.random.get_state()[1])


def test_what_is_refused() -> None:
    for bad in (np.full((2, 2), np.inf), np.zeros((0, 3)), np.zeros((3, 0))):
        with pytest.raises(ValueError, match="there must be some, and none infinite"):
            sign_flip_max_t(bad, ["a", "b", "c"][: len(bad)])
    with pytest.raises(ValueError, match="2 items and 3 groups"):
        sign_flip_max_t(np.zeros((2, 2)), ["a", "b", "c"])
    with pytest.raises(ValueError, match="level is 95"):
        sign_flip_max_t(np.ones((2, 2)), ["a", "b"], level=95.0)
    values, names = some(8)
    with pytest.raises(ValueError, match="just where it has a reason"):
        replace(sign_flip_max_t(values, names), reasons={0: "no reason"})


@pytest.mark.parametrize(("method", "theirs"), [("bh", "fdr_bh"), ("by", "fdr_by")])
def test_cells_without_a_p_value_are_as_if_they_were_not_there(method: str, theirs: str) -> None:
    p = np.random.default_rng(0).uniform(size=(6, 5)) ** 3
    p[1, 2] = p[4, 0] = np.nan
    tested = ~np.isnan(p)
    found = false_discovery(p, method=method)
    assert (np.isnan(found) == ~tested).all()
    np.testing.assert_allclose(found[tested], stats.false_discovery_control(p[tested], method=method))
    np.testing.assert_allclose(found[tested], multipletests(p[tested], method=theirs)[1])


def test_the_usual_one_is_benjamini_and_hochberg() -> None:
    np.testing.assert_allclose(false_discovery(np.array([0.01, 0.04, 0.5])), [0.03, 0.06, 0.5])


def test_no_cells_are_no_error() -> None:
    assert np.isnan(false_discovery(np.full((2, 3), np.nan))).all()
    assert false_discovery(np.zeros(0)).shape == (0,)


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        false_discovery(np.array([0.5, 1.5]))
