"""`mediate models list`: every model that needs no path, where it is and what it takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mediate.models.fetch import PACKAGED
from mediate.models.shipped import REFERENCES
from tests.test_cli import GOOD, assert_refused, mediate, write

KEYS = {"name", "state", "bytes", "context", "place", "licence", "weights"}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one model, and one of which only the configuration is there."""
    for name in ("models--someone--small", "models--someone--half"):
        folder = tmp_path / "hub" / name / "snapshots" / "abc"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"max_position_embeddings": 77, "torch_dtype": "bfloat16"}')
    (tmp_path / "hub" / "models--someone--small" / "snapshots" / "abc" / "model.safetensors").write_bytes(
        b"x" * 2_000_000
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def test_every_model_is_listed_with_its_place(hub: Path) -> None:
    done = mediate("models", "list", "--json", cwd=hub)
    models = {each["name"]: each for each in json.loads(done.stdout)["models"]}
    assert done.stderr == ""
    assert {*REFERENCES, *PACKAGED, "someone/small"} == set(models)
    assert all(set(each) == KEYS for each in models.values())
    small, bundled = models["someone/small"], models["reference-0.1m"]
    assert (small["state"], small["bytes"], small["context"]) == ("cached", 2_000_000, 77)
    assert (bundled["state"], bundled["context"]) == ("bundled", 128)
    weights = [models[name]["weights"] for name in ("someone/small", "reference-0.1m", "smollm2-135m-instruct")]
    assert weights == ["bfloat16", "float16", "4-bit GGUF, Q4_1"]
    assert bundled["bytes"] == sum(each.stat().st_size for each in Path(bundled["place"]).glob("*.safetensors")) > 0


def test_what_is_fetched_says_so(hub: Path) -> None:
    name = next(iter(PACKAGED))
    assert f"next: mediate models fetch {name}" in mediate("models", "list", cwd=hub).stderr
    place = hub / "cache" / "models" / f"{name}.gguf"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x" * 3_000_000)
    done = mediate("models", "list", cwd=hub)
    (row,) = (line for line in done.stdout.splitlines() if line.startswith(f"{name} "))
    assert "fetched" in row
    assert "3.0 MB" in row
    assert "  4-bit GGUF, Q4_1  " in row
    assert row.endswith(str(place))
    done = mediate("models", "fetch", name, cwd=hub)
    assert done.stdout == f"{name} (4-bit GGUF, Q4_1, Apache-2.0): {place}\n"
    assert "next:" not in done.stderr


def test_what_a_command_before_it_asked_for_is_over(hub: Path) -> None:
    write(hub / "pairs.jsonl", GOOD)
    refused = mediate("score", "pairs.jsonl", "--model", "reference-0.1m", "--out", "run", "-q", cwd=hub)
    assert_refused(refused, "the tokenizer has no token for 'Tom'")
    assert "besides, " in mediate("models", "list", cwd=hub).stderr


def test_it_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from mediate.cli import main; sys.argv = ['mediate', 'models', 'list']\n"
        "try: main()\nexcept SystemExit: pass\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_another_name_is_refused_with_the_one_that_is_meant(tmp_path: Path) -> None:
    done = mediate("models", "fetch", "SmolLM2-135M", cwd=tmp_path)
    assert_refused(done, "did you mean 'smollm2-135m-instruct'?", "mediate models list")
