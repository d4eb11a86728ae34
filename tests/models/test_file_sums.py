"""The files that a model is loaded from are known by their content, and a changed one is never taken for the old."""

import json
import os
import shutil
from pathlib import Path

import pytest

from mediate.models import file_sums
from mediate.models.file_sums import file_sum, model_sums
from mediate.models.origin import Origin, OriginKind, resolve

SHA = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "m"
    (place / "additional_chat_templates").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "additional_chat_templates/tool.jinja"):
        (place / name).write_text("{}")
    for name in ("README.md", "pytorch_model.bin", ".hidden"):
        (place / name).write_text("what is not read")
    return place


def test_all_that_is_read_is_there_and_nothing_else(folder: Path) -> None:
    found = model_sums(resolve(folder))
    assert found is not None
    assert set(found) == {
        "config.json", "model.safetensors", "tokenizer.json", "additional_chat_templates/tool.jinja"
    }  # fmt: skip
    shutil.copytree(folder, folder.parent / "elsewhere")
    assert model_sums(resolve(folder.parent / "elsewhere")) == found
    (folder / "README.md").write_text("new")
    assert model_sums(resolve(folder)) == found
    (folder / "merges.txt").write_text("new")
    assert model_sums(resolve(folder)) != found


def test_adapter_steering_and_another_tokenizer_are_parts(folder: Path) -> None:
    origin = Origin(OriginKind.FOLDER, str(folder), "m", adapter=folder, steering=folder)
    found = model_sums(origin, folder)
    assert found is not None
    names = {name for name in found if name.endswith("config.json")}
    assert names == {"config.json", "adapter/config.json", "steering/config.json", "tokenizer/config.json"}
    assert model_sums(origin, object()) is None
    assert model_sums(origin, "a-hub/id") is None
    assert model_sums(Origin(OriginKind.HUB, "nobody/has-this", "x")) is None


def test_a_file_alone_is_its_own_sum(folder: Path) -> None:
    (folder / "a.gguf").write_text("abc")
    assert model_sums(Origin(OriginKind.GGUF, str(folder / "a.gguf"), "a")) == {"a.gguf": SHA}


def aged(path: Path, text: str, seconds: int = 10) -> None:
    """Writes a file as if that were long ago, but for the time of its last change, which no program sets."""
    path.write_text(text)
    then = path.stat().st_mtime_ns - seconds * 10**9
    os.utime(path, ns=(then, then))


def test_a_kept_sum_is_of_the_very_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_sums, "WORTH_KEEPING", 1)
    monkeypatch.setattr(file_sums, "SETTLED", 0)
    file = folder / "model.safetensors"
    aged(file, "abc")
    assert file_sum(file) == SHA
    kept = list((folder.parent / "cache" / "sums").rglob("*.json"))
    assert len(kept) == 1
    # The kept one is what is taken, as long as the file is the same.
    kept[0].write_text(kept[0].read_text().replace(SHA, "0" * 64))
    assert file_sum(file) == "0" * 64
    # The same size and the same time of the last write: it is another file all the same.
    about = file.stat()
    file.write_text("abd")
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert file_sum(file) not in ("0" * 64, SHA)
    # What is kept is damaged: it is read again.
    kept[0].write_text("{")
    assert file_sum(file) != "0" * 64
    kept[0].write_text(json.dumps({"file": 1, "sha256": 2}))
    assert file_sum(file) != "0" * 64


def test_a_file_that_may_still_be_written_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_sums, "WORTH_KEEPING", 1)
    (folder / "model.safetensors").write_text("abc")
    assert file_sum(folder / "model.safetensors") == SHA
    assert not (folder.parent / "cache").exists()
