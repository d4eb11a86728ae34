"""The store: what goes in comes out, bit by bit, or is noticed."""

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mediate.models.sites import Component, Site
from mediate.passes import activations
from mediate.passes.activations import cot_activations
from mediate.passes.forward import forward
from mediate.passes.store import DAY, Store, array, data_checksum, entry_key, model_spec
from tests import tiny

SPEC = {"model": "m", "ids": [1, 2, 3]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64])
def test_round_trip_is_exact(store: Store, dtype: torch.dtype) -> None:
    tensor = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)).mul(100).to(dtype)
    store.put("acts", SPEC, {"a": tensor, "empty": tensor[:0]})
    found = store.get("acts", SPEC)
    assert found is not None
    assert found["a"].dtype == dtype
    assert torch.equal(found["a"], tensor)
    assert found["empty"].shape == (0, 7)


def test_a_view_is_stored_without_what_is_behind_it(store: Store) -> None:
    path = store.put("acts", SPEC, {"row": torch.zeros(1000, 1000)[:1]})
    assert path.stat().st_size < 10_000


def test_keys_depend_on_content_not_on_order() -> None:
    assert entry_key({"a": 1, "b": [2]}) == entry_key({"b": [2], "a": 1})
    assert entry_key({"a": 1}) != entry_key({"a": 2})
    with pytest.raises(ValueError, match="JSON"):
        entry_key({"a": float("nan")})


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "garbage"])
def test_damage_is_noticed_moved_aside_and_counted(store: Store, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    path = store.put("acts", SPEC, {"a": torch.arange(100.0)})
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-3] ^= 1
    path.write_bytes({"flip": bytes(data), "truncate": bytes(data[:-10]), "empty": b"", "garbage": b"x" * 500}[damage])
    assert store.get("acts", SPEC) is None
    assert store.counts.corrupt == 1
    assert not path.exists()
    assert path.with_suffix(".corrupt").exists()
    assert "damaged" in caplog.text
    store.put("acts", SPEC, {"a": torch.arange(100.0)})
    assert store.get("acts", SPEC) is not None


