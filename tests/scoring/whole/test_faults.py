"""Items that cannot be measured cost themselves alone: each has its reason, and the run goes on."""

import gc
import json
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mediate import api
from mediate.mediation import procedures
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.cube import Contexts
from mediate.models.model import Model
from mediate.results import read_results
from mediate.results.folder import read_manifest
from tests import tiny
from tests.test_cli import Done, folder, mediate, write

__all__ = ["folder"]

POISON = " pears"


def pair(number: int, fruit: str = "apples", steps: str = "", more: int = 0) -> dict[str, Any]:
    def item(apples: int) -> dict[str, str]:
        chain = f"Tom buys {apples} apples. Tom has {apples} + {number} = {apples + number}."
        return {
            "question": f"Tom has {apples} {fruit}." + " Tom has 3 apples." * more,
            "answer": str(apples + number),
            "cot": chain,
        }

    base = item(3)
    return {"id": f"p{number}", "group": f"g{number}", "base": base | {"cot": base["cot"] + steps}, "source": item(2)}


def scored(path: Path, model: Path, rows: Sequence[dict[str, Any]], *options: object) -> Done:
    write(path / "pairs.jsonl", *rows)
    usual = ("--control-pairs", 0, "--no-report", "--no-cache")
    return mediate("score", "pairs.jsonl", "--model", model, "--out", "run", *usual, *options, cwd=path)


