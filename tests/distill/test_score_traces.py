"""Scoring traces from items to a run directory: what is scored, what is left out, and that it is plain numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

import mediate
from mediate.distill import score_traces as module
from mediate.errors import InputError, ItemError
from tests import tiny

QUESTION = "Tom has 3 apples and buys 4. How many apples does Tom have?"
ITEMS = tuple(
    mediate.Item(QUESTION, answer, chain, id=name)
    for name, answer, chain in (
        ("a", "7", "Tom has 3 + 4 = 7 apples."),
        ("b", "7", "Tom has 3 apples. Tom buys 4 and then has 3 + 4 = 7 apples in all."),
        ("c", "8", "Tom has 8."),
    )
)


def scored(items: Any = ITEMS, **options: Any) -> Any:
    return mediate.score_traces(tiny.model("llama"), items, progress=False, **options)


def test_a_row_a_token_with_plain_numbers() -> None:
    found = scored()
    assert [each.item for each in found.results.traces] == ["a", "b", "c"]
    for trace, item in zip(found.results.traces, ITEMS, strict=True):
        tokens = mediate.prepare(tiny.model("llama"), item, store=False).tokens
        assert "".join(trace.tokens) == item.cot
        with torch.no_grad():
            logprobs = tiny.plain_model("llama")(torch.tensor([tokens.whole])).logits[0].log_softmax(-1)
        start = len(tokens.question)
        said = [-float(logprobs[place - 1, tokens.whole[place]]) for place in range(start, len(tokens.whole))]
        assert np.allclose(trace.surprisal, said, atol=1e-4)
    table = found.table()
    assert table["tokens"].tolist() == [len(each.tokens) for each in found.results.traces]
    assert np.allclose(table["surprisal"], found.tokens().groupby("item")["surprisal"].mean())


def test_a_response_has_cue_and_answer_in_a_step_of_their_own() -> None:
    chain, response = scored().results.traces[0], scored(tokens="response").results.traces[0]
    more = len(response.tokens) - len(chain.tokens)
    assert more > 1
    assert response.tokens[: -more or None] == chain.tokens
    assert response.tokens[-1].strip() == "7"
    assert set(response.steps[-more:]) == {chain.steps[-1] + 1}
    assert np.allclose(response.surprisal[:-more], chain.surprisal, atol=1e-5)


def test_bases_of_pairs_are_scored() -> None:
    twin = mediate.Item(QUESTION.replace("3", "2"), "6", "Tom has 2 + 4 = 6 apples.")
    base = mediate.Item(ITEMS[0].question, "7", ITEMS[0].cot)
    found = scored([mediate.Pair(id="p", group="g", base=base, source=twin)])
    assert found.table()["item"].tolist() == ["p"]
    assert found.table()["group"].tolist() == ["g"]
    assert np.allclose(found.results.traces[0].surprisal, scored().results.traces[0].surprisal, atol=1e-5)


def test_a_run_is_written_read_back_and_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    first = scored(out=out, teacher=tiny.model("neox"))
    again = mediate.open(out)
    assert isinstance(again, mediate.TraceScores)
    for one, other in ((first.table(), again.table()), (first.tokens(), again.tokens())):
        assert one.equals(other)
    monkeypatch.setattr(module, "token_scores", None)  # nothing is computed again
    assert scored(out=out, teacher=tiny.model("neox")).table().equals(first.table())
    with pytest.raises(InputError, match="holds another run"):
        scored(out=out)
    with pytest.raises(InputError, match="holds another run"):
        scored(out=out, teacher=tiny.model("neox"), cap=5)


def test_batches_do_not_change_the_order_or_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scored().tokens()
    monkeypatch.setattr(module, "TOKENS", 1)
    alone = scored().tokens()
    assert whole[["item", "token", "rank"]].equals(alone[["item", "token", "rank"]])
    assert np.allclose(whole["surprisal"], alone["surprisal"], atol=1e-5)


def test_what_memory_does_not_hold_is_halved_and_then_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.token_scores
    longest = max(len(each.tokens) for each in scored().results.traces)

    def tight(student: Any, rows: Any, teacher: Any) -> Any:
        if len(rows) > 1 or len(rows[0].ids) - rows[0].start == longest:
            raise RuntimeError("[enforce fail] not enough memory: you tried to allocate")
        return real(student, rows, teacher)

    monkeypatch.setattr(module, "token_scores", tight)
    found = scored()
    assert found.table()["item"].tolist() == ["a", "c"]
    assert [(each.item, each.code) for each in found.rejects] == [("b", "out_of_memory")]
    monkeypatch.setattr(module, "token_scores", lambda *_: (_ for _ in ()).throw(RuntimeError("something else")))
    with pytest.raises(RuntimeError, match="something else"):
        scored()


def short_of_context() -> Any:
    config = LlamaConfig(
        vocab_size=len(tiny.words()) + 1,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=30,
    )
    config.eos_token_id = config.bos_token_id = None
    return mediate.load(LlamaForCausalLM(config).eval(), tokenizer=tiny.tokenizer(), device="cpu")


def test_what_the_teacher_cannot_take_is_left_out() -> None:
    found = scored(teacher=short_of_context())
    assert [(each.item, each.code) for each in found.rejects] == [("b", "too_long")]
    assert "the teacher" in found.rejects[0].reason
    assert found.table()["item"].tolist() == ["a", "c"]


def test_a_teacher_of_another_tokenizer_is_refused() -> None:
    with pytest.raises(InputError, match="another tokenizer"):
        scored(teacher=mediate.load("reference-0.1m", device="cpu"))


def test_bad_items_stop_or_are_left_out_as_in_scoring() -> None:
    bad = mediate.Item(QUESTION, "7", "Tom has zebras.", id="z")
    with pytest.raises(ItemError, match="zebras"):
        scored([*ITEMS, bad])
    found = scored([*ITEMS, bad], on_bad_item="skip")
    assert [(each.item, each.code) for each in found.rejects] == [("z", "unknown_words")]
    assert found.manifest["counts"] == {"given": 4, "measured": 3, "rejected": 1, "by_reason": {"unknown_words": 1}}
    with pytest.raises(ItemError, match="more than once"):
        scored([ITEMS[0], ITEMS[0]])
    with pytest.raises(InputError, match="load it first"):
        mediate.score_traces("llama", ITEMS)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no option 'maps'"):
        scored(maps=["read:step"])


@pytest.mark.parametrize(("name", "value"), [("cap", 0), ("floor", -1), ("likely", 1.0), ("top", 0), ("tokens", "all")])
def test_numbers_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name):
        scored(**{name: value})


def test_a_student_scores_chains_of_its_own_where_none_are_given() -> None:
    model = mediate.load("reference-0.1m", device="cpu")
    items = [mediate.Item("Start 9, times 3, add 6. Hint 1.", "3", id="own")]
    found = mediate.score_traces(model, items, progress=False, on_bad_item="skip")
    # Written greedily, every token is the likeliest.
    assert (found.tokens()["rank"] == 1).all()
