"""Text-level probabilities from the cube, against transformers by itself: tokenise, one forward pass, a softmax."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import mediate as md
from mediate.models.shipped import shipped_folder
from tests import tiny

QUICK = {"maps": (), "control_pairs": 0, "edits": "truncated", "readings": "at_once", "progress": False}
APPLES = [
    md.Pair(
        f"p{place}",
        f"p{place}",
        md.Item(f"Tom has {a} apples and buys 4. How many apples?", f"{a + 4}", f"Tom has {a} + 4 = {a + 4}."),
        md.Item(
            f"Tom has {b} apples and buys 4. How many apples in all?", f"{b + 4}", f"Tom has {b} + 4 = {b + 4} apples."
        ),
    )
    for place, (a, b) in enumerate([(3, 2), (1, 5)])
]


def plainly(model: Any, tokenizer: Any, text: str, answer: str) -> float:
    """The probability of an answer after a text."""
    before = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    after = tokenizer(answer, add_special_tokens=False, return_tensors="pt").input_ids
    with torch.no_grad():
        logits = model(input_ids=torch.cat([before, after], dim=1)).logits[0].double()
    first = before.shape[1]
    predicted = logits[first - 1 : first - 1 + after.shape[1]].log_softmax(dim=-1)
    return float(predicted.gather(1, after[0][:, None]).sum().exp())


def expected(model: Any, tokenizer: Any, pair: md.Pair) -> list[float]:
    """p00, p01, p10 and p11 of a pair, all as plain text, for the base answer."""
    worlds = (pair.source, pair.base)
    return [
        plainly(
            model,
            tokenizer,
            f"{worlds[question].question}\n{worlds[chain].cot}\nThe answer is",
            f" {pair.base.answer}",
        )
        for question, chain in product((0, 1), (0, 1))
    ]


@pytest.mark.parametrize("name", ["tiny", "reference-0.1m-decorative"])
def test_they_are_those_of_plain_transformers(name: str) -> None:
    if name == "tiny":
        pairs: Any = APPLES
        plain, tokenizer, model = tiny.plain_model("llama"), tiny.tokenizer(), tiny.model("llama")
    else:
        pairs = md.modular_pairs(3, seed=1, steps=(2, 3))
        folder, model = shipped_folder(name), md.load(name)
        plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    table = md.faithfulness(model, pairs, template="none", store=False, **QUICK).text_effects()
    wanted = np.array([expected(plain, tokenizer, pair) for pair in pairs])
    assert np.abs(table[["p00", "p01", "p10", "p11"]].to_numpy() - wanted).max() < 1e-5
    assert table["nde"].to_numpy() == pytest.approx(wanted[:, 2] - wanted[:, 0], abs=1e-5)
    assert table["nie"].to_numpy() == pytest.approx(wanted[:, 1] - wanted[:, 0], abs=1e-5)
    # Either world makes a difference, so that another cell would have been noticed.
    assert np.abs(np.diff(np.sort(wanted, axis=1), axis=1)).max(axis=0).min() > 1e-4


def test_a_run_that_has_the_outcome_reads_it_off_its_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.faithfulness import text_corners as module

    model = tiny.model("llama")
    first = md.faithfulness(model, APPLES, store=False, **QUICK).text_effects()
    monkeypatch.setattr(module, "measure_items", None)
    asked = md.faithfulness(model, APPLES, outcomes=("logit_diff", "base_prob"), store=False, **QUICK)
    assert asked.text_effects()[["p01", "p10"]].to_numpy() == pytest.approx(first[["p01", "p10"]].to_numpy(), abs=1e-6)
    assert asked.scores.results.cube("base_prob").y.shape == (2, 2, 2, 2)


def test_none_of_items_by_themselves_nor_where_they_are_not_asked_for() -> None:
    model = tiny.model("llama")
    items = [md.Item(pair.base.question, pair.base.answer, pair.base.cot, id=pair.id) for pair in APPLES]
    assert md.faithfulness(model, items, store=False, **QUICK).text_effects().empty
    found = md.faithfulness(model, APPLES, store=False, measures="none", **QUICK)
    assert found.text_effects().empty
