"""The table of families, from runs that are made up: a row a condition, and the differences that stand out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediate.models.shipped import WORDED_LADDER
from mediate.results import write_results
from mediate.tasks import FAMILIES
from tests.compare import made
from tests.results.test_conditions import conditioned
from tools.findings.families import ENOUGH, FOLDER, table

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
