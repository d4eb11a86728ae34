"""`mediate steer`: a vector is fitted, a folder written, and every command takes that as a model."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mediate.cli import app
from mediate.models.steering_vector import SteeringVector
from mediate.pairs.files import write_pairs
from mediate.results.folder import read_manifest
from mediate.tasks.worded_pairs import worded_pairs

RUN = CliRunner()
MODEL = "reference-worded-0.1m"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs, a vector of them, and two models that are steered by it and by its control."""
    place = tmp_path_factory.mktemp("steer")
    write_pairs(place / "p.jsonl", worded_pairs(12, vary=["verbosity=mended"]))
    fit = ["steer", "fit", str(place / "p.jsonl"), "--model", MODEL, "--layer", "1", "--thoughts", "worded", "-q"]
    result = RUN.invoke(app, [*fit, "--out", str(place / "v.safetensors")])
    assert result.exit_code == 0, result.output
    assert "thoughts of 12 chains" in result.output
    assert "12 of reflection, 12 of transition" in result.output
    assert "cosine of two halves 0." in result.output
    for name, more in (("steered", []), ("control", ["--random", "3"])):
        apply = ["steer", "apply", str(place / "v.safetensors"), "--model", MODEL, "--alpha", "2", *more, "-q"]
        result = RUN.invoke(app, [*apply, "--out", str(place / name)])
        assert result.exit_code == 0, result.output
        assert "after layer 1" in result.output
    return place


def test_a_folder_says_what_it_is(folder: Path) -> None:
    told = json.loads((folder / "steered" / "steering.json").read_text())
    vector = SteeringVector.read(folder / "v.safetensors")
    assert (told["base"], told["alpha"], told["layer"], told["vector"]) == (MODEL, 2.0, 1, vector.digest)
    control = json.loads((folder / "control" / "steering.json").read_text())
    assert (control["random"], control["instead_of"]) == (3, vector.digest)
    assert control["norm"] == pytest.approx(told["norm"], rel=1e-6)


def test_it_is_scored_and_says_whose_chains_it_read(folder: Path) -> None:
    """Given chains are one design; chains that the steered model writes itself are another."""
    asked = ["score", str(folder / "p.jsonl"), "--model", str(folder / "steered"), "--control-pairs", "0", "-q"]
    result = RUN.invoke(app, [*asked, "--out", str(folder / "run"), "--no-report"])
    assert result.exit_code == 0, result.output
    manifest = read_manifest(folder / "run")
    assert manifest["model"]["steering"]["alpha"] == 2.0
    assert manifest["model"]["name"] == "steered"
    assert manifest["steered_chains"] == {"given": 24, "written": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "p.jsonl", "--model", MODEL, "--layer", "9", "--thoughts", "worded", "--out", "w"], "has layers 0 to"),
        (["fit", "p.jsonl", "--model", MODEL, "--layer", "1", "--out", "v.safetensors"], "--force"),
        (["fit", "p.jsonl", "--model", MODEL, "--layer", "1", "--out", "w"], "no token of"),
        (["apply", "v.safetensors", "--model", "reference-worded-0.3m", "--out", "w"], "wide, the residual stream of"),
        (["apply", "v.safetensors", "--model", "steered", "--out", "w"], "steered already"),
        (["apply", "v.safetensors", "--model", MODEL, "--alpha", "1", "--out", "steered"], "another steered model"),
        (["apply", "p.jsonl", "--model", MODEL, "--out", "w"], "cannot be read"),
    ],
)
def test_wrong_input_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(folder)
    result = RUN.invoke(app, ["steer", *arguments])
    assert result.exit_code != 0
    assert message in str(result.exception)
    assert not (folder / "w").exists()


def test_the_last_layer_is_said_to_change_no_given_chain(folder: Path) -> None:
    asked = ["steer", "apply", str(folder / "v.safetensors"), "--model", MODEL, "--out", str(folder / "last")]
    result = RUN.invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert "layer 1 is the last: chains that are given are read as before" in result.output
