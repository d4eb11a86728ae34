"""The store: what goes in comes out, bit by bit, or is noticed."""

import multiprocessing
from pathlib import Path

import pytest
import torch

from mediate.models.sites import Component, Site
from mediate.runs import activations
from mediate.runs.activations import cot_activations
from mediate.runs.forward import forward
from mediate.runs.store import Store, entry_key, model_spec
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


def test_a_failed_write_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        store.put("acts", SPEC, {"a": torch.zeros(3)})
    assert not [path for path in store.root.rglob("*") if path.is_file()]


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