def test_an_entry_under_another_ones_name_is_none(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Whole, with a sum that is right, but the numbers of another specification."""
    other = SPEC | {"ids": [1, 2, 4]}
    one, two = store.put("acts", SPEC, {"a": torch.zeros(3)}), store.put("acts", other, {"a": torch.ones(3)})
    first, second = one.read_bytes(), two.read_bytes()
    two.parent.mkdir(exist_ok=True)
    one.write_bytes(second)
    two.write_bytes(first)
    assert store.get("acts", SPEC) is None
    assert store.get("acts", other) is None
    assert store.counts.corrupt == 2
    assert "header is that of another entry" in caplog.text
    assert one.with_suffix(".corrupt").read_bytes() == second


@pytest.mark.parametrize("header", [{}, {"spec": "{"}, {"spec": "[1]"}, {"spec": "null"}])
def test_an_entry_that_says_not_what_it_is_of_is_none(store: Store, header: dict[str, str]) -> None:
    from safetensors.torch import save_file

    tensors = {"a": torch.zeros(3)}
    path = store.path("acts", SPEC)
    path.parent.mkdir(parents=True)
    save_file(tensors, path, metadata=header | {"sha256": data_checksum(tensors)})
    assert store.get("acts", SPEC) is None
    assert store.counts.corrupt == 1


def test_an_entry_is_the_same_whatever_wrote_its_json(store: Store) -> None:
    """Order, tuples and the form of numbers are no part of what an entry is of."""
    spec = {"b": (1, 2), "a": 1e-05, "c": {"y": "ä", "x": None}}
    store.put("acts", spec, {"a": torch.zeros(3)})
    assert store.get("acts", {"c": {"x": None, "y": "ä"}, "a": 0.00001, "b": [1, 2]}) is not None


def test_an_entry_that_its_reader_cannot_take_is_none(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def reader(tensors: dict[str, torch.Tensor]) -> np.ndarray:
        return array(tensors, "a", (3, None))

    for tensors, said in (
        ({"a": torch.zeros(2, 5)}, "has the shape (2, 5), not (3, None)"),
        ({"a": torch.zeros(3)}, "has the shape (3,)"),
        ({"b": torch.zeros(3, 5)}, "it lacks 'a'"),
    ):
        path = store.put("acts", SPEC, tensors)
        assert store.read("acts", SPEC, reader) is None
        assert said in caplog.text
        assert path.with_suffix(".corrupt").exists()
        caplog.clear()
    store.put("acts", SPEC, {"a": torch.ones(3, 7)})
    found = store.read("acts", SPEC, reader)
    assert found is not None
    assert found.shape == (3, 7)
    assert (store.counts.corrupt, store.counts.hits) == (3, 1)


def test_a_failed_write_leaves_nothing_and_is_said_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    for number in range(3):
        store.put("acts", SPEC | {"number": number}, {"a": torch.zeros(3)})
    assert not [path for path in store.root.rglob("*") if path.is_file()]
    (record,) = caplog.records
    assert str(store.root) in record.getMessage()
    assert "no space left on device; make room" in record.getMessage()
    assert store.counts.refused == 3


def test_a_full_disk_is_one_in_safetensors_words_too(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from safetensors import SafetensorError

    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: Disk quota exceeded (os error 122)")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    store.put("acts", SPEC, {"a": torch.zeros(3)})
    assert "disk quota exceeded; make room" in caplog.text


def test_a_cache_that_is_a_file_holds_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file")
    assert store.get("acts", SPEC) is None
    store.put("acts", SPEC, {"a": torch.zeros(3)})
    assert "cannot be used" in caplog.text
    assert (tmp_path / "file").read_bytes() == b""


def test_a_damaged_entry_that_cannot_be_moved_is_not_used(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.put("acts", SPEC, {"a": torch.zeros(3)})
    path.write_bytes(path.read_bytes()[:-1])

    def never(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", never)
    assert store.get("acts", SPEC) is None
    assert path.exists()


def test_what_killed_writers_left_is_deleted_when_it_is_old(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    for kind in ("acts", "outcomes"):
        folder = root / kind / "ab"
        folder.mkdir(parents=True)
        for name, age in ((".x.safetensors.q1.part", 2 * DAY), (".y.safetensors.q2.part", 60), ("kept.part", 2 * DAY)):
            (folder / name).touch()
            os.utime(folder / name, (time.time() - age,) * 2)
    Store(root).put("acts", SPEC, {"a": torch.zeros(3)})
    left = sorted(path.name for path in root.rglob("*.part"))
    assert left == [".y.safetensors.q2.part"] * 2 + ["kept.part"] * 2


def _write_many(root: Path) -> None:
    store = Store(root)
    for number in range(20):
        store.put("acts", {"number": number % 5}, {"a": torch.full((100,), float(number % 5))})


def test_many_writers_of_the_same_entries(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(tmp_path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5
    for number in range(5):
        found = Store(tmp_path).get("acts", {"number": number})
        assert found is not None
        assert torch.equal(found["a"], torch.full((100,), float(number)))


def test_another_model_never_gets_this_ones_entries() -> None:
    plain = tiny.plain_model("llama")
    with torch.no_grad():
        next(plain.parameters())[0, 0] += 1e-6
    import mediate

    one, other = tiny.model("llama"), mediate.load(plain, tokenizer=tiny.tokenizer(), device="cpu")
    assert entry_key(model_spec(one)) != entry_key(model_spec(other))
    assert entry_key(model_spec(one)) != entry_key(model_spec(tiny.model("llama", "float64")))


def test_activations_are_computed_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = tiny.model("qwen3"), list(range(12))
    wanted = [Component.RESID_POST, Component.K]
    first = cot_activations(model, ids, (4, 9), wanted, store)
    assert first[Component.K].shape == (3, 5, 2, 8)
    full = forward(model, torch.tensor([ids]), keep=[Site(Component.RESID_POST, 2)]).kept[Site(Component.RESID_POST, 2)]
    torch.testing.assert_close(first[Component.RESID_POST][2], full[0, 4:9], atol=1e-5, rtol=1e-5)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed twice")

    monkeypatch.setattr(activations, "forward", never)
    second = cot_activations(model, ids, (4, 9), wanted, store)
    assert all(torch.equal(first[component], second[component]) for component in wanted)
    with pytest.raises(AssertionError, match="computed twice"):
        cot_activations(model, ids, (4, 10), wanted, store)
