"""Entries in one file: found together, one by one, among others, and never another's."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from mediate.models.cache import entries as cached
from mediate.models.cache import pruned
from mediate.passes import together
from mediate.passes.store import Named, Store, named
from mediate.passes.together import put_together, read_together

COMMON = named({"model": "m"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def entry(number: int) -> Named:
    return named({"model": "m", "item": number})


def tensor(number: int, more: float = 0.0) -> torch.Tensor:
    return torch.arange(3.0) + number + more


def put(store: Store, numbers: Sequence[int], more: float = 0.0, common: Named = COMMON) -> Path:
    own = [{"a": tensor(number, more), "b": torch.tensor(number)} for number in numbers]
    return put_together(store, "outcomes", common, [entry(number) for number in numbers], own)


def values(store: Store, numbers: Sequence[int], common: Named = COMMON) -> list[float | None]:
    """The first number of each entry, checked to be its own."""

    def reader(number: int):
        def read(found: dict[str, torch.Tensor]) -> float:
            assert found.keys() == {"a", "b"}
            assert int(found["b"]) == number
            return float(found["a"][0])

        return read

    return read_together(store, "outcomes", common, [entry(n) for n in numbers], [reader(n) for n in numbers])


def test_a_batch_is_one_file_and_found_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = range(12)  # "1/a" and "11/a" are of two entries
    put(store, numbers)
    assert len([each for each in store.root.rglob("*") if each.is_file()]) == 1
    monkeypatch.setattr(together, "_shelf", None)  # nothing else is looked through
    assert values(store, numbers) == [float(number) for number in numbers]
    assert store.counts.hits == 1


def test_entries_are_found_among_others(store: Store) -> None:
    put(store, [1, 2, 3])
    put(store, [4, 5])
    assert values(store, [5, 2, 9, 4]) == [5.0, 2.0, None, 4.0]
    assert values(store, [3]) == [3.0]
    put(store, [9, 10])
    assert values(store, [9, 2]) == [9.0, 2.0], "a file that came later is seen"


def test_an_entry_by_itself_is_found(store: Store) -> None:
    """As caches have them that are older than files of several."""
    store.put("outcomes", entry(1), {"a": tensor(1), "b": torch.tensor(1)})
    put(store, [2, 3])
    assert values(store, [1, 2]) == [1.0, 2.0]


def test_a_batch_is_found_as_it_was_made(store: Store) -> None:
    """Beside others a number is rounded otherwise, so a run that is taken up again must find its own."""
    for number, more in enumerate((0.1, 0.2, 0.3)):
        put(store, [1, 2, 10 + number], more)
    for number, more in enumerate((0.1, 0.2, 0.3)):
        assert values(store, [1, 2, 10 + number]) == pytest.approx([1 + more, 2 + more, 10 + number + more])
    first = values(store, [1, 2])
    assert first == values(Store(store.root), [1, 2])
    together._shelf.cache_clear()
    assert first == values(store, [1, 2]), "another process takes them from the same file"


def test_what_is_of_another_model_is_not_looked_through(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, [1, 2], common=named({"model": "other"}))
    read: list[Path] = []
    monkeypatch.setattr(together, "header_spec", lambda path: read.append(path) or {})
    assert values(store, [1, 3]) == [None, None]
    assert not read


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "garbage"])
@pytest.mark.parametrize("numbers", [[1, 2, 3], [3, 2]], ids=["whole", "among others"])
def test_damage_is_set_aside(store: Store, damage: str, numbers: list[int], caplog: pytest.LogCaptureFixture) -> None:
    path = put(store, [1, 2, 3])
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-3] ^= 1
    path.write_bytes({"flip": bytes(data), "truncate": bytes(data[:-10]), "empty": b"", "garbage": b"x" * 500}[damage])
    with caplog.at_level(logging.WARNING):
        assert values(store, numbers) == [None] * len(numbers)
    assert store.counts.corrupt == 1
    assert not path.exists()
    assert path.with_suffix(".corrupt").exists()
    put(store, [1, 2, 3])
    assert values(store, numbers) == [float(number) for number in numbers]


def test_a_file_under_another_ones_name_is_none(store: Store) -> None:
    one, two = put(store, [1, 2]), put(store, [3, 4])
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert values(store, [1, 2]) == [None, None]
    assert values(store, [4, 3]) == [None, None]
    assert store.counts.corrupt == 2


def test_the_cache_counts_and_prunes_them(store: Store) -> None:
    old, new = put(store, [1, 2]), put(store, [3, 4])
    os.utime(old, (1.0, 1.0))
    assert {each.path for each in cached(store.root)} == {old, new}
    gone, left = pruned(store.root, older=1000.0, most=None)
    assert ([each.path for each in gone], [each.path for each in left]) == ([old], [new])
    assert values(store, [2, 3]) == [None, 3.0]
