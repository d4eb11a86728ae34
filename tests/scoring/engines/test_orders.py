"""What workers are told, as JSON: what comes out is what went in, or it is refused."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mediate.errors import InputError, ItemError
from mediate.models.prompts import Style, Template
from mediate.pairs.pair import Item
from mediate.results.told import Measured
from mediate.scoring.engines.orders import Order
from mediate.scoring.spec import make_spec
from mediate.scoring.stored_chains import StoredChains
from mediate.tasks import modular_pairs
from tests import tiny
from tests.figures.records import fake_results


def order(**changes: Any) -> Order:
    made = {"model": "m", "loading": {}, "given": modular_pairs(3), "unread": (), "spec": make_spec()}
    return Order(**(made | changes))


def test_an_order_reads_back_as_it_was(tmp_path: Path) -> None:
    items = (Item("What\ud800?", "4", id="1", options=("4", "5"), values=(1, 2), chat=True, system=""),)
    unread = [ItemError("x", "bad", place="f:3", code="empty_cot", written=True)]
    run = fake_results()
    chains = StoredChains("run", "m", "f", "t", {each.id: each for each in run.items}, {"y": "why"}, frozenset({"z"}))
    template = Template(Style.COMPLETION, "Q: {question}\nA:", "mine")
    spec = make_spec(template=template, chains=chains, maps=["read:step,layer"], stop=["x"], replacements="mean,noise")
    loading = {"adapter": tmp_path, "dtype": "bfloat16", "trust_remote_code": False}
    wanted = order(given=items, unread=unread, spec=spec, loading=loading, threads=2, cached=False)
    found = Order.read(wanted.json())
    assert (found.given, found.spec, found.threads, found.cached) == (items, spec, 2, False)
    assert found.spec.described() == spec.described()
    assert all(isinstance(each, Measured) for each in found.spec.chains.items.values())
    assert found.loading == {"adapter": str(tmp_path), "dtype": "bfloat16", "trust_remote_code": False}
    assert [vars(each) for each in found.unread] == [vars(each) for each in unread]
    assert asdict(found.spec.template) == asdict(template)


def test_what_is_in_memory_alone_is_refused() -> None:
    with pytest.raises(InputError, match=r"tokenizer is a \w+ in memory, which workers do not have"):
        order(loading={"tokenizer": tiny.tokenizer()}).json()


def test_paths_do_not_depend_on_where_a_worker_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "tuned").mkdir()
    monkeypatch.chdir(tmp_path)
    found = Order.read(order(model="base+tuned", loading={"tokenizer": "base", "device": "cpu"}).json())
    assert found.model == f"{tmp_path}/base+{tmp_path}/tuned"
    assert found.loading == {"tokenizer": f"{tmp_path}/base", "device": "cpu"}
    assert Order.read(order(model="reference-0.1m+tuned").json()).model == f"reference-0.1m+{tmp_path}/tuned"
