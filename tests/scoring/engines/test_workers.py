"""A worker in this process: what it is handed and what it gives are bytes, and what goes wrong is told."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import mediate as md
from mediate.errors import InputError, ItemError
from mediate.results.cube import cube_table
from mediate.results.packing import unpacked
from mediate.scoring.engines.orders import Order
from mediate.scoring.engines.workers import FAILED, Content, Worker, checked
from mediate.scoring.spec import make_spec

PAIRS = md.modular_pairs(5, seed=1)


def worker(model: str = "reference-0.1m", **choices: Any) -> Worker:
    return Worker(Order(model, {}, PAIRS, (), make_spec(control_pairs=0, **choices), cached=False).json())


def asked(done: Worker, kind: str, **more: Any) -> Content:
    task = {"kind": kind, "number": 0, "items": [], "tokens": None, "plan": None} | more
    return checked(done.work(json.dumps(task).encode(), {}, b"[]"))


def test_it_measures_the_batch_that_it_is_handed() -> None:
    done = worker()
    assert json.loads(checked(done.ready())["told"])["identity"]["model"]["name"] == "reference-0.1m"
    told = json.loads(asked(done, "open")["told"])
    assert sorted(chain.from_iterable(told["batches"])) == sorted(each.id for each in PAIRS)
    plan = {"tokens": told["plan"]["tokens"], "plan": told["plan"]["fingerprint"]}
    parts = [
        unpacked(asked(done, "measure", number=number, items=items, **plan))
        for number, items in enumerate(told["batches"])
    ]
    whole = md.score(md.load("reference-0.1m"), PAIRS, control_pairs=0, store=False, progress=False).results
    rows = {tuple(row) for part in parts for row in cube_table(part.cubes).itertuples(index=False)}
    assert rows == {tuple(row) for row in cube_table(whole.cubes).itertuples(index=False)}
    with pytest.raises(InputError, match="prepared the set otherwise than the first one did"):
        asked(done, "measure", items=told["batches"][0], tokens=plan["tokens"], plan="another")


def test_what_is_wrong_is_told_and_raised_by_whoever_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        checked(worker(f"{tmp_path}/none").ready())
    with pytest.raises(RuntimeError, match=r"a worker failed:\nTraceback[\s\S]*a worker was called that is not ready"):
        asked(worker(), "measure")
    error = ItemError("x", "too long", place="f:3", code="too_long", written=True)

    def fail(self: Worker) -> Content:
        raise error

    monkeypatch.setattr(Worker, "_ready", fail)
    told = worker().ready()
    assert set(told) == {FAILED}
    with pytest.raises(ItemError) as found:
        checked(told)
    assert vars(found.value) == vars(error)
