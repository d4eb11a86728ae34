"""The arithmetic of two checkpoints crossed, and its tables, without a model."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.results.crossing import (
    FACTORS,
    Crossing,
    change,
    change_shares,
    check_splits,
    crossing_table,
    crossings_from_table,
    set_changes,
)
from mediate.results.crossing_folder import CrossResults, read_crossed, write_crossed
from mediate.results.maps import EffectMap
from mediate.results.told import Reject


def made(count: int = 6) -> Crossing:
    y = np.random.default_rng(3).normal(0, 2, (count, 2, 2, 2))
    names = tuple(f"i{number // 2}" for number in range(count))
    worlds = tuple(("base", "source")[number % 2] for number in range(count))
    return Crossing(y, names, worlds, names, "logit_diff")


def test_the_two_way_split_by_hand() -> None:
    y = np.zeros((1, 2, 2, 2))
    # Y_BB = 1, tuned state in the original 4, original state in the tuned 3, Y_TT = 11; the rest must not be read.
    y[0] = 1e6
    y[0, 0, 0, 0], y[0, 0, 1, 0], y[0, 1, 0, 1], y[0, 1, 1, 1] = 1, 4, 3, 11
    found = {name: float(value[0]) for name, value in change(y)._asdict().items()}
    assert found == {
        "total": 10,
        "state_in_original": 3,
        "state_in_tuned": 8,
        "rest_with_original_state": 2,
        "rest_with_tuned_state": 7,
        "interaction": 5,
        "state": 5.5,
        "rest": 4.5,
    }


def test_splits_sum_to_the_total_and_are_means_over_orders() -> None:
    crossing = made()
    found, y = change(crossing.y), crossing.y
    np.testing.assert_allclose(found.state + found.rest, found.total, atol=1e-12)
    np.testing.assert_allclose(found.interaction, found.rest_with_tuned_state - found.rest_with_original_state)
    changes = set_changes(crossing)
    by_order = np.zeros(3)
    for order in permutations(range(3)):
        at = [0, 0, 0]
        for factor in order:
            before = y[:, at[0], at[1], at[2]].mean()
            at[factor] = 1
            by_order[factor] += (y[:, at[0], at[1], at[2]].mean() - before) / 6
    np.testing.assert_allclose([changes[name].value for name in FACTORS], by_order, atol=1e-12)
    assert sum(changes[name].value for name in FACTORS) == pytest.approx(changes["total"].value)
    assert changes["tuned"].value - changes["original"].value == pytest.approx(changes["total"].value)
    assert changes["total"].groups == 3


def test_shares_are_ratios_of_sums_and_undefined_without_a_change() -> None:
    crossing = made()
    shares, changes = change_shares(crossing, min_change=0.0), set_changes(crossing)
    assert shares["state"].value == pytest.approx(changes["state"].value / changes["total"].value)
    assert shares["state"].value + shares["rest"].value == pytest.approx(1)
    same = Crossing(np.ones((2, 2, 2, 2)), ("a", "b"), ("base",) * 2, ("a", "b"), "logit_diff")
    assert not change_shares(same)["state"].defined
    assert set_changes(same)["total"].value == 0


def test_what_does_not_fit_together_is_refused() -> None:
    y = made().y
    names, worlds = made().items, made().worlds
    with pytest.raises(ValueError, match="occurs twice in one world"):
        Crossing(y, ("a",) * 6, ("base",) * 6, names, "o")
    with pytest.raises(ValueError, match="6 items, 5 worlds"):
        Crossing(y, names, worlds[:5], names, "o")
    with pytest.raises(ValueError, match=r"worlds \['tuned'\]"):
        Crossing(y, names, ("tuned",) * 6, names, "o")
    broken = y.copy()
    broken[2, 0, 1, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        Crossing(broken, names, worlds, names, "o")
    with pytest.raises(ArithmeticError, match=r"row 2: state \+ rest"):
        check_splits(broken)


def test_tables_and_directories_read_back(tmp_path: Path) -> None:
    crossing = made()
    frame = crossing_table([crossing])
    assert list(frame.columns[:5]) == ["item", "world", "group", "outcome", "y000"]
    np.testing.assert_array_equal(frame["y010"], crossing.y[:, 0, 1, 0])
    np.testing.assert_array_equal(frame["state"], change(crossing.y).state)
    (again,) = crossings_from_table(frame)
    np.testing.assert_array_equal(again.y, crossing.y)
    maps = tuple(
        EffectMap(np.arange(4.0).reshape(2, 2), dims, dict.fromkeys(dims, (0, 1)), "i0", "g", kind, "logit_diff", 1.0)
        for dims, kind in ((("step", "layer"), "cross.read.mean"), (("layer", "head"), "cross.state.z.mean"))
    )
    manifest = {"status": "success", "spec": {"design": "cross", "seed": 4, "level": 0.9, "min_te": 0.1}}
    results = CrossResults(manifest, (crossing,), maps, (Reject("x", "too_long", "why"),))
    write_crossed(tmp_path, results)
    back = read_crossed(tmp_path)
    assert back.changes() == results.changes()
    assert back.changes()["state"].seed == 4
    assert back.changes()["state"].level == 0.9
    assert back.rejects == results.rejects
    for one, two in zip(back.maps, maps, strict=True):
        assert (one.kind, one.dims) == (two.kind, two.dims)
        np.testing.assert_array_equal(one.values, two.values)
    with pytest.raises(InputError, match="no outcome 'x'"):
        back.crossing("x")
    with pytest.raises(ValueError, match="not among the items"):
        CrossResults(manifest, (), maps)
    (tmp_path / "results" / "crossing.parquet").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read"):
        read_crossed(tmp_path)
