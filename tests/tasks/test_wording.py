"""Which wording can say which family, and what is said of those that it cannot."""

from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

import mediate
from mediate.cli import app
from mediate.errors import InputError
from mediate.tasks import FAMILIES
from mediate.tasks.pair_families import WORDINGS, FamilyOptions
from mediate.tasks.task import Task

ABLE = {
    "worded": {"decoupling", "constraint", "length", "distance", "execution", "novelty", "leaky"},
    "problems": {"decoupling", "constraint", "length", "distance", "execution", "leaky"},
    "modular": {"length", "execution", "novelty", "leaky"},
}
NOT = [(family, name) for name, able in ABLE.items() for family in FAMILIES if family.name not in able]


def test_the_command_offers_the_wordings_that_there_are() -> None:
    offered = get_args(get_args(FamilyOptions.model_fields["wording"].annotation)[0])
    assert list(offered) == [each.name for each in WORDINGS] == list(ABLE)
    assert all(task.models == {each.name: each.model for each in WORDINGS} for task in FAMILIES)


def test_the_command_goes_on_with_a_model_that_reads_the_wording(tmp_path: Path) -> None:
    for number, (wording, model) in enumerate(FAMILIES[0].models.items()):
        words = [
            "pairs",
            "--task",
            "leaky",
            "--wording",
            wording,
            "-n",
            "5",
            "--out",
            str(tmp_path / f"{number}.jsonl"),
        ]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert f"--model {model} --out" in done.stderr


@pytest.mark.parametrize("wording", ABLE)
def test_a_wording_tells_the_families_that_it_can(wording: str) -> None:
    for task in FAMILIES:
        if task.name in ABLE[wording]:
            pairs = task.pairs(18, wording=wording, seed=1)
            assert len(pairs) == 18
            assert len({pair.condition for pair in pairs}) > 1


@pytest.mark.parametrize(("task", "wording"), NOT, ids=lambda each: getattr(each, "name", each))
def test_a_family_that_cannot_be_said_is_refused_with_what_can(task: Task, wording: str) -> None:
    with pytest.raises(InputError, match=rf"^{task.name}: ") as refused:
        task.pairs(5, wording=wording)
    said = str(refused.value)
    others = [name for name, able in ABLE.items() if task.name in able]
    assert " or ".join(others) in said
    if task.name != "novelty":
        assert f"the wording {wording} (" in said
        assert "it can vary hints, other verbosity, results filled in, wrong results" in said


def test_an_unknown_wording_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"distance: no wording 'greek'; give one of worded, problems, modular"):
        FAMILIES[3].pairs(3, wording="greek")


def test_a_family_is_asked_for_by_name_in_python() -> None:
    assert mediate.family_pairs("leaky", 5, wording="problems", steps=2) == FAMILIES[-1].pairs(
        5, wording="problems", steps=2
    )
    assert mediate.family_pairs("distance", 9, seed=3) == FAMILIES[3].pairs(9, seed=3)
    with pytest.raises(InputError, match="no family 'distances'; give one of decoupling, constraint, length, distance"):
        mediate.family_pairs("distances", 9)
