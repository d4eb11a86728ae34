"""The store: tensors on disk under the hash of everything that they depend on.

An entry is one safetensors file, `<root>/<kind>/<first two of key>/<key>.safetensors`. The key is the sha256 of the
entry's specification in canonical JSON; the header carries the specification and a sha256 of the data, because the
format itself does not notice a flipped bit. An entry is read only where its header is that of the key that is asked
for, its data have the sum, and its tensors are what the reader takes them for; any other is computed again. Files are
written beside their place and renamed, so that whatever ends a process leaves an entry whole or absent; two writers of
one key write the same content, and the later rename does no harm. They are not synced to disk, which would take longer
than what a small model computes: a loss of power may tear an entry, which its sum tells, so that it costs time alone. A
folder that cannot be written costs a warning and no run.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from mediate.errors import one_line, told
from mediate.files import drop_orphans, write_atomic
from mediate.models.cache import SET_ASIDE, cache_folder, opened_cache, touch
from mediate.models.fingerprint import tensor_bytes
from mediate.models.float64 import keeps_float64
from mediate.models.identity import NUMERICS_VERSION, library_versions
from mediate.models.model import Model
from mediate.showing import fields_cell

SCHEMA, SUFFIX = 1, ".safetensors"
DAY = 24 * 60 * 60.0
# The fields of the specification of entries that stand in one file, and how much of their keys is that of the first:
# see `mediate.passes.together`.
COMMON, ENTRIES, SHARED = "common", "entries", 16

log = logging.getLogger(__name__)

Spec = Mapping[str, Any]
Read = TypeVar("Read")
Load = Callable[[Path], dict[str, Tensor]]


@dataclass(frozen=True, slots=True)
class Named:
    """What an entry depends on, worked out once for looking it up and for keeping it; see `named`.

    Args:
        text: In canonical JSON.
        key: The sha256 of it; of entries in one file it begins with that of what they have in common.
    """

    text: str
    key: str


def named(spec: "Spec | Named") -> Named:
    """An entry's specification with its key; NaN and objects that are not JSON are errors."""
    if isinstance(spec, Named):
        return spec
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), allow_nan=False)
    together = spec.keys() == {COMMON, ENTRIES}
    digest, shared = hashlib.sha256(text.encode()).hexdigest(), str(spec[COMMON])[:SHARED] if together else ""
    return Named(text, shared + digest[: len(digest) - len(shared)])


def model_spec(model: Model) -> dict[str, Any]:
    """What every entry computed by a model depends on: weights, tokenizer, dtype, kind of device, code and libraries.

    Batch sizes, paths and times are left out: they change no number by more than rounding, which the tests show.
    """
    spec = {
        "schema": SCHEMA,
        "numerics": NUMERICS_VERSION,
        "versions": dict(library_versions()),
        "model": model.facts.fingerprint,
        "tokenizer": model.facts.tokenizer,
        "dtype": model.facts.dtype,
        "device": model.device.type,
        "attention": "eager",
    }
    # Float64 models were stored when parts of them rounded to float32, by up to 1e-5; all others keep their keys.
    return spec | {"arithmetic": "float64"} if keeps_float64(model.plain) else spec


def entry_key(spec: Spec) -> str:
    """sha256 of the specification in canonical JSON; NaN and objects that are not JSON are errors."""
    return named(spec).key


