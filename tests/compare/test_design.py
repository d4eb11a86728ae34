"""Who reads whose chains is found from the runs, and a mixture is refused by item."""

from dataclasses import replace

import pytest

from mediate.compare import Design
from mediate.compare.runs import GIVEN
from mediate.errors import InputError
from mediate.results import Results
from tests.compare import made
from tests.compare.asked import compared


def given(run: Results, place: int) -> Results:
    """The run with one item whose chains were given."""
    item = run.items[place]
    odd = replace(item, base=replace(item.base, written=False), source=replace(item.source, written=False))
    return replace(run, items=(*run.items[:place], odd, *run.items[place + 1 :]))


def told(run: Results, place: int) -> Results:
    """The run with one item whose base chain says something else."""
    item = run.items[place]
    odd = replace(item, base=replace(item.base, tokens=(*item.base.tokens[:-1], " else")))
    return replace(run, items=(*run.items[:place], odd, *run.items[place + 1 :]))


def square(**changes: Results) -> list[Results]:
    runs = {
        "aa": made.run(), "ab": made.run(made.A, writer=made.B),
        "ba": made.run(made.B, writer=made.A), "bb": made.run(made.B),
    }  # fmt: skip
    return list((runs | changes).values())


def test_own_shared_and_crossed_are_told_apart() -> None:
    own = compared(made.run(), made.run(made.B)).traces
    assert own.design is Design.OWN
    assert [writer.name for writer in own.writers if writer] == [made.A, made.B]
    assert own.same_steps == frozenset()
    shared = compared(made.run(), made.run(made.B, writer=made.A)).traces
    assert shared.design is Design.SHARED
    assert [writer.name for writer in shared.writers if writer] == [made.A, made.A]
    assert len(shared.same_steps) == 24
    gave = compared(made.run(given=True), made.run(made.B, given=True)).traces
    assert gave.design is Design.SHARED
    assert {writer.fingerprint for writer in gave.writers if writer} == {GIVEN}
    assert compared(*square()).traces.design is Design.CROSSED


def test_own_chains_that_happen_to_be_the_same_are_own() -> None:
    found = compared(made.run(), made.run()).traces
    assert found.design is Design.OWN
    assert len(found.same_steps) == 24


def test_steps_are_the_same_only_where_they_are_cut_alike() -> None:
    other = made.run(made.B, writer=made.A)
    item = other.items[3]
    joined = replace(item, base=replace(item.base, steps=(0,) * 4))
    found = compared(made.run(), replace(other, items=(*other.items[:3], joined, *other.items[4:]))).traces
    assert found.design is Design.SHARED
    assert "i0003" not in found.same_steps
    assert len(found.same_steps) == 23


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (
            (made.run(), given(made.run(made.B), 4)),
            "item 'i0004': its chain in 'run1' was given, and 23 of 24 items have own",
        ),
        (
            (made.run(given=True), told(made.run(made.B, given=True), 6)),
            r"item 'i0006': its chains in two runs differ, by given \('run0'\) and given \('run1'\); 23 of 24",
        ),
        (
            (made.run(), made.run(made.A, writer=made.B)),
            r"item 'i0000': its chains in two runs differ, by model-a \('run0'\) and model-b \('run1'\); no item has",
        ),
        (
            (made.run(), made.run(given=True)),
            r"by model-a \('run0'\) and given \('run1'\)",
        ),
        (
            square(ba=told(made.run(made.B, writer=made.A), 2)),
            "item 'i0002': its chain in 'run2' is not that in 'run0', though model-a wrote both",
        ),
        (square()[:3], "item 'i0000'"),
    ],
)  # fmt: skip
def test_an_item_that_does_not_fit_is_refused_by_name(runs: list[Results], said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        compared(*runs)
    assert "\n" not in str(error.value)
    assert "allow_mixed" in str(error.value)
    found = compared(*runs, allow_mixed=True)
    assert found.traces.design is Design.MIXED
    assert found.mixed == (found.traces.fault,)


def test_a_model_has_one_name_for_each_fingerprint() -> None:
    renamed = made.run(made.B)
    renamed.manifest["model"]["name"] = "the same by another name"
    found = compared(made.run(), made.run(made.A, writer=made.B), made.run(made.B, writer=made.A), renamed)
    assert found.traces.design is Design.CROSSED


def test_chains_taken_back_from_a_run_of_the_same_model_are_its_own() -> None:
    back = made.run(made.A, writer=made.A)
    back.manifest["writer"]["name"] = "the folder that it was loaded from then"
    assert compared(back, made.run(made.B)).traces.design is Design.OWN
