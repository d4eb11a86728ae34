"""models.steered_folder: what 'mediate steer apply' writes is a model for every command; what is wrong is one line."""

import json
from pathlib import Path

import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.models.loading import load_tokenizer_of
from mediate.models.origin import STEERED, VECTOR, resolve
from mediate.models.steered_folder import found_again, write_steered
from mediate.passes.forward import forward
from mediate.tuning.base import load_base
from tests.models import folders
from tests.models.vectors import vector_of

IDS = folders.IDS


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.saved(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def folder(base: Path) -> Path:
    loaded = mediate.load(base, device="cpu")
    write_steered(base.parent / "mine", str(base), mediate.steered(loaded, vector_of(loaded, 1), 1.5))
    return base.parent / "mine"


def test_a_folder_is_loaded_as_the_model_that_was_steered(base: Path, folder: Path) -> None:
    loaded, plain = mediate.load(folder, device="cpu"), mediate.load(base, device="cpu")
    wanted = mediate.steered(plain, vector_of(plain, 1), 1.5)
    assert torch.equal(forward(loaded, IDS).logits, forward(wanted, IDS).logits)
    assert not torch.allclose(forward(loaded, IDS).logits, forward(plain, IDS).logits)
    assert loaded.facts.fingerprint == wanted.facts.fingerprint
    assert (loaded.facts.name, loaded.facts.source) == ("mine", "folder+steering")
    assert loaded.describe()["steering"] == wanted.describe()["steering"]
    assert not [check for check in loaded.checks if not check.passed]
    assert load_tokenizer_of(str(folder)).get_vocab() == plain.tokenizer.get_vocab()
    assert resolve(folder).location == str(base)


def test_it_names_its_base_by_a_path_that_leads_there(
    folder: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads((folder / STEERED).read_text())["base"] == str(base)
    monkeypatch.chdir(base.parent)
    assert found_again("base") == str(base)
    assert found_again("base+mine") == f"{base}+{folder}"
    assert found_again("some/model") == "some/model"
    assert found_again("reference-1.2m") == "reference-1.2m"


def test_the_same_again_is_left_and_another_refused(folder: Path, base: Path) -> None:
    loaded = mediate.load(base, device="cpu")
    before = (folder / STEERED).stat().st_mtime_ns
    write_steered(folder, str(base), mediate.steered(loaded, vector_of(loaded, 1), 1.5))
    assert (folder / STEERED).stat().st_mtime_ns == before
    with pytest.raises(InputError, match="holds another steered model"):
        write_steered(folder, str(base), mediate.steered(loaded, vector_of(loaded, 1), 2.0))
    with pytest.raises(InputError, match="not empty and holds no steered model"):
        write_steered(base, str(base), mediate.steered(loaded, vector_of(loaded, 1), 2.0))
    with pytest.raises(ValueError, match="not steered"):
        write_steered(folder, str(base), loaded)


@pytest.fixture
def spoilt(folder: Path, tmp_path: Path) -> Path:
    return folders.copied(folder, tmp_path / "spoilt")


def test_wrong_folders_are_one_line(spoilt: Path, base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="steer its base with the adapter"):
        resolve(spoilt, "adapter")
    with pytest.raises(InputError, match="is not tuned"):
        load_base(str(spoilt))
    folders.edit(spoilt / STEERED, base=str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"gone: no such file or folder|gone.* give a folder"):
        mediate.load(spoilt, device="cpu")
    folders.edit(spoilt / STEERED, base=str(spoilt.parent / "on_top"))
    folders.copied(spoilt, spoilt.parent / "on_top")
    folders.edit(spoilt.parent / "on_top" / STEERED, base=str(base))
    with pytest.raises(InputError, match="its base is steered already"):
        mediate.load(spoilt, device="cpu")
    folders.edit(spoilt / STEERED, base=str(base), alpha="much")
    with pytest.raises(InputError, match="does not say how a model is steered"):
        mediate.load(spoilt, device="cpu")
    folders.edit(spoilt / STEERED, alpha=1.0, vector="another")
    with pytest.raises(InputError, match="another vector than"):
        mediate.load(spoilt, device="cpu")
    (spoilt / VECTOR).unlink()
    with pytest.raises(InputError, match="no such file"):
        mediate.load(spoilt, device="cpu")


def test_another_base_is_refused(spoilt: Path, tmp_path: Path) -> None:
    folders.edit(spoilt / STEERED, base=str(folders.saved(tmp_path / "other", "qwen3")))
    with pytest.raises(InputError, match="other weights"):
        mediate.load(spoilt, device="cpu")


def test_it_is_loaded_in_another_dtype(folder: Path) -> None:
    loaded = mediate.load(folder, device="cpu", dtype="bfloat16")
    assert loaded.steering is not None
    assert loaded.facts.dtype == "bfloat16"
