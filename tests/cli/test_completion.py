"""Shells complete names of models, maps and other values, without importing torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from mediate.cli.completion import map_names, model_names


def completed(line: str, tmp_path: Path) -> list[str]:
    """What bash is told of a line that ends in the word under the cursor."""
    words = line.split(" ")
    code = "import sys; from mediate.cli import main\ntry: main()\nexcept SystemExit: print('torch' in sys.modules)"
    told = {"_MEDIATE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=told | {"PYTHONPATH": root, "MEDIATE_CACHE": str(tmp_path), "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *found, torch = done.stdout.split("\n")[:-1]
    assert torch == "False"
    return found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mediate sco", ["score"]),
        ("mediate tune lo", ["lora"]),
        ("mediate score --model reference-worded-0", ["reference-worded-0.1m", "reference-worded-0.3m"]),
        ("mediate score --maps he", ["heads"]),
        ("mediate score --outcomes logp", ["logprob_diff", "logprob"]),
        ("mediate score --template few", ["few-shot"]),
        ("mediate pairs --task mo", ["modular"]),
        ("mediate models fetch s", ["smollm2-135m-instruct"]),
    ],
)
def test_values_are_completed(line: str, found: list[str], tmp_path: Path) -> None:
    assert completed(line, tmp_path) == found


def test_maps_of_a_component_come_once_their_kind_is_begun() -> None:
    few = map_names("")
    assert "quick" in {each[0] for each in few}
    assert {"read:step,layer", "state."} <= {*few}
    assert not [each for each in few if isinstance(each, str) and each.startswith("state.z")]
    assert map_names("state.resid_po") == ["state.resid_post:step,layer"]
    assert "ablate.zero.z:step,layer" in map_names("ablate.")


def test_models_of_the_hub_s_cache_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models--someone--small" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert model_names("someone") == ["someone/small"]
