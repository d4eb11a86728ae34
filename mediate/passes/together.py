"""Entries of the store that were made together stand in one file: of ten thousand items a few hundred files.

Such a file is an entry as every other, `<root>/<kind>/<first two of key>/<key>.safetensors`. Its specification names
the keys of what is in it, in order, and its key begins with 16 digits of the key of what they have in common, such as
the model: whoever looks for one of them among other ones lists the files with that beginning and reads their headers.
What was made together is looked up together first, so that it is found as it was made; one that stands in several files
is otherwise taken from the first of them by name.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from mediate.passes.store import COMMON, ENTRIES, SHARED, SUFFIX, Named, Store, header_spec, read_entry

# A folder's time is as coarse as some ticks of a clock, in nanoseconds.
SETTLED = 100_000_000

Read = TypeVar("Read")
Reader = Callable[[dict[str, Tensor]], Read]


def put_together(
    store: Store, kind: str, common: Named, entries: Sequence[Named], tensors: Sequence[Mapping[str, Tensor]]
) -> Path:
    """Writes entries as one file and returns its path; see `Store.put`.

    Args:
        store: Where.
        kind: The folder, such as `outcomes`.
        common: What all of them depend on.
        entries: The entries, in order.
        tensors: Of each.
    """
    named = {f"{place}/{name}": each for place, own in enumerate(tensors) for name, each in own.items()}
    return store.put(kind, _spec(common, entries), named)


def read_together(
    store: Store, kind: str, common: Named, entries: Sequence[Named], readers: Sequence[Reader[Read]]
) -> list[Read | None]:
    """What readers make of entries, None for each that is not there; see `Store.read`.

    Args:
        store: Where.
        kind: The folder.
        common: What all of them depend on.
        entries: The entries, in the order in which they were made together.
        readers: One an entry.
    """

    def whole(tensors: dict[str, Tensor]) -> list[Read | None]:
        return [reader(_part(tensors, place)) for place, reader in enumerate(readers)]

    if store.path(kind, _spec(common, entries)).exists():
        found = store.read(kind, _spec(common, entries), whole)
        if found is not None:
            return found
    return [_read_one(store, kind, common, entry, reader) for entry, reader in zip(entries, readers, strict=True)]


def _read_one(store: Store, kind: str, common: Named, entry: Named, reader: Reader[Read]) -> Read | None:
    own = store.path(kind, entry)
    if own.exists():
        return store.read(kind, entry, reader)
    path, place = _shelf(own.parents[1], common.key[:SHARED]).places(store).get(entry.key, (own, 0))
    return store.read_at(path, lambda tensors: reader(_part(tensors, place)), load=_loaded)


def _spec(common: Named, entries: Sequence[Named]) -> dict[str, object]:
    return {COMMON: common.key, ENTRIES: [each.key for each in entries]}


def _part(tensors: Mapping[str, Tensor], place: int) -> dict[str, Tensor]:
    start = f"{place}/"
    return {name.removeprefix(start): each for name, each in tensors.items() if name.startswith(start)}


def _loaded(path: Path) -> dict[str, Tensor]:
    """The tensors of a file; those of the last two stay, for the next of what they hold."""
    about = path.stat()
    return _read(path, about.st_mtime_ns, about.st_size, about.st_ino)


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int, _size: int, _file: int) -> dict[str, Tensor]:
    return read_entry(path)


@dataclass(slots=True)
class _Shelf:
    """The files of one kind whose keys have one beginning, and where in them each entry stands.

    Args:
        folder: Of the kind.
        beginning: Of their keys.
    """

    folder: Path
    beginning: str
    _seen: int = -1
    _names: set[str] = field(default_factory=set)
    _places: dict[str, tuple[Path, int]] = field(default_factory=dict)

    def places(self, store: Store) -> Mapping[str, tuple[Path, int]]:
        """Where each entry stands; headers that were read before are not read again, damaged files are moved aside."""
        folder = self.folder / self.beginning[:2]
        try:
            seen = folder.stat().st_mtime_ns
        except OSError:
            return {}
        # Of a folder that changes now, the next change may have the same time.
        if seen != self._seen or time.time_ns() - seen < SETTLED:
            there = sorted(name for name in os.listdir(folder) if self._is_own(name))
            if not self._names.issubset(there):
                self._names, self._places = set(), {}
            for name in there:
                if name not in self._names:
                    self._take(store, folder / name)
            self._seen = seen
        return self._places

    def _is_own(self, name: str) -> bool:
        return name.startswith(self.beginning) and name.endswith(SUFFIX)

    def _take(self, store: Store, path: Path) -> None:
        try:
            entries = header_spec(path).get(ENTRIES, ())
        except Exception as error:  # safetensors raises its own error
            store.unreadable(path, error)
            return
        self._names.add(path.name)
        for place, key in enumerate(entries):
            if key not in self._places or path.name < self._places[key][0].name:
                self._places[key] = (path, place)


@cache
def _shelf(folder: Path, beginning: str) -> _Shelf:
    return _Shelf(folder, beginning)
