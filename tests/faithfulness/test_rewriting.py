"""Paraphrase by a model: what it is told and not told, what it may write, and that it writes once."""

from pathlib import Path

import pytest

import mediate as md
from mediate.errors import InputError, ItemError
from mediate.faithfulness import faithfulness as module
from mediate.faithfulness import rewriting
from mediate.faithfulness.rewriting import rewritten
from mediate.faithfulness.spec import BehaviourSpec
from mediate.models.generation import End, Written
from mediate.traces.pieces import encode_after
from tests import tiny

TOLD = "Tom has."
ALONE = {"store": None, "seed": 0, "progress": False}
QUICK = {"maps": (), "control_pairs": 0, "progress": False, "edits": "another", "readings": "at_once"}


def scripted(monkeypatch: pytest.MonkeyPatch, says: str, end: End = End.EOS) -> list[tuple[int, ...]]:
    """A model that writes the same after every prompt; returned is what it is given."""
    asked = list[tuple[int, ...]]()

    def write(model: object, prompts: list[tuple[int, ...]], *rest: object, **more: object) -> object:
        asked.extend(prompts)
        return {prompt: Written(tuple(encode_after(tiny.tokenizer(), says)), "", end) for prompt in prompts}

    monkeypatch.setattr(rewriting, "write", write)
    return asked


def test_it_is_given_the_steps_and_keeps_the_white_space_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, " Tom has 7 in all.\n")
    found = rewritten(tiny.model("llama"), [" Tom has 3 + 4 = 7.\n", " Tom has 3 + 4 = 7.\n"], TOLD, **ALONE)  # type: ignore[arg-type]
    assert found(" Tom has 3 + 4 = 7.\n") == " Tom has 7 in all.\n"
    (prompt,) = asked
    assert tiny.tokenizer().decode(prompt) == "Tom has.\n\nTom has 3 + 4 = 7.\n"


def test_text_without_an_end_is_refused_and_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, " Tom has 7", End.LENGTH)
    found = rewritten(tiny.model("llama"), ["Tom has 7."], TOLD, **ALONE)  # type: ignore[arg-type]
    with pytest.raises(ItemError, match="did not end its text") as refused:
        found("Tom has 7.")
    assert refused.value.code == "endless_rewriting"
    scripted(monkeypatch, " \n")
    assert not rewritten(tiny.model("llama"), ["Tom has 7."], TOLD, **ALONE)("Tom has 7.")  # type: ignore[arg-type]


def test_too_long_a_text_is_refused() -> None:
    long = "Tom has 3 apples. " * 60
    found = rewritten(tiny.model("llama"), [long], TOLD, **ALONE)  # type: ignore[arg-type]
    with pytest.raises(ItemError, match="did not end"):
        found(long)


def test_it_writes_once_and_is_then_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mediate.models.generation import generate
    from mediate.passes.store import Store

    calls = list[int]()

    def counted(model: object, prompts: list[object], *rest: object, **more: object) -> object:
        calls.append(len(prompts))
        return generate(model, prompts, *rest, **more)  # type: ignore[arg-type]

    tiny.instead_of_writing(monkeypatch, counted)
    model = tiny.model("llama")
    for instruction in (TOLD, TOLD, "Tom gives."):
        rewritten(model, ["Tom has 7."], instruction, Store(tmp_path), seed=0, progress=False)
    assert calls == [1, 1]


def test_a_run_with_a_rewriter_says_so_and_refuses_what_is_no_paraphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load", lambda name: tiny.model("llama"))
    scripted(monkeypatch, " 3")
    pairs = md.modular_pairs(3, seed=1, steps=2)
    found = md.faithfulness(md.load("reference-0.1m"), pairs, rewriter="some/model", store=False, **QUICK)
    table = found.table().set_index("edit")
    assert table.loc["reworded", "code"].isin(["states_answer", "states_other", ""]).all()
    assert {"reworded", "reworded.up_to"} <= set(table.index)
    assert found.results.manifest["spec"]["behaviour"]["rewriter"] == "some/model"
    answered = table.loc[["reworded"]]
    assert (answered.loc[answered["code"] == "", "said"] != "").all()


def test_a_rewriter_that_cannot_write_does_not_cost_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*rest: object, **more: object) -> object:
        raise InputError("its logits are no numbers")

    monkeypatch.setattr(module, "load", lambda name: tiny.model("llama"))
    monkeypatch.setattr(module, "rewritten", failing)
    pairs = md.modular_pairs(2, seed=1, steps=2)
    found = md.faithfulness(md.load("reference-0.1m"), pairs, rewriter="some/model", store=False, **QUICK)
    table = found.table()
    refused = table[table["edit"].str.startswith("reworded")]
    assert set(refused["code"]) == {"rewriting_failed"}
    assert refused["reason"].str.contains("no numbers").all()
    assert table.loc[table["edit"] == "another", "said"].ne("").any()


def test_a_function_and_a_model_are_one_too_many() -> None:
    with pytest.raises(InputError, match="give one"):
        module.Probes(BehaviourSpec(rewriter="some/model"), str)


def test_a_rewriter_that_is_not_there_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    model, pairs = md.load("reference-0.1m"), md.modular_pairs(2, seed=1)
    with pytest.raises(InputError, match="no-such-model"):
        md.faithfulness(model, pairs, rewriter="no-such-model", out=tmp_path / "x", **QUICK)
    assert not (tmp_path / "x").exists()
