"""The models that there are by name alone: bundled, fetched, to be fetched, and cached of the hub. Imports no torch."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mediate.models.fetch import PACKAGED, fetched_path
from mediate.models.known import known_names
from mediate.models.shipped import LADDERS, shipped_folder

BUNDLED, FETCHED, FETCHABLE, CACHED = "bundled", "fetched", "to be fetched", "cached"
# What configurations call the length of a context.
_CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "seq_length")


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that a name stands for.

    Args:
        name: As `--model` takes it.
        state: `bundled` with the package, `fetched`, `to be fetched`, or `cached` of the hub by transformers.
        bytes: Of its weights as they lie there, or as they will.
        context: The most tokens of a text; None where that is not known.
        place: Its folder or file; empty where it is not here yet.
        licence: Of the weights; empty where that is not known.
        weights: What they are as they lie, such as `float16` or `4-bit GGUF, Q4_1`; empty where that is not known.
    """

    name: str
    state: str
    bytes: int
    context: int | None
    place: str = ""
    licence: str = ""
    weights: str = ""

    def described(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return asdict(self)


def listed_models() -> list[Listed]:
    """Every model that needs no path: those of the package first, then what is fetched, then the hub's cache."""
    return [*_bundled(), *_packaged(), *_cached()]


def names_to_load() -> list[str]:
    """The names that can be given as a model here, without looking at any file of theirs."""
    return [*known_names(), *(name for name, _ in _snapshots())]


def _bundled() -> Iterator[Listed]:
    for ladder in LADDERS:
        for name in ladder.names:
            folder = shipped_folder(name)
            yield Listed(name, BUNDLED, _weights(folder), ladder.context, str(folder), "Apache-2.0", _dtype(folder))


def _packaged() -> Iterator[Listed]:
    for name, packaged in PACKAGED.items():
        path = fetched_path(name)
        here = path.is_file()
        size = path.stat().st_size if here else packaged.bytes
        state, place = (FETCHED, str(path)) if here else (FETCHABLE, "")
        yield Listed(name, state, size, packaged.context, place, packaged.licence, packaged.weights)


def _cached() -> Iterator[Listed]:
    for name, folder in _snapshots():
        size = _weights(folder)
        if size:  # its configuration or tokenizer alone is no model
            yield Listed(name, CACHED, size, _context(folder), str(folder), weights=_dtype(folder))


def _snapshots() -> Iterator[tuple[str, Path]]:
    """Repositories that transformers has downloaded, each with the newest of its snapshots."""
    from huggingface_hub import constants

    root = Path(constants.HF_HUB_CACHE)
    for folder in sorted(root.glob("models--*")):
        found = [each for each in (folder / "snapshots").glob("*") if (each / "config.json").is_file()]
        if found:
            name = folder.name.removeprefix("models--").replace("--", "/")
            yield name, max(found, key=lambda each: (each.stat().st_mtime_ns, each.name))


def _weights(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.glob("*.safetensors"))


def _context(folder: Path) -> int | None:
    config = _config(folder)
    return next((config[name] for name in _CONTEXTS if isinstance(config.get(name), int)), None)


def _dtype(folder: Path) -> str:
    config = _config(folder)
    return next((config[name] for name in ("dtype", "torch_dtype") if isinstance(config.get(name), str)), "")


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # what cannot be read, loading refuses in its own words
        return {}
    return found if isinstance(found, dict) else {}
