"""The 2 x 2 of readers and writers: planted parts are found, and they sum to the change."""

import numpy as np
import pytest

from mediate.compare.quantities import EFFECTS, SHARES
from mediate.compare.split import find_squares
from mediate.results import Results
from mediate.stats.paired import paired_difference, paired_ratio_difference
from tests.compare import made
from tests.compare.asked import FEW, compared, named, parts

AA, AB, BA, BB = (0.1, 0.8, 0.1), (0.2, 0.75, 0.05), (0.3, 0.6, 0.1), (0.6, 0.3, 0.1)
TOTAL, WRITES, READS = "total", "writes different chains", "reads chains differently"


def square(**changes: float) -> list[Results]:
    return [
        made.run(made.A, AA, seed=0, **changes),
        made.run(made.A, AB, writer=made.B, seed=1, te=4.0, **changes),
        made.run(made.B, BA, writer=made.A, seed=2, te=6.0, **changes),
        made.run(made.B, BB, seed=3, **changes),
    ]


def test_planted_parts_are_found() -> None:
    found = parts(compared(*square()))
    value = {part: found["share", "direct", part].estimate.value for part in
             (TOTAL, WRITES, READS, "interaction", "writes, read by the first", "writes, read by the second",
              "reads, written by the first", "reads, written by the second")}  # fmt: skip
    assert value == pytest.approx(
        {
            TOTAL: 0.5, WRITES: (0.1 + 0.3) / 2, READS: (0.2 + 0.4) / 2, "interaction": 0.2,
            "writes, read by the first": 0.1, "writes, read by the second": 0.3,
            "reads, written by the first": 0.2, "reads, written by the second": 0.4,
        }
    )  # fmt: skip
    te = {part: found["effect", "te", part].estimate.value for part in (TOTAL, WRITES, READS, "interaction")}
    assert te == pytest.approx({TOTAL: 0.0, WRITES: -1.0, READS: 1.0, "interaction": 0.0}, abs=1e-12)


def test_parts_sum_to_the_change() -> None:
    found = parts(compared(*square()))
    for kind, names in (("share", SHARES), ("effect", EFFECTS)):
        for name in names:
            value = {part: found[kind, name, part].estimate.value for _, _, part in found}
            total = pytest.approx(value[TOTAL], abs=1e-14)
            assert value[WRITES] + value[READS] == total
            assert value["writes, read by the first"] + value["reads, written by the second"] == total
            assert value["reads, written by the first"] + value["writes, read by the second"] == total
            gap = value["writes, read by the second"] - value["writes, read by the first"]
            assert value["interaction"] == pytest.approx(gap, abs=1e-14)


def test_the_total_is_the_paired_difference_with_its_interval() -> None:
    runs = square()
    found = parts(compared(*runs))
    groups = runs[0].cubes[0].groups
    ends = [runs[0].cubes[0].y, runs[3].cubes[0].y]
    te = np.stack([y[:, 1, 1, 1] - y[:, 0, 0, 0] for y in ends])
    tie = np.stack([y[:, 1, 1, 1] - y[:, 1, 0, 0] for y in ends])
    whole = paired_ratio_difference(tie, te, groups, min_mean_denominator=0.1, draws=FEW["draws"])
    assert repr(found["share", "mediated", TOTAL].estimate) == repr(whole)
    nats = paired_difference(tie[0], tie[1], groups, draws=FEW["draws"])
    mine = found["effect", "tie", TOTAL].estimate
    assert (mine.value, mine.low, mine.high) == pytest.approx((nats.value, nats.low, nats.high))


def test_nothing_written_differently_is_exactly_nothing() -> None:
    """Chains of both writers read alike: the whole change is reading."""
    alike = [
        made.run(made.A, AA),
        made.run(made.A, AA, writer=made.B),
        made.run(made.B, BB, writer=made.A),
        made.run(made.B, BB),
    ]
    found = parts(compared(*alike))
    for part in (WRITES, "writes, read by the first", "writes, read by the second", "interaction"):
        each = found["share", "mediated", part].estimate
        assert (each.value, each.low, each.high) == (0, 0, 0)
    assert found["share", "direct", READS].estimate.value == pytest.approx(0.5)


def test_squares_are_found_in_any_order_from_the_first_runs_model() -> None:
    aa, ab, ba, bb = square()
    runs = named(bb, aa, ab, ba)
    writers = [f"print of {name}" for name in (made.B, made.A, made.B, made.A)]
    assert find_squares(runs, writers) == ((0, 3, 2, 1),)
    found, turned = parts(compared(aa, ab, ba, bb)), compared(bb, aa, ab, ba)
    back = parts(turned)
    assert {(each.first, each.second) for each in turned.split} == {(made.B, made.A)}
    for key, each in found.items():
        sign = 1 if key[2] == "interaction" else -1
        if key[2] in (TOTAL, WRITES, READS, "interaction"):
            assert back[key].estimate.value == pytest.approx(sign * each.estimate.value, abs=1e-12)


def test_without_four_runs_it_says_what_is_missing() -> None:
    found = compared(made.run(), made.run(made.B))
    assert found.split == ()
    assert "mediate score --chains" in found.no_split


def test_three_models_crossed_give_a_square_for_each_other_model() -> None:
    models = (made.A, made.B, "model-c")
    runs = [
        made.run(
            reader,
            (0.1 + 0.1 * (x + y), 0.8 - 0.1 * (x + y), 0.1),
            writer=None if reader == writer else writer,
            seed=3 * x + y,
            count=8,
        )
        for x, reader in enumerate(models)
        for y, writer in enumerate(models)
    ]
    found = compared(*runs)
    assert {(each.first, each.second) for each in found.split} == {(made.A, made.B), (made.A, "model-c")}
    total = [
        each.estimate.value
        for each in found.split
        if (each.quantity, each.part, each.kind) == ("direct", TOTAL, "share")
    ]
    assert total == pytest.approx([0.2, 0.4])