def codes(path: Path) -> dict[str, str]:
    return {each.item: each.code for each in read_results(path / "run").rejects if each.part == "item"}


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model to which one word is no number."""
    load = api.load
    (token,) = tiny.tokenizer()(POISON, add_special_tokens=False)["input_ids"]

    def loaded(*arguments: Any, **options: Any) -> Model:
        model = load(*arguments, **options)
        with torch.no_grad():
            model.plain.get_input_embeddings().weight[token] = torch.nan
        return model

    monkeypatch.setattr(api, "load", loaded)


def test_numbers_that_are_none_cost_one_item_and_leave_its_neighbours_as_they_were(
    folder: Path, tmp_path: Path, poisoned: None
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    clean = [pair(number, "apples") for number in range(1, 5)]
    assert scored(tmp_path / "a", folder, clean).returncode == 0
    done = scored(tmp_path / "b", folder, [pair(2, "pears") if each["id"] == "p2" else each for each in clean])
    assert done.returncode == 0, done.stderr
    whole, found = read_results(tmp_path / "a" / "run"), read_results(tmp_path / "b" / "run")
    (reject,) = found.rejects
    assert (reject.item, reject.code, reject.part) == ("p2", "nonfinite", "item")
    assert reject.reason == (
        "the model's logits are NaN or infinite, from the keys and values of block 0 on; try another dtype"
    )
    assert found.manifest["counts"]["by_reason"] == {"nonfinite": 1}
    np.testing.assert_array_equal(found.cubes[0].y, whole.cubes[0].y[[0, 2, 3]])
    assert "1 x nonfinite (item)" in done.stdout
    for line in (tmp_path / "b" / "run" / "rejects.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_more_failures_than_are_allowed_end_the_run_with_what_is_done(
    folder: Path, tmp_path: Path, poisoned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediate.scoring.batches.side_by_side", lambda _: 1)  # a batch an item
    rows = [pair(number, "pears" if number in (1, 2) else "apples") for number in range(1, 5)]
    done = scored(tmp_path, folder, rows, "--max-errors", "25%")
    assert done.returncode == 2
    assert (
        "mediate: 2 of 4 items failed (2 nonfinite), and --max-errors allows 1" in done.stderr.strip().splitlines()[-1]
    )
    assert read_manifest(tmp_path / "run")["status"] == "error"
    again = scored(tmp_path, folder, rows, "--max-errors", "2")
    assert again.returncode == 0, again.stderr
    assert codes(tmp_path) == {"p1": "nonfinite", "p2": "nonfinite"}
    assert [each.id for each in read_results(tmp_path / "run").items] == ["p3", "p4"]


def test_what_was_given_badly_is_named_and_left_out(folder: Path, tmp_path: Path) -> None:
    rows = [pair(1), pair(2, more=60), pair(3, steps=" Tom has 6."), pair(4)]
    rows[3]["base"]["answer"] = ""
    done = scored(tmp_path, folder, rows, "--on-bad-item", "skip", "--maps", "read:step,layer")
    assert done.returncode == 0, done.stderr
    found = read_results(tmp_path / "run")
    left = {(each.item, each.part): each.code for each in found.rejects}
    assert left["p2", "item"] == "too_long"
    assert left["p3", "read:step,layer"] == "unaligned_steps"
    assert ("p4", "item") in left
    assert [each.id for each in found.items] == ["p1", "p3"]
    assert found.manifest["counts"]["rejected"] == 2
    # What is too long is never cut: the reason has both lengths.
    assert "the context of" in next(each.reason for each in found.rejects if each.item == "p2")


def test_a_chain_that_does_not_end_and_an_item_that_was_cut_off_are_left_out(folder: Path, tmp_path: Path) -> None:
    rows = [pair(1), pair(2)]
    del rows[1]["base"]["cot"], rows[1]["source"]["cot"]
    done = scored(tmp_path, folder, rows, "--max-new-tokens", 2)
    assert done.returncode == 0, done.stderr
    assert codes(tmp_path) == {"p2": "endless_cot"}


def test_an_item_without_an_answer_and_one_that_a_limit_cut_off_are_left_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediate.scoring.items.answers", lambda *_, **__: {})  # the model says nothing
    chain = "Tom buys 3 apples. Tom has 3 + 4 = 7."
    rows = [
        {"id": "good", "question": "Tom has 3 apples.", "cot": chain, "answer": "7"},
        {"id": "mute", "question": "Tom has 2 apples.", "cot": chain, "answer": ""},
        {"id": "cut", "question": "Tom has 4 apples.", "response": f"<think>{chain}", "finish_reason": "length"},
    ]
    done = scored(tmp_path, folder, rows, "--on-bad-item", "skip", "--maps", "none")
    assert done.returncode == 0, done.stderr
    assert codes(tmp_path) == {"mute": "no_answer", "cut": "unfinished"}


@pytest.mark.parametrize("most", [1, 2, 3])
def test_with_little_memory_a_run_takes_fewer_together_and_finds_the_same(
    most: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [pair(number) for number in range(1, 7)]
    for name in "ab":
        (tmp_path / name).mkdir()
    scored(tmp_path / "a", folder, rows)
    real, tried, kept = procedures.run_all_contexts, list[int](), list["weakref.ref[Tensor]"]()

    def short(model: Model, pairs: Sequence[EncodedPair]) -> list[Contexts]:
        tried.append(len(pairs))
        if len(pairs) > most or any(each.id == "p6" for each in pairs):
            activations = torch.zeros(1000)
            kept.append(weakref.ref(activations))
            gc.collect()
            assert sum(each() is not None for each in kept) == 1, "what failed before still holds its activations"
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(model, pairs)

    monkeypatch.setattr(procedures, "run_all_contexts", short)
    done = scored(tmp_path / "b", folder, rows)
    assert done.returncode == 0, done.stderr
    whole, found = read_results(tmp_path / "a" / "run"), read_results(tmp_path / "b" / "run")
    assert codes(tmp_path / "b") == {"p6": "out_of_memory"}
    # Beside fewer others a number differs by rounding.
    np.testing.assert_allclose(found.cubes[0].y, whole.cubes[0].y[:5], atol=1e-5, rtol=0)
    assert sum(size > most for size in tried) <= 2, "that more do not fit is remembered"
    gc.collect()
    assert not any(each() is not None for each in kept)
