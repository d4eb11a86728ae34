"""The table of why the level of `hidden` is off, from runs that are made up; and the outcome that takes it apart."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mediate.mediation.encoding import Readers
from mediate.mediation.names import LOGIT
from mediate.mediation.outcomes import reading
from mediate.models.shipped import RUNGS, ladder_tokenizer
from mediate.results import read_results, write_results
from tests.tools.test_findings import rows
from tools.findings.among_digits import among_digits
from tools.findings.levels import DIGITS, FOLDER, LEVELS


def test_one_thing_is_changed_at_a_time(runs: Path) -> None:
    shares, cells = LEVELS.table(runs).split("\n\n")[:2]
    base, decorative, needed, *_ = rows(shares)
    assert base[:2] == ["0.10M", "base"]
    assert len(rows(shares)) == 12
    assert [cell.split(" %")[0] for cell in base[2:]] == ["100", *["60"] * 3, *["100"] * 3]
    assert [cell.split(" %")[0] for cell in decorative[2:]] == ["5", *["30"] * 3, *["0"] * 3]
    assert base[2:] == needed[2:]
    assert rows(cells)[1][2:] == ["10.00 + 1.50", "7.00 + 1.50", "10.00 + 1.50", "0.00 + 1.50", "30 %"]


def test_items_are_told_apart_by_their_steps(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / FOLDER / RUNGS[1].name()
    results = read_results(folder)
    items = [replace(each, base=replace(each.base, steps=(0,) * 4)) for each in results.items[:10]]
    cube = results.cube(LOGIT.name)
    y = cube.y.copy()
    y[:10, 1, 0] += 3
    cubes = (replace(cube, y=y), *results.cubes[1:])
    write_results(folder, replace(results, items=(*items, *results.items[10:]), cubes=cubes))
    assert [row[-1] for row in rows(LEVELS.table(tmp_path).split("\n\n")[1])][3:5] == ["30 %, 60 %", "30 %"]


def test_hints_at_random_are_told_of_chains_that_have_an_effect(runs: Path) -> None:
    told = " ".join(LEVELS.table(runs).replace("\N{NO-BREAK SPACE}", " ").split()).rpartition("hints at random, ")[2]
    assert told.startswith("hidden, among digits: 0.10M base 100 % [")
    assert told.count("needed 100 % [") == 4
    assert "decorative" not in told


def test_hidden_is_held_beside_deletion(runs: Path) -> None:
    told = " ".join(LEVELS.table(runs).replace("\N{NO-BREAK SPACE}", " ").split()).rpartition("paired: ")[2]
    each = "they agree in no model, and differ in 12 models, whose share is 25.0 to 40.0 points off the twins'"
    assert told == f"on `logit` {each}; on among digits {each}; on `margin` {each}."


@pytest.mark.parametrize("digit", [0, 7])
def test_an_answer_is_held_against_the_digits_alone(digit: int) -> None:
    tokenizer = ladder_tokenizer()
    digits = [tokenizer.convert_tokens_to_ids(f" {each}") for each in range(10)]
    tokens = reading(Readers(cue=(2,), base=(digits[digit],)), torch.device("cpu"), [DIGITS])
    logits = torch.zeros(1, 1, len(tokenizer))
    logits[0, 0, digits] = torch.arange(10.0)
    assert float(among_digits(tokens, logits)) == pytest.approx(digit - 4.5)
    logits[0, 0, tokenizer.convert_tokens_to_ids("Start")] = 100.0
    assert float(among_digits(tokens, logits)) == pytest.approx(digit - 4.5)
    assert float(among_digits(tokens, logits + 3)) == pytest.approx(digit - 4.5)
