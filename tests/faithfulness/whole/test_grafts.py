"""Chains grafted by text in a run: beside the exact curve, on a model that reads its chain's last result."""

from pathlib import Path

import pytest

import mediate as md
from mediate.passes.forward import forward


@pytest.fixture(scope="module")
def found() -> md.Faithfulness:
    return md.faithfulness(
        md.load("reference-0.1m"), md.modular_pairs(4, seed=1, hint="random", steps=2), edits="grafted",
        maps=["graft:step"], control_pairs=0, store=False, progress=False,
    )  # fmt: skip


def test_a_reader_of_the_last_result_goes_over_with_it_by_text_and_exactly(
    found: md.Faithfulness, tmp_path: Path
) -> None:
    table = found.grafts().set_index(["item", "step"])
    last = table[table.index.get_level_values("step") == 1]
    assert (last["at_once"] == 1).all()
    assert (last["effect"] / last["te"]).between(0.9, 1.1).all()
    first = table[table.index.get_level_values("step") == 0]
    assert (first["at_once"] == 0).all()
    assert (first["effect"] / first["te"]).abs().max() < 0.3
    assert "grafted up to step" in found.to_html(tmp_path / "page.html").read_text("utf-8")


def test_the_whole_chain_grafted_is_the_twins_under_the_own_question(found: md.Faithfulness) -> None:
    """Y[1, 0, 1] is what the answer tokens are worth there: a plain pass gives the row's log-probability."""
    import torch

    model, pair = md.load("reference-0.1m"), md.modular_pairs(4, seed=1, hint="random", steps=2)[0]
    tokens = md.prepare(model, pair, store=False).tokens
    context = [*tokens.context(1, 0), *tokens.readers.cue, *tokens.readers.base]
    logits = forward(model, torch.tensor([context], device=model.device), last=2).logits[0, 0].double()
    table = found.table().set_index(["item", "place", "reading"])
    row = table[table["edit"] == "grafted"].loc[(pair.id, 1, "at_once")]
    assert row["logprob"] == pytest.approx(float(logits.log_softmax(-1)[tokens.readers.base[0]]), abs=1e-4)
