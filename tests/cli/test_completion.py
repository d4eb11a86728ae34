"""Shells complete names of models, maps and other values, without importing torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mediate.cli.completion import map_names, model_names

FOUND = {
    "mediate sco": ["score"],
    "mediate tune lo": ["lora"],
    "mediate score --model reference-worded-0": ["reference-worded-0.1m", "reference-worded-0.3m"],
    "mediate score --maps he": ["heads"],
    "mediate score --outcomes logp": ["logprob_diff", "logprob"],
    "mediate score --template few": ["few-shot"],
    "mediate pairs --task mo": ["modular"],
    "mediate models fetch s": ["smollm2-135m-instruct"],
}
# All lines in one process, since its imports take longer than they do; each is told of as a shell's own process is.
CODE = """
import contextlib, io, json, os, sys
from mediate.cli import main
said = {}
for line in json.loads(sys.argv.pop()):
    os.environ |= {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main()
    said[line] = out.getvalue().split("\\n")[:-1], "torch" in sys.modules
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], bool]]:
    """What bash is told of each line that ends in the word under the cursor, and whether torch was imported by then."""
    folder, root = str(tmp_path_factory.mktemp("empty")), str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps([*FOUND])],
        env={"_MEDIATE_COMPLETE": "complete_bash", "PYTHONPATH": root, "MEDIATE_CACHE": folder, "HF_HOME": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("line", FOUND)
def test_values_are_completed(line: str, completed: dict[str, tuple[list[str], bool]]) -> None:
    found, torch = completed[line]
    assert found == FOUND[line]
    assert not torch


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
