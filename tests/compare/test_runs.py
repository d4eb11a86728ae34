"""Runs get names, and their items are paired by id and by what they say."""

from dataclasses import replace
from pathlib import Path

import pytest

from mediate.compare import name_runs
from mediate.compare.pairing import NOT_GIVEN, OTHER_CONTENT, REJECTED
from mediate.errors import InputError
from mediate.results import Reject, Results
from tests.compare import made
from tests.compare.asked import compared, named


def test_labels_are_the_ends_of_folders_that_tell_them_apart() -> None:
    runs = [made.run(), made.run(made.B), made.run("c")]
    plain = name_runs(runs, [Path("runs/a"), Path("runs/b"), Path("c")])
    assert [run.label for run in plain] == ["a", "b", "c"]
    alike = name_runs(runs, [Path("x/run"), Path("y/run"), Path("y/other")])
    assert [run.label for run in alike] == ["x/run", "y/run", "y/other"]
    memory = name_runs(runs, [None, None, Path("c")])
    assert [run.label for run in memory] == [made.A, made.B, "c"]
    same = name_runs([made.run(), made.run()], [None, None])
    assert [run.label for run in same] == [f"1 {made.A}", f"2 {made.A}"]


def test_runs_that_are_no_two_different_ones_are_refused() -> None:
    one = made.run()
    with pytest.raises(InputError, match="needs two runs or more, and 1 is given"):
        name_runs([one], [None])
    with pytest.raises(InputError, match=r"runs/a is given 2 times; give each run once"):
        name_runs([one, made.run()], [Path("runs/a"), Path("runs/../runs/a")])
    with pytest.raises(InputError, match="one of the results is given 2 times"):
        name_runs([one, one], [None, None])
    for labels in (("x",), ("x", "x"), ("x", " ")):
        with pytest.raises(InputError, match="do not name 2 runs once each"):
            name_runs([one, made.run()], [None, None], labels)


def test_dropped_items_are_counted_with_their_reason() -> None:
    first = made.without(made.run(count=10), "i0009")
    second = made.without(made.without(made.run(made.B, count=10), "i0002", "i0003", rejected="not_solved"), "i0004")
    pairing = compared(first, second).pairing
    assert pairing.items == ("i0000", "i0001", "i0005", "i0006", "i0007", "i0008")
    assert pairing.groups == ("g0", "g1", "g5", "g6", "g7", "g0")
    assert pairing.dropped_items == 4
    assert pairing.reasons() == {
        ("run1", REJECTED, "not_solved"): 2, ("run1", NOT_GIVEN, ""): 1, ("run0", NOT_GIVEN, ""): 1
    }  # fmt: skip
    refused = next(each for each in pairing.dropped if each.item == "i0003")
    assert refused.reason == "not_solved it is"


def test_the_numbers_are_of_the_shared_items_alone() -> None:
    whole = compared(made.run(), made.without(made.run(made.B, (0.2, 0.7, 0.1), seed=1), "i0003", "i0011"))
    alone = compared(
        *(made.without(run, "i0003", "i0011") for run in (made.run(), made.run(made.B, (0.2, 0.7, 0.1), seed=1)))
    )
    assert whole.levels == alone.levels
    assert repr(whole.differences) == repr(alone.differences)


def test_items_in_another_order_are_paired_by_id() -> None:
    other = made.run(made.B, (0.2, 0.7, 0.1), seed=1)
    cube = other.cubes[0]
    turned = replace(
        other, items=other.items[::-1],
        cubes=(replace(cube, y=cube.y[::-1], items=cube.items[::-1], groups=cube.groups[::-1]),),
    )  # fmt: skip
    assert repr(compared(made.run(), turned).differences) == repr(compared(made.run(), other).differences)


def changed(run: Results, world: str, **changes: str) -> Results:
    item = run.items[5]
    return replace(
        run, items=(*run.items[:5], replace(item, **{world: replace(getattr(item, world), **changes)}), *run.items[6:])
    )


@pytest.mark.parametrize(
    ("world", "field", "name"),
    [
        ("base", "question", "base question"),
        ("base", "answer", "base answer"),
        ("source", "question", "source question"),
        ("source", "answer", "source answer"),
    ],
)
def test_an_item_that_says_something_else_is_refused_by_name(world: str, field: str, name: str) -> None:
    other = changed(made.run(made.B), world, **{field: "99"})
    with pytest.raises(
        InputError, match=rf"item 'i0005' is another one in 'run1': its {name} is '99', elsewhere"
    ) as error:
        compared(made.run(), other)
    assert "\n" not in str(error.value)
    found = compared(made.run(), other, allow_mixed=True)
    assert found.pairing.reasons() == {("run1", OTHER_CONTENT, ""): 1}
    assert len(found.pairing.items) == 23
    assert len(found.mixed) == 1
    assert "'i0005'" in found.mixed[0]


def test_items_of_other_groups_are_refused() -> None:
    other = made.run(made.B, groups=4)
    with pytest.raises(InputError, match="item 'i0004' is another one in 'run1': its group is 'g0', elsewhere 'g4'"):
        compared(made.run(), other)


def test_no_shared_item_says_why() -> None:
    first, second = made.run(count=4), made.run(made.B, count=4)
    apart = made.without(first, "i0000", "i0001"), made.without(second, "i0002", "i0003", rejected="endless_cot")
    with pytest.raises(
        InputError, match=r"no item was measured in all runs \('run0' has 2, 'run1' has 2; .*endless_cot"
    ) as error:
        compared(*apart)
    assert "\n" not in str(error.value)
    empty = tuple(replace(cube, y=cube.y[:0], items=(), groups=()) for cube in first.cubes)
    nothing = Results(first.manifest, (), empty, rejects=(Reject("", "invalid", "no JSON"),))
    with pytest.raises(InputError, match="'run1' has 0"):
        compared(first, nothing)


def test_rejected_maps_drop_no_item() -> None:
    lost = Reject("i0001", "steps_differ", "they differ", part="read:step,layer")
    other = replace(made.run(made.B), rejects=(lost,))
    assert compared(made.run(), other).pairing.dropped == ()
    # What was said of its map is not why an item is not there.
    (missing,) = compared(made.run(), made.without(other, "i0001")).pairing.dropped
    assert (missing.status, missing.code) == (NOT_GIVEN, "")


def test_a_run_knows_its_model_and_size() -> None:
    run = named(made.run(parameters=7), made.run(made.B))[0]
    assert (run.reader.name, run.reader.fingerprint, run.parameters) == (made.A, "print of model-a", 7)