@dataclass(slots=True)
class Counts:
    """What a store did in this process."""

    hits: int = 0
    misses: int = 0
    corrupt: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Store:
    """Stored tensors under one folder.

    Args:
        root: The folder; by default the cache.
        counts: Hits, misses, damaged entries, and entries that the system would not let be read or written, so far.

    Example:
        >>> store = md.Store()
        >>> store.counts.hits
        0
    """

    root: Path = field(default_factory=cache_folder)
    counts: Counts = field(default_factory=Counts)

    _repr_html_ = fields_cell

    def path(self, kind: str, spec: Spec | Named) -> Path:
        """Where an entry stands, whether or not it is there."""
        key = named(spec).key
        return self.root / kind / key[:2] / f"{key}{SUFFIX}"

    def get(self, kind: str, spec: Spec | Named) -> dict[str, Tensor] | None:
        """The entry's tensors, or None where there is none; see `read`."""
        return self.read(kind, spec, dict)

    def read(self, kind: str, spec: Spec | Named, reader: Callable[[dict[str, Tensor]], Read]) -> Read | None:
        """What a reader makes of the entry's tensors, or None where there is none.

        An entry that is damaged, that is another's, or that the reader raises an error at, is moved aside to
        `*.corrupt`, logged and counted, and is then no entry.
        """
        return self.read_at(self.path(kind, spec), reader)

    def read_at(
        self, path: Path, reader: Callable[[dict[str, Tensor]], Read], *, load: Load | None = None
    ) -> Read | None:
        """`read` of what stands at a path, by `read_entry` or by another way to load what it holds."""
        _told_open(self.root)
        try:
            if not path.exists():
                self.counts.misses += 1
                return None
            made = reader((load or read_entry)(path))
        except Exception as error:  # safetensors raises its own error, a reader whatever it stumbles over
            self.counts.misses += 1
            self.unreadable(path, error)
            return None
        self.counts.hits += 1
        touch(path)
        return made

    def unreadable(self, path: Path, error: Exception) -> None:
        """Moves a damaged entry aside, logs and counts it; not one that is gone or may not be read."""
        if isinstance(error, FileNotFoundError):
            return
        if isinstance(error, PermissionError):
            self._refused(error)
            return
        self.counts.corrupt += 1
        with suppress(OSError):  # where nothing can be moved it is at least not used
            path.replace(path.with_suffix(SET_ASIDE))
        log.warning("%s: damaged (%s); moved aside and computed again", path, one_line(error, 300))

    def put(self, kind: str, spec: Spec | Named, tensors: Mapping[str, Tensor]) -> Path:
        """Writes an entry and returns its path; where the system does not let it be written, that is logged."""
        from safetensors.torch import save_file

        # A view would be saved with all of the storage behind it.
        owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        entry = named(spec)
        metadata = {"spec": entry.text, "sha256": data_checksum(owned)}
        path = self.path(kind, entry)
        _told_open(self.root)
        _tidied(self.root)
        try:
            write_atomic(path, lambda part: save_file(owned, part, metadata=metadata), sync=False)
        except OSError as error:
            self._refused(error)
        return path

    def _refused(self, error: OSError) -> None:
        """Says once that the cache is of no use."""
        self.counts.refused += 1
        if self.counts.refused == 1:
            log.warning("the cache at %s cannot be used, so nothing is kept there (%s)", self.root, told(error))


@cache
def _told_open(root: Path) -> None:
    """Once a process, what is wrong with a cache that others can write is said; it is used all the same."""
    wrong = opened_cache(root)
    if wrong:
        log.warning("%s", wrong)


@cache
def _tidied(root: Path) -> int:
    """Once a process, what killed writers left in a cache is deleted."""
    return drop_orphans(root, older=DAY)


def array(tensors: Mapping[str, Tensor], name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """One of an entry's tensors as an array; None stands for any length.

    Raises:
        ValueError: It is missing, or has another shape.
    """
    if name not in tensors:
        raise ValueError(f"it lacks {name!r}")
    found = tuple(tensors[name].shape)
    if len(found) != len(shape) or any(want not in (None, have) for want, have in zip(shape, found, strict=True)):
        raise ValueError(f"{name!r} has the shape {found}, not {shape}")
    return tensors[name].numpy()


def numbers(values: Any, kind: type[np.generic] = np.float64) -> Tensor:
    """Plain numbers as a tensor for an entry, in main memory whatever device is the default."""
    return torch.from_numpy(np.array(values, dtype=kind))


def packed(value: Any) -> Tensor:
    """Plain values as a tensor of bytes, for what an entry says beside its numbers."""
    return numbers(list(json.dumps(value).encode()), np.uint8)


def unpacked(tensors: Mapping[str, Tensor], name: str) -> Any:
    """What `packed` was given.

    Raises:
        ValueError: It is missing, or is no such thing.
    """
    return json.loads(bytes(array(tensors, name, (None,)).tolist()))


def data_checksum(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, dtypes, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor_bytes(tensor) if tensor.numel() else b"")
    return digest.hexdigest()


def read_entry(path: Path) -> dict[str, Tensor]:
    """The tensors of an entry that is what its name says, and whole.

    Raises:
        ValueError: It is not; safetensors raises an error of its own.
    """
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        tensors: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if "spec" not in header or entry_key(json.loads(header["spec"])) != path.stem:
        raise ValueError("its header is that of another entry")
    found = data_checksum(tensors)
    if found != header.get("sha256"):
        raise ValueError(f"its data has sha256 {found}, its header says {header.get('sha256')}")
    return tensors


def header_spec(path: Path) -> dict[str, Any]:
    """The specification in an entry's header, as it stands there."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        told: dict[str, Any] = json.loads((file.metadata() or {}).get("spec", "{}"))
    return told
