"""Items whose chain alone is replaced: from the call to the table, kept, read back, chosen and refused."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mediate as md
from mediate.report.run.page import run_page
from mediate.results.folder import SUMS
from mediate.results.replacements import ALL, replaced_table
from tests.scoring.test_items import given

QUICK: dict[str, Any] = {"maps": [], "control_pairs": 0, "progress": False}


@pytest.fixture(scope="module")
def model() -> Any:
    return md.load("reference-0.1m")


@pytest.fixture(scope="module")
def scored(model: Any, tmp_path_factory: pytest.TempPathFactory) -> md.Scores:
    folder = tmp_path_factory.mktemp("replaced") / "run"
    return md.score(model, given(4), out=folder, store=False, maps=[], control_pairs=4, progress=False)


def test_each_item_has_a_row_a_replacement_and_outcome(scored: md.Scores) -> None:
    table = scored.contrasts()
    assert len(table) == 4 * len(ALL) * 2
    assert list(table["replacement"][: 2 * len(ALL) : 2]) == list(ALL)
    assert set(table["reason"]) == {""}
    own = scored.table().set_index(["item", "outcome"])["y111"]
    assert (table["own"].to_numpy() == own.loc[list(zip(table["item"], table["outcome"], strict=True))]).all()
    activations = table["replacement"].isin(["zero", "mean", "other", "noise"])
    assert np.isfinite(table.loc[activations, ["distance", "norm_ratio"]]).all(axis=None)
    assert table.loc[~activations, ["distance", "norm_ratio"]].isna().all(axis=None)
    assert set(table.loc[table["replacement"] == "zero", "norm_ratio"]) == {0.0}


def test_shuffled_steps_are_those_of_the_control(scored: md.Scores) -> None:
    table, controls = scored.contrasts(), scored.controls()
    ours = table[(table["replacement"] == "shuffled") & (table["outcome"] == "logit")].set_index("item")["effect"]
    theirs = controls[controls["control"] == "shuffled_steps"].set_index("item")["effect"]
    np.testing.assert_allclose(ours[theirs.index], theirs, rtol=0, atol=1e-4)


def test_an_item_that_is_prepared_is_replaced_as_in_a_run(model: Any, scored: md.Scores) -> None:
    first, *others = (md.prepare(model, each, store=False) for each in given(4))
    found = replaced_table(first.replaced(others=others)).set_index(["replacement", "outcome"])
    wanted = scored.contrasts().query(f"item == {first.id!r}").set_index(["replacement", "outcome"])
    assert list(found.index) == list(wanted.index)
    # The one other item that is nearest may be a tie, which each draws by its own seed.
    same = [name for name in ALL if name != "other"]
    np.testing.assert_allclose(found.loc[same, "effect"], wanted.loc[same, "effect"], rtol=0, atol=1e-4)
    assert np.isfinite(found["effect"]).all()
    assert (found.loc["zero", "effect"].abs() > 0.1).all()


def test_an_item_alone_has_no_other_and_says_so(model: Any) -> None:
    item = md.prepare(model, given(1)[0], store=False)
    reasons = {each.replacement: each.reason for each in item.replaced(["zero", "mean", "other"])}
    assert not reasons["zero"]
    assert "no item of another group" in reasons["mean"]
    assert reasons["other"]
    with pytest.raises(md.InputError, match="no replacement"):
        item.replaced(["nothing"])
    with pytest.raises(md.InputError, match="two of 2 items have one id"):
        item.replaced(["zero"], others=[item])


def test_a_run_opens_as_it_was_scored_and_without_the_table_too(scored: md.Scores, tmp_path: Path) -> None:
    assert scored.folder is not None
    opened = md.open(scored.folder)
    assert isinstance(opened, md.Scores)
    assert opened.contrasts().equals(scored.contrasts())
    assert opened.sensitivity().equals(scored.sensitivity())
    older = md.Scores(replace(scored.results, replaced=())).save(tmp_path / "older")
    assert older.folder is not None
    assert not (older.folder / "results" / "contrasts.parquet").exists()
    found = md.open(older.folder)
    assert isinstance(found, md.Scores)
    assert found.contrasts().empty
    assert found.sensitivity().empty
    assert found.table().equals(scored.table())


def test_a_damaged_table_is_refused(scored: md.Scores, tmp_path: Path) -> None:
    folder = scored.save(tmp_path / "copy").folder
    assert folder is not None
    assert "results/contrasts.parquet" in json.loads((folder / "run.json").read_text())[SUMS]
    (folder / "results" / "contrasts.parquet").write_bytes(b"PAR1")
    with pytest.raises(md.InputError, match=r"contrasts\.parquet: cannot be read"):
        md.open(folder)


def test_what_is_stored_is_read_back_and_nothing_is_run(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    first = md.score(model, given(3), **QUICK).contrasts()

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr("mediate.scoring.item_replacements.measure_replaced", never)
        patch.setattr("mediate.scoring.item_replacements.gather_chains", never)
        assert md.score(model, given(3), **QUICK).contrasts().equals(first)
        some = md.score(model, given(3), **QUICK, replacements="zero,filler").contrasts()
        assert some.reset_index(drop=True).equals(
            first[first["replacement"].isin(["zero", "filler"])].reset_index(drop=True)
        )
        # Of other items the text is the same, and what is taken from them is not.
        for two in combinations(given(3), 2):  # of these, two are each other's nearest as before
            with pytest.raises(AssertionError, match="measured again"):
                md.score(model, list(two), **QUICK, replacements="mean")
        fewer = md.score(model, given(2), **QUICK, replacements="deletion,filler,shuffled,mistake").contrasts()
    kept = first[first["item"].isin(fewer["item"]) & ~first["replacement"].isin(["zero", "mean", "other", "noise"])]
    assert fewer.reset_index(drop=True).equals(kept.reset_index(drop=True))


def test_a_stored_number_is_that_of_a_run_without_a_store(model: Any, scored: md.Scores) -> None:
    again = md.score(model, given(4), store=False, **QUICK).contrasts()
    np.testing.assert_allclose(again["value"], scored.contrasts()["value"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("wanted", [["none"], "none", ()])
def test_none_is_replaced_where_none_is_asked_for(model: Any, wanted: Any) -> None:
    found = md.score(model, given(2), store=False, replacements=wanted, **QUICK)
    assert found.contrasts().empty
    assert "replacements" not in found.results.manifest["spec"]
    assert "the chain alone replaced" not in repr(found)


def test_names_come_with_commas_or_one_by_one_in_the_tables_order() -> None:
    assert md.ScoreSpec(replacements="noise, deletion").replacements == ("deletion", "noise")
    assert md.ScoreSpec(replacements=["noise", "zero,deletion"]).replacements == ("deletion", "zero", "noise")
    with pytest.raises(ValueError, match="no replacement 'nothing'"):
        md.ScoreSpec(replacements="zero,nothing")


def test_pairs_have_no_replacements(model: Any) -> None:
    pairs = md.modular_pairs(2)
    with pytest.raises(md.InputError, match="--replacements are of items by themselves"):
        md.score(model, pairs, store=False, replacements="zero", **QUICK)
    found = md.score(model, pairs, store=False, **QUICK)
    assert found.contrasts().empty
    assert "replacements" not in found.results.manifest["spec"]


def test_a_set_of_one_item_has_a_reason_for_what_takes_others(model: Any) -> None:
    found = md.score(model, given(1), store=False, **QUICK)
    table = found.contrasts()
    assert set(table[table["reason"] != ""]["replacement"]) == {"mean", "other"}
    assert len(set(table["reason"])) == 3
    told = found.sensitivity().set_index("replacement")
    assert list(told["left_out"][["mean", "other", "zero"]]) == [1, 1, 0]
    assert "deletion" in repr(found)


def test_an_outcome_that_an_item_lacks_has_a_reason(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.mediation.contrasts.hidden.greedy_rival", lambda *_: ())
    found = md.score(model, given(2), outcomes=["logit", "margin"], store=False, replacements="zero", **QUICK)
    table = found.contrasts()
    assert list(table["reason"]) == ["", "the item has no such outcome"] * 2
    assert list(found.sensitivity("margin")["left_out"]) == [0, 2]


def test_what_does_not_fit_into_memory_costs_nothing_else(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    with monkeypatch.context() as patch:
        patch.setattr("mediate.scoring.item_replacements.gather_chains", full)
        found = md.score(model, given(2), replacements="zero", **QUICK)
        assert all(reason.startswith("out of memory") for reason in found.contrasts()["reason"])
        assert len(found.table()) == 4
    again = md.score(model, given(2), replacements="zero", **QUICK)
    assert set(again.contrasts()["reason"]) == {""}


def test_logits_that_are_no_numbers_are_a_reason(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.mediation.contrasts.replaced.read_off", lambda *_: float("nan"))
    found = md.score(model, given(2), store=False, replacements="zero", **QUICK)
    assert set(found.contrasts()["reason"]) == {"the logits are NaN or infinite"}
    assert found.sensitivity()["left_out"].iloc[1] == 2


def test_items_held_against_others_have_their_chains_replaced_as_well(model: Any, scored: md.Scores) -> None:
    found = md.score(model, given(4), against="other", store=False, **QUICK)
    mine, theirs = found.contrasts(), scored.contrasts()
    np.testing.assert_allclose(mine["value"], theirs["value"], rtol=0, atol=1e-4)
    assert found.sensitivity()["replacement"][0] == "other (t = 0)"
    assert "that item's chain: the run's own contrast" in str(run_page(found.results))
