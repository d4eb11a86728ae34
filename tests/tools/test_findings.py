"""The tables of findings, from run directories that are made up."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.mediation.maps import parse_map
from mediate.models.shipped import RUNGS, After
from mediate.results import EffectMap, write_results
from mediate.results.agreement import Agreement
from mediate.results.controls import Control, Controlled
from tests.compare import made
from tools.findings import __main__ as command
from tools.findings.estimates import cut, maps, table
from tools.findings.ladder import LADDER
from tools.findings.real import LORA


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ladder whose decorative afters mediate less the larger they are, and a model before and after tuning."""
    folder = tmp_path_factory.mktemp("runs")
    for size, rung in enumerate(RUNGS):
        for after, direct in ((After.BASE, 0.0), (After.DECORATIVE, 0.9 + size / 100), (After.NEEDED, 0.1)):
            name = rung.name(after)
            shares, parameters = (direct, 0.75 * (1 - direct), 0.25 * (1 - direct)), 10**5 * 10**size
            write_results(folder / name, made.run(name, shares, given=True, parameters=parameters, seed=size))
    for number, (name, te) in enumerate((("lora-before", 5.0), ("lora", 10.0), ("answer-only", 1.0))):
        write_results(folder / name, made.run(name, given=True, te=te, seed=number))
    return folder


@pytest.fixture
def page(tmp_path: Path) -> Path:
    text = "".join(f"{each.name}?\n{each.part.start}\nold\n{each.part.end}\n" for each in command.FINDINGS)
    (tmp_path / "findings.md").write_text(text)
    return tmp_path / "findings.md"


def rows(text: str) -> list[list[str]]:
    found = [line for line in text.replace("\N{NO-BREAK SPACE}", " ").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found][2:]


def test_a_table_is_written_from_runs_that_are_there(runs: Path, page: Path) -> None:
    command.main(["ladder", "decorative", "--from", str(runs), "--page", str(page)])
    apples, ladder, decorative, lora, *_ = page.read_text().split("?\n")[1:]
    assert "old" in apples
    assert "old" in lora
    for place, row in enumerate(rows(ladder)):
        assert row[1].startswith("100.0 % [")
        assert row[2].startswith(f"{10 - place}.0 % [")
        assert row[3].startswith("90.0 % [")
    assert [row[0] for row in rows(ladder)] == ["0.10M", "1.00M", "10.00M", "100.00M"]
    for place, row in enumerate(rows(decorative)):
        direct = 90 + place
        wanted = (direct, 0.75 * (100 - direct), 0.25 * (100 - direct))
        assert [float(cell.split(" %")[0]) for cell in row[1:]] == pytest.approx(wanted, abs=0.051)
    beneath = " ".join(ladder.split())
    assert "float32; `logit_diff`; n = 24 in 8 groups; seed 0; intervals of 95" in beneath
    assert "measured 2026-11-21 with mediate 0.1.0" in beneath
    assert "for ten times the parameters" in beneath


def test_changes_are_paired_and_of_tie(runs: Path) -> None:
    before, tuned, answers = rows(LORA.table(runs))
    assert [row[0] for row in (before, tuned, answers)] == ["nothing", "chain and answer", "the answer alone"]
    assert [row[1].split()[0] for row in (before, tuned, answers)] == ["5.00", "10.00", "1.00"]
    assert before[3] == ""
    assert float(tuned[3].split()[0]) == pytest.approx(0.9 * 5, abs=0.01)
    assert float(answers[3].split()[0].replace("−", "-")) == pytest.approx(-0.9 * 4, abs=0.01)


def test_nothing_is_measured_where_runs_are_named(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(_: Path) -> None:
        raise AssertionError("measured")

    monkeypatch.setattr(command, "FINDINGS", (type(LADDER)("ladder", measured, LADDER.table, 0),))
    with pytest.raises(InputError, match=r"reference-0\.1m"):
        command.main(["--from", str(tmp_path), "--page", str(page)])
    with pytest.raises(AssertionError, match="measured"):
        command.main(["--page", str(page)])
    assert page.read_text().count("old") == len(page.read_text().split("?\n")) - 1


def test_a_wrong_name_or_page_is_told_first(page: Path) -> None:
    with pytest.raises(InputError, match="no finding 'more'; there is apples, ladder"):
        command.main(["more", "--page", str(page)])
    page.write_text("nothing")
    with pytest.raises(InputError, match="ladder: written by"):
        command.main(["ladder", "--page", str(page)])


def test_estimates_have_a_line_a_component_and_a_column_a_method(tmp_path: Path) -> None:
    agreed = {"attribution.z": 0.961, "attribution.z.ig": 0.5}
    results = made.run(given=True, count=2, groups=2)
    estimated = [
        EffectMap(
            np.ones((2, 2)), ("layer", "head"), {"layer": (0, 1), "head": (0, 1)}, item.id, item.group, kind,
            made.OUTCOME, 5.0, Agreement(correlation - place / 10, 0.95, 0.1, 1.0, 0.9, 32, 8, 0),
        )
        for kind, correlation in agreed.items()
        for place, item in enumerate(results.items)
    ]  # fmt: skip
    write_results(tmp_path / "estimates", replace(results, maps=tuple(estimated)))
    found = {row[0]: row[1:] for row in rows(table(tmp_path))}
    assert found["`z:layer,head`"] == ["0.96, 0.86 reliable, ranking only", "0.50, 0.40 unreliable", "-", "-", "-"]
    assert found["`q:layer,head`"] == ["-"] * 5
    assert "model-a, rank correlation of each of 2 items" in " ".join(table(tmp_path).split())


def test_every_estimate_is_a_map_that_can_be_asked_for() -> None:
    for name in maps():
        parse_map(name)
    assert len(maps()) == len(set(maps())) == 7 * 3 + 2 + 5


def test_shares_before_the_answer_stand_beside_the_whole_chains(tmp_path: Path) -> None:
    results = made.run(shares=(0.1, 0.8, 0.1), given=True, count=4, groups=4)
    cut_short = made.cube(results.items[:3], (0.3, 0.6, 0.1), te=2.0)
    controls = tuple(
        Controlled(item.id, item.group, Control.SELF_SOURCE, made.OUTCOME, 0.0, 5.0) for item in results.items
    )
    write_results(tmp_path / "cut", replace(results, cut=(cut_short,), controls=controls))
    whole, short, *held = rows(cut(tmp_path))
    assert whole[:2] == ["whole", "4"]
    assert whole[3].startswith("90.0 % [")
    assert short[:2] == ["cut before the answer", "3"]
    assert short[2] == "2.00 no interval"
    assert short[3] == "70.0 % (no interval)"
    assert held[-1] == ["self source", "4", "0", "5.00", ""]
