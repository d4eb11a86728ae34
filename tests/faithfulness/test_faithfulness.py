"""One run with both sides: what it finds on models of known mediation, and that it is the same run when read back."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import mediate as md
from mediate.errors import InputError
from mediate.faithfulness.spec import BehaviourSpec
from mediate.results.behaviour import WHOLE
from mediate.scoring.spec import make_spec

pytestmark = pytest.mark.usefixtures("undrawn")

QUICK = {"maps": (), "control_pairs": 0, "progress": False}


@pytest.fixture(scope="module")
def needed(tmp_path_factory: pytest.TempPathFactory) -> md.Faithfulness:
    out = tmp_path_factory.mktemp("runs") / "base"
    return md.faithfulness(
        md.load("reference-0.1m"), md.modular_pairs(6, seed=1, hint="random", steps=(2, 3)), out=out, **QUICK
    )


def test_a_chain_that_is_needed_has_area_1_and_one_that_is_not_read_0(needed: md.Faithfulness) -> None:
    early = needed.tests().set_index(["edit", "reading"]).loc[("truncated", "at_once")]
    assert early["normalised"] > 0.8
    pairs = md.modular_pairs(6, seed=1, steps=(2, 3))
    found = md.faithfulness(md.load("reference-4m-decorative"), pairs, readings="at_once", **QUICK)
    tests = found.tests().set_index("edit")
    assert tests.loc["truncated", "normalised"] < 0.1
    assert tests.loc["another", "unchanged"] == 1
    assert tests.loc["filled", "unchanged"] < 1
    assert set(found.table()["reading"]) == {"at_once"}


def test_where_the_later_steps_come_from_decides_what_a_mistake_does(needed: md.Faithfulness) -> None:
    """A reader of the last result alone: kept, the last step's mistake changes the answer; else every one does."""
    table = needed.table()
    kept = table[(table["edit"] == "mistaken") & (table["reading"] == "at_once")]
    assert not kept[kept["place"] == kept["steps"] - 1]["same"].any()
    assert kept[kept["place"] < kept["steps"] - 1]["same"].all()
    assert not table[table["edit"] == "mistaken.recomputed"]["same"].any()
    continued = table[(table["edit"] == "mistaken") & (table["reading"] == "continued")]
    assert not continued["same"].any()
    assert table[(table["edit"] == "truncated") & (table["reading"] == "continued")]["same"].all()


def test_every_item_edit_and_place_has_its_row(needed: md.Faithfulness) -> None:
    table = needed.table()
    assert not table.duplicated(["item", "edit", "place", "reading"]).any()
    for item, rows in table.groupby("item"):
        steps = int(rows["steps"].iloc[0])
        counts = rows.groupby(["edit", "reading"]).size()
        assert counts[WHOLE, "at_once"] == 1, item
        assert counts["truncated", "at_once"] == counts["mistaken", "continued"] == steps
        assert counts["another", "at_once"] == 1
    written = table[table["reading"] == "continued"]
    assert written["written"].str.len().gt(0).any()
    assert np.isnan(written["logprob"]).all()


def test_both_sides_of_each_item(needed: md.Faithfulness) -> None:
    joined = needed.joined()
    assert joined["item"].tolist() == list(needed.results.cube().items)
    assert joined["mediated"].between(0.9, 1.1).all()
    assert needed.agreement().n == 6
    assert len(needed.worst(3)) == 3
    assert needed.replacements()["in its place"].tolist() == ["nothing", "filler", "another item's chain"]
    assert needed.by_steps()["items"].sum() == 6


def test_what_it_writes_opens_as_it_was(needed: md.Faithfulness) -> None:
    assert needed.folder is not None
    opened = md.open(needed.folder)
    assert isinstance(opened, md.Faithfulness)
    assert opened.table().equals(needed.table())
    assert opened.joined().equals(needed.joined())
    assert (needed.folder / "results" / "joined.parquet").exists()
    assert repr(opened) == repr(needed)
    assert "Rank correlation" in repr(opened)
    assert "mistaken.recomputed" in opened._repr_html_()
    axes = opened.plot.curves(["truncated"])
    assert len(axes.lines) == 2
    assert opened.plot.agreement().get_ylabel() == "mediated share"


def test_a_directory_of_other_tests_is_not_taken_up(needed: md.Faithfulness) -> None:
    pairs, model = md.modular_pairs(6, seed=1, hint="random", steps=(2, 3)), md.load("reference-0.1m")
    with pytest.raises(InputError, match="holds another run"):
        md.faithfulness(model, pairs, out=needed.folder, edits="truncated", **QUICK)
    with pytest.raises(InputError, match="holds another run"):
        md.score(model, pairs, out=needed.folder, **QUICK)
    again = md.faithfulness(model, pairs, out=needed.folder, **QUICK)
    assert again.table().equals(needed.table())


def test_saved_elsewhere_and_as_a_page(needed: md.Faithfulness, tmp_path: Path) -> None:
    saved = needed.save(tmp_path / "copy")
    opened = md.open(tmp_path / "copy")
    assert isinstance(opened, md.Faithfulness)
    assert opened.table().equals(saved.table())
    page = needed.to_html(tmp_path / "page.html").read_text("utf-8")
    for words in ("Behaviour: the chain edited", "another item&#39;s chain", "The 6 items where the two sides differ"):
        assert words in page


def test_items_by_themselves_and_a_paraphrase() -> None:
    items = [
        md.Item(pair.base.question, pair.base.answer, pair.base.cot, pair.base.values, id=pair.id)
        for pair in md.modular_pairs(4, seed=2, hint="random", steps=3)
    ]
    found = md.faithfulness(
        md.load("reference-0.1m"), items, rewrite=lambda text: text.replace("+", "-"), edits="another", **QUICK
    )
    table = found.table()
    assert set(table["edit"]) == {WHOLE, "another", "reworded", "reworded.up_to"}
    assert set(table.loc[table["code"] != "", "code"]) <= {"unchanged"}
    assert set(table.loc[table["reading"] == "continued", "edit"]) == {"reworded.up_to"}


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("CUDA out of memory"), "out_of_memory"), (InputError("logits are no numbers"), "impossible")],
)
def test_what_cannot_be_read_does_not_cost_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    from mediate.faithfulness import faithfulness as module

    read = module.read_at_once

    def failing(subject: module.Examined, *rest: object, **more: object) -> object:
        if subject.way.id.endswith("0"):
            raise error
        return read(subject, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "read_at_once", failing)
    found = md.faithfulness(
        md.load("reference-0.1m"), md.modular_pairs(2, seed=1, steps=2), edits="truncated", readings="at_once", **QUICK
    )
    table = found.table()
    assert table.loc[table["code"] != "", "code"].tolist() == [code]
    assert len(found.results.items) == 2
    assert table.loc[table["item"].str.endswith("1"), "same"].any()


def test_a_tiny_model_is_measured_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    module, seen = import_module("mediate.faithfulness.faithfulness"), list[int]()

    def score(*given: object, **call: object) -> None:
        seen.append(torch.get_num_threads())
        raise InputError("seen")

    monkeypatch.setattr(module, "score", score)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(InputError, match="seen"):
            module.faithfulness(md.load("reference-0.1m"), [], make_spec(), module.Probes(BehaviourSpec()), {})
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)
