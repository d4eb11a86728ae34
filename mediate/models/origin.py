"""What a model's name stands for: a file, a folder, a named package or a repository on the hub."""

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.models.fetch import PACKAGED, fetched_path
from mediate.models.known import respelt_name
from mediate.models.prompts import Template, described_template
from mediate.models.shipped import LADDERS, REFERENCES, shipped_folder

# What `mediate tune` writes beside a model or an adapter.
TUNED = "tuning.json"
# What `mediate steer apply` writes: the base, alpha, and beside it the vector.
STEERED, VECTOR = "steering.json", "vector.safetensors"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
# Endings of files that torch and others pickle.
_PICKLED = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}


class OriginKind(StrEnum):
    """How a model is read."""

    HUB = "hub"
    FOLDER = "folder"
    GGUF = "gguf"


@dataclass(frozen=True, slots=True)
class Origin:
    """A resolved model name.

    Args:
        kind: How it is read.
        location: The hub id, or the path of the folder or file.
        name: What to call it in results: never a path on somebody's disk.
        adapter: The folder of a LoRA adapter to put on it.
        steering: The folder that says how it is steered.
    """

    kind: OriginKind
    location: str
    name: str
    adapter: Path | None = None
    steering: Path | None = None


def resolve(model: str | Path, adapter: str | Path | None = None) -> Origin:
    """Says what a model's name stands for, without loading anything.

    Accepts a hub id, a folder of a transformers model, a folder of a LoRA adapter (its own configuration names the
    base), one of `mediate steer apply` (which names its base, too), a `.gguf` file, the name of a packaged model or
    reference reasoner, and `BASE+ADAPTER`.

    Raises:
        InputError: Nothing of that name, or a folder that holds no loadable model.
    """
    text = str(model)
    if adapter is None and "+" in text and not _path(text).exists():
        text, _, adapter = text.partition("+")
    path = _path(text)
    if path.is_dir() and (path / STEERED).is_file():
        if adapter is not None:
            raise InputError(f"{text}: is a steered model; steer its base with the adapter {str(adapter)!r} instead")
        found = resolve(str(read_steered(path)["base"]))
        if found.steering is not None:
            raise InputError(f"{text}: its base is steered already; steer the base of that")
        return replace(found, name=path.resolve().name, steering=path)
    if path.is_dir() and (path / "adapter_config.json").is_file():
        if any(path.glob("model*.safetensors")):
            raise InputError(f"{text}: holds a model and an adapter; move one of the two to a folder of its own")
        if adapter is not None:
            raise InputError(f"{text}: is itself an adapter; give the base model with the adapter {str(adapter)!r}")
        adapter_folder(path)
        try:
            return resolve(_base_of(path), path)
        except InputError as error:
            raise error if text in str(error) else InputError(f"{text}: of the base that it names: {error}") from error
    found = _locate(text, path)
    if adapter is None:
        return found
    folder = adapter_folder(adapter)
    return replace(found, adapter=folder, name=f"{found.name}+{folder.name}")


def read_steered(folder: Path) -> dict[str, Any]:
    """What `mediate steer apply` wrote of a model: its `base`, and `alpha`.

    Raises:
        InputError: It cannot be read, or lacks one of these.
    """
    file, remedy = folder / STEERED, "write it again with 'mediate steer apply'"
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(told["base"], str) or not isinstance(told["alpha"], int | float):
            raise ValueError("its base is no name, or its alpha no number")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: does not say how a model is steered ({error}); {remedy}") from error
    return told


def tuned_template(origin: Origin) -> Template | None:
    """The template after which a model was tuned by `mediate tune`; None of any other model."""
    folder = origin.adapter or (Path(origin.location) if origin.kind is OriginKind.FOLDER else None)
    if folder is None:
        return None
    try:
        return described_template(json.loads((folder / TUNED).read_text(encoding="utf-8"))["spec"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not tuned by us
        return None


def adapter_folder(adapter: str | Path) -> Path:
    """The folder of an adapter, if it is one that can be read safely.

    Raises:
        InputError: No such folder, no adapter in it, or one that is pickled.
    """
    folder = _path(str(adapter))
    if not (folder / "adapter_config.json").is_file():
        raise InputError(f"{adapter}: holds no adapter (no adapter_config.json); give the folder that peft saved")
    if not (folder / "adapter_model.safetensors").is_file():
        raise InputError(
            f"{adapter}: holds no adapter_model.safetensors; pickled adapters are refused, save it again with peft"
        )
    return folder


def _gguf_name(path: Path) -> str:
    """What a file is called; where that says nothing, as of `smollm2/model.gguf`, what its folder is."""
    return path.stem if path.stem != "model" else path.resolve().parent.name or path.stem


def _path(text: str) -> Path:
    """The path that a text spells; it need not exist."""
    remedy = "give a folder, a .gguf file or a hub id"
    if any(ord(character) < 32 for character in text):
        raise InputError(f"{text[:80]!r}: holds control characters; {remedy}")
    try:
        path = Path(text).expanduser()
        path.exists()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{text[:80]!r}: not a usable path ({reason}); {remedy}") from error
    return path


def _locate(text: str, path: Path) -> Origin:
    if path.is_dir():
        _check_folder(path)
        return Origin(OriginKind.FOLDER, str(path), path.resolve().name)
    if path.is_file():
        if path.suffix in _PICKLED:
            raise InputError(
                f"{text}: pickled weights, which can run code when they are read; give a folder of .safetensors"
            )
        if path.suffix != ".gguf":
            raise InputError(f"{text}: not a model file; give a .gguf file, a folder, or a hub id")
        return Origin(OriginKind.GGUF, str(path), _gguf_name(path))
    if text in PACKAGED:
        if not fetched_path(text).exists():
            raise InputError(f"model {text!r} is not here yet; bring it with: mediate models fetch {text}")
        return Origin(OriginKind.GGUF, str(fetched_path(text)), text)
    if text in REFERENCES:
        return Origin(OriginKind.FOLDER, str(shipped_folder(text)), text)
    respelt = respelt_name(text)
    if respelt is not None:
        raise InputError(f"no model named {text!r}; did you mean {respelt!r}?")
    if path.suffix in (".gguf", ".safetensors", ".bin") or not _HUB_ID.fullmatch(text):
        raise InputError(
            f"{text}: no such file or folder; give a folder, a .gguf file, a hub id, or one of "
            f"{', '.join([*PACKAGED, *(rung.name() for ladder in LADDERS for rung in ladder.rungs)])}"
        )
    return Origin(OriginKind.HUB, text, text)


def _check_folder(path: Path) -> None:
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: holds no config.json; give the folder of a transformers model")
    if not any(path.glob("*.safetensors")):
        if any(each.suffix in _PICKLED for each in path.iterdir()):
            raise InputError(
                f"{path}: holds only pickled weights, which can run code when they are read; convert them with "
                "save_pretrained(..., safe_serialization=True)"
            )
        raise InputError(f"{path}: holds no .safetensors weights; save the model there with save_pretrained")


def has_tokenizer(path: Path) -> bool:
    """Whether a model folder holds a tokenizer's own files."""
    return any((path / name).is_file() for name in _TOKENIZER_FILES)


def _base_of(adapter: Path) -> str:
    file = adapter / "adapter_config.json"
    try:
        base = json.loads(file.read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (ValueError, AttributeError) as error:
        raise InputError(f"{file}: not a JSON object ({error}); save the adapter again with peft") from error
    if not base:
        raise InputError(f"{file}: names no base model; give it as BASE+{adapter}")
    return str(base)
