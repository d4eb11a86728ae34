"""The model that is tuned: plain transformers, not hooked, and the name by which an adapter will find it again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mediate.errors import InputError
from mediate.models.adapter import merge_adapter
from mediate.models.cache import cache_folder
from mediate.models.fetch import PACKAGED, fetched_path
from mediate.models.fingerprint import model_fingerprint, tokenizer_fingerprint
from mediate.models.gguf import converted
from mediate.models.loading import read_plain, read_tokenizer
from mediate.models.origin import Origin, OriginKind, resolve


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A model before it is tuned.

    Args:
        plain: The transformers model in float32, an adapter that was named with it merged.
        tokenizer: Its tokenizer.
        name: What to call it; never a path.
        stored: The name by which it is found again from anywhere; empty with an adapter merged, since no name has it.
        fingerprint: sha256 over configuration and weights.
        tokenizer_hash: sha256 over the tokenizer.
        context: The longest sequence that it was made for; 0 where it does not say.
    """

    plain: Any
    tokenizer: Any
    name: str
    stored: str
    fingerprint: str
    tokenizer_hash: str
    context: int

    def described(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "tokenizer": self.tokenizer_hash,
            "architecture": type(self.plain).__name__,
            "parameters": sum(weight.numel() for weight in self.plain.parameters()),
        }


def load_base(model: Any) -> Base:
    """Loads what a name stands for, to be trained.

    Raises:
        InputError: As `mediate.load`; no tokenizer; or an adapter that was tuned on another model.
    """
    if not isinstance(model, str | Path):
        raise InputError(f"cannot tune a {type(model).__name__} in memory; give the model's name or folder")
    origin = resolve(model)
    if origin.steering is not None:
        raise InputError(f"{model}: a steered model is not tuned, for what is added is no weight; tune its base")
    plain, beside, origin = read_plain(origin, torch.float32)
    if beside is None:
        raise InputError(f"model {str(model)!r} has no tokenizer; save one in its folder")
    tokenizer = read_tokenizer(beside)
    if origin.adapter is not None:
        called = origin.name.partition("+")[0]
        plain = merge_adapter(plain, origin.adapter, called).requires_grad_(True)  # merging leaves weights frozen
    config = plain.config.get_text_config()
    return Base(
        plain=plain,
        tokenizer=tokenizer,
        name=origin.name,
        stored="" if origin.adapter is not None else stored_name(origin),
        fingerprint=model_fingerprint(plain),
        tokenizer_hash=tokenizer_fingerprint(tokenizer),
        context=int(getattr(config, "max_position_embeddings", 0) or getattr(config, "n_positions", 0) or 0),
    )


def stored_name(origin: Origin) -> str:
    """A name that finds the model again from any directory: a packaged name or hub id, or else an absolute path.

    A file or folder of the cache is called by the packaged name that it was made for: caches are deleted.
    """
    if origin.kind is OriginKind.HUB:
        return origin.location
    path = Path(origin.location).resolve()
    return next((name for name in PACKAGED if _is_of(name, path)), str(path))


def _is_of(name: str, path: Path) -> bool:
    """Whether a path is what a packaged model has in the cache: its file, or the folder that it was converted to."""
    file = fetched_path(name)
    if not file.exists():
        return False
    # The folder is known by the file's hash, which is only worth its time for a path in the cache.
    return path == file.resolve() or (
        path.is_relative_to(cache_folder().resolve()) and path == converted(file).resolve()
    )
