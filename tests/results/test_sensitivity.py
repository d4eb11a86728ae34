"""Replacements side by side: mean effects, what was left out, and paired differences with many looked at."""

from itertools import combinations

import numpy as np
import pytest

from mediate.results.contrasts import HIDDEN
from mediate.results.cube import Cube
from mediate.results.replacements import Replaced
from mediate.results.sensitivity import paired_effects, paired_table, sensitivity, sensitivity_table
from mediate.stats import bootstrap_mean
from mediate.stats.signflip import sign_flip_max_t

ITEMS = tuple(f"item-{place}" for place in range(12))
RNG = np.random.default_rng(0)
EFFECTS = {
    "noise": RNG.normal(6, 0.5, 12),
    "zero": RNG.normal(2, 0.5, 12),
    "filler": RNG.normal(2, 0.5, 12),
}
TIE = RNG.normal(1, 0.3, 12)


def cube(outcome: str = "logit") -> Cube:
    y = np.zeros((12, 2, 2, 2))
    y[:, 1, 1, :] = TIE[:, None]
    y[:, 0, 1, 1] = 0.5
    return Cube(y, ITEMS, ITEMS, outcome, HIDDEN)


def rows(outcome: str = "logit", *, without: int = 0) -> list[Replaced]:
    return [
        Replaced(item, item, name, outcome, own, reason="too long")
        if name == "zero" and place < without
        else Replaced(item, item, name, outcome, own, own - effects[place], distance=float(place), norm_ratio=0.5)
        for name, effects in EFFECTS.items()
        for place, (item, own) in enumerate(zip(ITEMS, TIE, strict=True))
    ]


def test_each_replacement_has_the_mean_of_its_items_beside_necessity() -> None:
    found = sensitivity(cube(), rows(without=3), seed=4, level=0.9)
    assert [each.name for each in found] == ["hidden", "filler", "zero", "noise"]
    hidden, filler, zero, _ = found
    assert hidden.effect == bootstrap_mean(TIE, ITEMS, seed=4, level=0.9)
    assert filler.effect.value == pytest.approx(EFFECTS["filler"].mean())
    assert zero.effect == bootstrap_mean(TIE[3:] - (TIE - EFFECTS["zero"])[3:], ITEMS[3:], seed=4, level=0.9)
    assert (zero.effect.n, zero.left_out, zero.reasons) == (9, 3, ("too long",))
    assert (zero.distance, zero.norm_ratio) == (7.0, 0.5)
    assert np.isnan(hidden.distance)
    table = sensitivity_table(cube(), rows(without=3), seed=4, level=0.9)
    assert list(table["left_out"]) == [0, 0, 3, 0]
    assert list(table["effect"]) == [each.effect.value for each in found]


def test_other_outcomes_and_items_of_no_cube_do_not_count() -> None:
    assert sensitivity(cube(), rows("logprob")) == ()
    assert paired_effects(cube(), rows("logprob")).differences == ()
    stray = Replaced("stray", "stray", "zero", "logit", 1.0, 0.0)
    found = {each.name: each.effect for each in sensitivity(cube(), [*rows(), stray])}
    assert found["zero"].n == 12


def test_a_replacement_of_no_item_is_undefined() -> None:
    found = sensitivity(cube(), rows(without=12))
    zero = next(each for each in found if each.name == "zero")
    assert not zero.effect.defined
    assert zero.left_out == 12
    names = {name for each in paired_effects(cube(), rows(without=12)).differences for name in (each.more, each.less)}
    assert names == {"hidden", "filler", "noise"}


def test_differences_are_held_together_over_all_that_are_looked_at() -> None:
    found = paired_effects(cube(), rows(without=2), seed=1)
    assert (len(found.differences), found.groups) == (6, 12)
    effects = {"hidden": TIE, "filler": EFFECTS["filler"], "zero": EFFECTS["zero"].copy(), "noise": EFFECTS["noise"]}
    effects["zero"][:2] = np.nan
    values = np.stack([effects[one] - effects[other] for one, other in combinations(effects, 2)], axis=1)
    tested = sign_flip_max_t(values, ITEMS, seed=1)
    for place, each in enumerate(found.differences):
        assert each.mean == pytest.approx(abs(tested.mean[place]))
        assert each.high - each.low == pytest.approx(2 * tested.reach[place])
        assert each.found == tested.found[place]
    told = {(each.more, each.less) for each in found.found}
    assert {("noise", "zero"), ("noise", "filler"), ("noise", "hidden"), ("zero", "hidden")} <= told
    assert not {("zero", "filler"), ("filler", "zero")} & told
    assert [each.mean for each in found.found] == sorted((each.mean for each in found.found), reverse=True)
    alone = paired_effects(cube(), [each for each in rows() if each.replacement == "filler"], seed=1)
    (one,) = (each for each in found.differences if {each.more, each.less} == {"hidden", "filler"})
    assert one.high - one.low > 1.1 * (alone.differences[0].high - alone.differences[0].low)
    assert len(paired_table(found)) == 6


def test_few_groups_find_nothing_and_say_so() -> None:
    few = Cube(cube().y, ITEMS, ("one",) * 6 + ("two",) * 6, "logit", HIDDEN)
    found = paired_effects(few, rows())
    assert not found.found
    assert all(np.isnan(each.low) for each in found.differences)
    one = Cube(cube().y, ITEMS, ("one",) * 12, "logit", HIDDEN)
    assert not paired_effects(one, rows()).found
    as_hidden = [Replaced(item, item, "zero", "logit", own, 0.0) for item, own in zip(ITEMS, TIE, strict=True)]
    (same,) = paired_effects(cube(), as_hidden).differences
    assert (same.mean, same.found) == (0.0, False)
