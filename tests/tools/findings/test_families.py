"""The table of families, from runs that are made up: a row a condition, and the differences that stand out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediate.models.shipped import WORDED_LADDER
from mediate.results import write_results
from mediate.results.conditions import SHARES
from mediate.tasks import FAMILIES
from tests.compare import made
from tests.results.test_conditions import conditioned
from tools.findings.families import (
    ENOUGH,
    FAMILIES_OWN,
    FEW,
    FOLDER,
    IN_SIGNS,
    IN_STORIES,
    OF_QUESTIONS,
    OPERATIONS,
    REAL,
    own_pairs,
    table,
    table_of_one,
)

NAMES = {task.name: tuple(dict.fromkeys(pair.condition for pair in task.pairs(ENOUGH))) for task in FAMILIES}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chain carries all under every condition but the last of constraint, where it carries half."""
    folder = tmp_path_factory.mktemp("runs")
    for size, model in enumerate(WORDED_LADDER.names):
        for family, names in NAMES.items():
            count = 12 * len(names)
            run = made.run(model, (0.0, 1.0, 0.0), given=True, count=count, parameters=10**5 * 10**size, te=20.0)
            run = conditioned(run, names)
            if family == "constraint":
                y = run.cube().y.copy()
                y[1::2, 1, 0, 0] = (y[1::2, 1, 1, 1] + y[1::2, 0, 0, 0]) / 2
                items = tuple(replace(each, base=replace(each.base, said=each.base.answer)) for each in run.items)
                run = replace(run, items=items, cubes=(replace(run.cube(), y=y),))
            write_results(folder / FOLDER / f"{model}-{family}", run)
    return folder


def test_a_row_a_condition_and_what_differs_by_name(runs: Path) -> None:
    text = table(runs).replace("\N{NO-BREAK SPACE}", " ")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert lines[0] == ["family", "condition", "0.10M", "1.00M", "10.00M"]
    assert [line[:2] for line in lines[2:]] == [[family, each] for family, names in NAMES.items() for each in names]
    cells = {tuple(line[:2]): line[2] for line in lines[2:]}
    right, te, mediated = cells["constraint", "with clause"].split("; ")
    assert right.startswith("100 %")
    assert float(te) == pytest.approx(20, abs=2)
    assert np.isclose(float(mediated.split(" %")[0]), 50, atol=1)
    assert cells["constraint", "without clause"].split("; ")[2].startswith("100 % [")
    said = " ".join(text.splitlines())
    for model in WORDED_LADDER.names:
        assert f"{model}, constraint, with clause: mediated −50 points" in said
    assert "distance" not in said.partition("without 0:")[2]


def test_own_chains_are_of_the_conditions_that_a_question_has() -> None:
    for task in FAMILIES:
        pairs = own_pairs(task, 3)
        assert bool(pairs) == (task in OF_QUESTIONS)
        assert all(item.cot is None for pair in pairs for item in (pair.base, pair.source))
    conditions = [list(dict.fromkeys(pair.condition for pair in own_pairs(task, 3))) for task in OF_QUESTIONS]
    assert conditions[2] == ["none", "1 before", "2 before", "4 before", "8 before"]
    assert conditions[4] == ["no hint", "right hint", "wrong hint"]


def test_families_are_those_that_their_wording_can_say() -> None:
    for tasks, how in ((IN_SIGNS, {"wording": "modular"}), (IN_STORIES, {"wording": "problems", "steps": OPERATIONS})):
        assert all(len({pair.condition for pair in task.pairs(FEW, **how)}) > 1 for task in tasks)


def test_the_table_of_own_chains_reads_its_own_runs(tmp_path: Path) -> None:
    for model in WORDED_LADDER.names:
        for task in OF_QUESTIONS:
            run = made.run(model, (0.0, 1.0, 0.0), given=True, count=24, parameters=10**5, te=20.0)
            write_results(tmp_path / FOLDER / f"{model}-{task.name}-own", conditioned(run, ("one", "other")))
    rows = [line for line in FAMILIES_OWN.table(tmp_path).splitlines() if line[:1] == "|"]
    assert len(rows) == 2 + 2 * len(OF_QUESTIONS)


def test_a_single_model_has_every_share_with_its_te(tmp_path: Path) -> None:
    for task in IN_STORIES:
        run = made.run(REAL, (0.25, 0.75, 0.0), given=True, count=24, parameters=10**8, te=20.0)
        write_results(tmp_path / FOLDER / f"{REAL}-{task.name}", conditioned(run, ("one", "other")))
    text = table_of_one(tmp_path).replace("\N{NO-BREAK SPACE}", " ")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert lines[0] == ["family", "condition", "n", "answers rightly", "TE (nats)", *SHARES]
    assert [line[:2] for line in lines[2:4]] == [["decoupling", "one"], ["decoupling", "other"]]
    assert [line[6].split(" %")[0] for line in lines[2:4]] == ["75", "75"]
    assert [line[2] for line in lines[2:4]] == ["12", "12"]
    assert "left out: 0 pairs." in " ".join(text.splitlines())
