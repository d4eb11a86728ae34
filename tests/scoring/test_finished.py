"""A finished run is known again without its model, and only where nothing that it depends on has changed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from mediate.models.origin import resolve
from mediate.passes.loaded import load
from mediate.results.folder import MANIFEST
from mediate.scoring.finished import finished_run
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.tasks.modular import modular_pairs
from tests.models.folders import copied

REFERENCE = Path(resolve("reference-0.1m").location)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and a finished run of it."""
    place = tmp_path_factory.mktemp("made")
    model = load(copied(REFERENCE, place / "m"))
    score(model, modular_pairs(2), make_spec(maps=(), control_pairs=0), out=place / "run")
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    copied(made / "m", tmp_path / "m")
    copied(made / "run", tmp_path / "run")
    return tmp_path


def found(place: Path, **loading: Any) -> bool:
    return finished_run(place / "run", resolve(place / "m"), loading) is not None


def test_the_same_run_is_known(place: Path) -> None:
    assert found(place)
    assert found(place, dtype="float32")


def one_weight(place: Path) -> None:
    weights = load_file(place / "m" / "model.safetensors")
    weights[sorted(weights)[0]].view(-1)[0] += 1e-3
    save_file(weights, place / "m" / "model.safetensors")


def file(name: str) -> Any:
    def changed(place: Path) -> None:
        path = place / "m" / name
        path.write_text(path.read_text() + " " if path.exists() else "{}")

    return changed


def manifest(**changes: Any) -> Any:
    def changed(place: Path) -> None:
        path = place / "run" / MANIFEST
        told = json.loads(path.read_text())
        for name, value in changes.items():
            told[name] = told[name] | value if isinstance(value, dict) else value
        path.write_text(json.dumps(told))

    return changed


def table(place: Path) -> None:
    path = place / "run" / "results" / "cube.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize(
    "change",
    [
        one_weight,
        file("config.json"),
        file("tokenizer.json"),
        file("chat_template.jinja"),
        manifest(status="started"),
        manifest(versions={"numerics": "1"}),
        manifest(versions={"torch": "2.0.0"}),
        manifest(versions={"mediate": "0"}),
        manifest(model={"name": "other"}),
        manifest(model={"files": {}}),
        manifest(model=None),
        table,
        lambda place: (place / "run" / "rejects.jsonl").unlink(),
    ],
)
def test_whatever_has_changed_is_for_the_model_to_tell(place: Path, change: Any) -> None:
    change(place)
    assert not found(place)


def test_other_ways_of_loading_are_too(place: Path) -> None:
    assert not found(place, dtype="float64")
    assert not found(place, tokenizer=str(place / "m"))


def test_no_torch_is_imported(place: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mediate.models.origin import resolve;"
        "from mediate.scoring.finished import finished_run;"
        f"assert finished_run(Path({str(place / 'run')!r}), resolve({str(place / 'm')!r}), {{}});"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
