"""The table of why the level of `hidden` is off, from runs that are made up; and the outcome that takes it apart."""

from pathlib import Path

import pytest
import torch

from mediate.mediation.encoding import Readers
from mediate.mediation.outcomes import reading
from mediate.models.shipped import ladder_tokenizer
from tests.tools.test_findings import rows
from tools.findings.among_digits import among_digits
from tools.findings.levels import DIGITS, LEVELS


def test_one_thing_is_changed_at_a_time(runs: Path) -> None:
    shares, cells = LEVELS.table(runs).split("\n\n")[:2]
    base, decorative, needed, *_ = rows(shares)
    assert base[:2] == ["0.10M", "base"]
    assert len(rows(shares)) == 12
    assert [cell.split(" %")[0] for cell in base[2:]] == ["100", *["60"] * 3, *["100"] * 3]
    assert [cell.split(" %")[0] for cell in decorative[2:]] == ["5", *["30"] * 3, *["0"] * 3]
    assert base[2:] == needed[2:]
    assert rows(cells)[1][2:] == ["10.00 + 1.50", "7.00 + 1.50", "10.00 + 1.50", "0.00 + 1.50"]


def test_hints_at_random_are_told_of_chains_that_have_an_effect(runs: Path) -> None:
    told = " ".join(LEVELS.table(runs).replace("\N{NO-BREAK SPACE}", " ").split()).rpartition("hints at random, ")[2]
    assert told.startswith("hidden, among digits: 0.10M base 100 % [")
    assert told.count("needed 100 % [") == 4
    assert "decorative" not in told


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
