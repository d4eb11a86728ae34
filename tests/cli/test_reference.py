"""`mediate tune reference`: the family that is asked for is trained, and no other is known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from mediate.cli import app
from mediate.models.shipped import LADDERS


@pytest.mark.parametrize("family", [None, *(ladder.family for ladder in LADDERS)])
def test_the_family_that_is_asked_for_is_trained(
    family: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "mediate.reference.train.train_reference", lambda out, **how: asked.append(SimpleNamespace(out=out, **how))
    )
    monkeypatch.setattr("mediate.reference.card.write_card", lambda out, recipe, **how: asked.append(recipe))
    words = ["tune", "reference", "--out", str(tmp_path), "--sizes", "0.1m", "--seed", "2"]
    done = CliRunner().invoke(app, [*words, *(["--family", family] if family else [])], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    training, card = asked
    assert training.recipe is card
    assert card.ladder.family == (family or "modular")
    assert (training.out, training.sizes, training.seed) == (tmp_path, ["0.1m"], 2)


def test_another_family_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["tune", "reference", "--out", str(tmp_path), "--family", "spoken"])
    assert done.exit_code == 2
    assert "modular" in done.output
    assert "worded" in done.output
