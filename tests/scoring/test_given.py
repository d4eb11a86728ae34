"""Pairs that speak of a model's training are measured on the models of that training alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mediate
from mediate.cli import app
from mediate.errors import InputError
from mediate.pairs.files import pairs_content, read_pairs
from mediate.pairs.pair import Pair, pair_said
from mediate.scoring.given import check_training
from mediate.tasks.novelty import NOVELTY
from tests import tiny

UNKNOWN = r"item 'worded-2-0000-seen' is 'seen' of the training of worded reference reasoners, and what this one"


@pytest.fixture(scope="module")
def pairs() -> tuple[Pair, ...]:
    return NOVELTY.pairs(6)


@pytest.mark.parametrize("name", ["reference-worded-0.1m", "reference-worded-1.2m"])
def test_models_of_the_family_are_measured(pairs: tuple[Pair, ...], name: str) -> None:
    check_training(pairs, name)
    check_training([pair.base for pair in pairs], "any")
    check_training([replace(pair, training="") for pair in pairs], "any")


def test_other_models_are_refused_however_they_are_asked(
    pairs: tuple[Pair, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.model("llama")
    with pytest.raises(InputError, match=UNKNOWN):
        mediate.score(model, pairs, store=False)
    with pytest.raises(InputError, match=UNKNOWN):
        mediate.score(model, pairs, store=False, against="hidden")
    with pytest.raises(InputError, match=UNKNOWN):
        mediate.faithfulness(model, pairs, store=False)
    with pytest.raises(InputError, match=UNKNOWN):
        mediate.cross(model, model, pairs, store=False)
    with pytest.raises(InputError, match=r"such as reference-worded-0\.1m, or other pairs"):
        check_training(pairs, "reference-0.1m")
    with pytest.raises(InputError, match="what else this one was trained on is not known"):
        check_training(pairs, "reference-worded-0.1m+adapter")
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(pairs_content(file, pairs))
    monkeypatch.delattr("mediate.api.load")  # a command says so before it loads a model
    for command in ("score", "faithfulness"):
        words = (command, file, "--model", "reference-0.1m", "--out", tmp_path / "run")
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert isinstance(done.exception, InputError)  # which ends a command with 2
        assert "model 'reference-0.1m': item 'worded-2-0000-seen' is 'seen' of the training" in str(done.exception)
        assert not (tmp_path / "run").exists()


def test_a_file_keeps_it_and_fingerprints_do_not(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(pairs_content(file, pairs))
    read = read_pairs(file)
    assert [pair.training for pair in read] == ["worded"] * 6
    assert pair_said(pairs[0]) == pair_said(replace(pairs[0], training=""))
    with pytest.raises(InputError, match="no family 'worde'; its 'training' can be modular or worded"):
        check_training([replace(pairs[0], training="worde")], "any")
