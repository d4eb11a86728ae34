"""Texts that processes wrote of one set, batch by batch, as files in a folder that all of them read. Imports no torch.

A file is named by the sum of what it holds, so one that was cut short or changed is none.
"""

import hashlib
from pathlib import Path

from mediate.files import check_own, write_bytes

# Below the parts of a run, or beside its shards.
TEXTS = "texts"


def keep(folder: Path, content: bytes) -> None:
    """Keeps what was written of a batch.

    Raises:
        InputError: It would go through a link.
    """
    check_own(folder.parent, folder)
    write_bytes(folder / f"{hashlib.sha256(content).hexdigest()}.json", content)


def kept(folder: Path) -> list[bytes]:
    """What is kept of all batches, in an order that does not depend on who wrote it when."""
    if not folder.is_dir():
        return []
    found = [(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    return [content for name, content in found if hashlib.sha256(content).hexdigest() == name]


def joined(contents: list[bytes]) -> bytes:
    """All of it as one list of JSON."""
    return b"[" + b",".join(contents) + b"]"
