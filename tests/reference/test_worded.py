"""What the worded reference reasoners read: its tokens, what is learnt of it, how often what occurs; and training."""

import json
from collections import Counter
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mediate.errors import InputError
from mediate.mediation.encoding import encode_pair
from mediate.models.loading import load_unchecked as load
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.shipped import WORDED_LADDER, After, ladder_config, ladder_tokenizer
from mediate.passes.selfcheck import checked
from mediate.reference.recipe import TRAINED, Schedule
from mediate.reference.train import BEFORE, train_reference
from mediate.reference.worded import (
    DIET,
    FIRST_DIET,
    FIRST_RECIPE,
    POOL,
    WORDED_RECIPE,
    Thought,
    WordedBatches,
    WordedDiet,
    drawn_problems,
    encoded_rows,
)
from mediate.tasks.factors import FACTORS, varied
from mediate.tasks.modular import Chained, draw_problems
from mediate.tasks.worded import ASIDES, BLANK_NAMES, Form, Telling, Unless, Verbosity, Worded
from mediate.tasks.worded_pairs import worded_pairs
from mediate.traces.trace import decode, encode, given_trace
from mediate.tuning.labels import IGNORED
from tests.reference.cutting import cut_off

TOKENIZER = ladder_tokenizer(WORDED_LADDER)
FIRST_SHORT = replace(FIRST_RECIPE, schedules={After.BASE: {"0.1m": Schedule(2, 4, 1e-3)}})
SHORT = replace(WORDED_RECIPE, schedules={After.BASE: {"0.1m": Schedule(8, 4, 1e-3)}}, before=FIRST_SHORT)


def problems(count: int = 120) -> list[Worded]:
    rng = np.random.default_rng(0)
    shares = {factor.name: {each.name: 0.5 / len(factor.settings) for each in factor.settings} for factor in FACTORS}
    return [varied(Worded(each), shares, rng) for each in islice(draw_problems(rng, 4, held_out=False), count)]


def test_the_tokenizer_has_all_words_and_no_more_than_160_tokens() -> None:
    used = set()
    for problem in problems(400):
        text = f"{problem.question()}\n{problem.chain()}{ANSWER_CUE} {problem.answer}"
        pieces = [f"{problem.question()}\n", problem.chain(), ANSWER_CUE, f" {problem.answer}"]
        ids = encode(TOKENIZER, text)
        assert ids == [number for piece in pieces for number in encode(TOKENIZER, piece)]
        assert TOKENIZER.unk_token_id not in ids
        assert decode(TOKENIZER, ids) == text
        used |= {decode(TOKENIZER, [number]).strip() for number in ids}
    assert len(TOKENIZER) <= 160
    assert {*WORDED_LADDER.words, *WORDED_LADDER.signs} <= used


def test_the_longest_text_fits_the_context() -> None:
    telling = Telling(Form.WORDS, Verbosity.CHECKED, filler=3, after=ASIDES[:8])
    sums = Chained(1, ("add", "take", "times", "add", "add"), (1, 1, 3, 1, 1))
    whole = Worded(sums, BLANK_NAMES[:3], Unless("even", "take", 1), 3, "yes", ASIDES[:8], telling)
    (row,) = encoded_rows(TOKENIZER, [whole], [Thought.CHAIN])
    assert len(row.ids) <= WORDED_LADDER.context


def test_a_row_is_laid_out_as_a_scored_pair_is() -> None:
    model = small_model()
    for pair in worded_pairs(6, hint="answer"):
        chains = [given_trace(item.cot or "", TOKENIZER) for item in (pair.source, pair.base)]
        scored = encode_pair(model, pair, Template(Style.NONE, name="none"), ANSWER_CUE, *chains)
        start, operations, operands = said_by(pair.base.question)
        problem = Worded(Chained(start, operations, operands), hint=pair.base.answer)
        (row,) = encoded_rows(TOKENIZER, [problem], [Thought.CHAIN])
        assert tuple(row.ids) == (
            *scored.context(1, 1),
            *scored.readers.cue,
            *scored.readers.base,
            TOKENIZER.eos_token_id,
        )


def said_by(question: str) -> tuple[int, tuple[str, ...], tuple[int, ...]]:
    start, *doing = question.partition(".")[0].removeprefix("Start ").split(", ")
    named = [each.split() for each in doing]
    return int(start), tuple(name for name, _ in named), tuple(int(number) for _, number in named)


def small_model() -> Any:
    from transformers import LlamaForCausalLM

    rung = WORDED_LADDER.rungs[0]
    with torch.random.fork_rng():
        plain = LlamaForCausalLM(ladder_config(rung, len(TOKENIZER), TOKENIZER.eos_token_id, WORDED_LADDER.context))
    return checked(load(plain, tokenizer=TOKENIZER))


def learnt(problem: Worded, thought: Thought) -> tuple[str, str]:
    """What a row says, and of that what there is a loss on."""
    (row,) = encoded_rows(TOKENIZER, [problem], [thought])
    assert all(label in (IGNORED, token) for token, label in zip(row.ids, row.labels, strict=True))
    return decode(TOKENIZER, row.ids), decode(TOKENIZER, [each for each in row.labels if each != IGNORED])


def test_what_is_learnt_of_a_row() -> None:
    problem = Worded(Chained(3, ("add", "take"), (4, 2)), hint="5", before=ASIDES[:1])
    question = "Start 3, add 4, take 2. Hint 5. The cat is calm.\n"
    said, loss = learnt(problem, Thought.CHAIN)
    assert said == question + loss
    assert loss == "3 + 4 = 7. 7 - 2 = 5.\nThe answer is 5<eos>"
    assert learnt(problem, Thought.NOTHING) == (question + "\nThe answer is 5<eos>", " 5<eos>")
    assert learnt(problem, Thought.FILLER) == (question + f"{'um ' * 9}um.\nThe answer is 5<eos>", " 5<eos>")
    # What is not the model's to say.
    filled = learnt(problem.told(filled=True, filler=1), Thought.CHAIN)
    assert filled[0].endswith("um 3 + 4 = [7]. um 7 - 2 = [5].\nThe answer is 5<eos>")
    assert filled[1] == " 3 + 4 = []. 7 - 2 = [].\nThe answer is 5<eos>"
    after = learnt(problem.told(after=ASIDES[1:3]), Thought.CHAIN)
    assert after == (question + "3 + 4 = 7. 7 - 2 = 5. The cat is dark. The cat is old.\nThe answer is 5<eos>", loss)


def test_batches_are_the_same_in_any_order_and_hold_what_the_diet_says() -> None:
    diet = replace(DIET, plain=0)
    made = WordedBatches(diet, TOKENIZER, 6 * POOL, 16, (0, 0))
    there = [made[number] for number in range(len(made))]
    again = WordedBatches(diet, TOKENIZER, 6 * POOL, 16, (0, 0))
    for number in (9, 2, 23):
        assert all(torch.equal(again[number][name], there[number][name]) for name in ("input_ids", "labels"))
    texts = [decode(TOKENIZER, ids).rstrip("<eos>") for batch in there for ids in batch["input_ids"].tolist()]
    assert len(texts) == len(set(texts)) == 6 * POOL * 16
    share = Counter(
        "bare" if "\n\n" in text else "filler" if "\num" in text and "=" not in text else "chain" for text in texts
    )
    # Four standard errors of 384 rows are at most 0.062.
    assert abs(share["bare"] / len(texts) - DIET.nothing) < 0.062
    padding = sum((batch["input_ids"] == TOKENIZER.pad_token_id).sum() for batch in there) - len(texts)
    assert padding < 0.3 * sum(batch["input_ids"].numel() for batch in there)


def test_no_problem_is_held_out_and_only_form_and_hint_vary_at_the_beginning() -> None:
    diet = replace(FIRST_DIET, plain=50)
    early, late = (drawn_problems(diet, np.random.default_rng(1), 300, batch=batch) for batch in (49, 50))
    assert not any(each.held_out for each in (*early, *late))
    assert {len(each.sums.operations) for each in early} == {2, 3, 4, 5}
    varies = [replace(each, sums=early[0].sums, hint="").told(form=Form.SIGNS) for each in early]
    assert set(varies) == {Worded(early[0].sums)}
    assert {each.telling.form for each in early} == set(Form)
    assert {each.telling.verbosity for each in late} == set(Verbosity)


@pytest.mark.parametrize("diet", [FIRST_DIET, DIET], ids=["first", "then"])
def test_the_diet_names_what_there_is(diet: WordedDiet) -> None:
    for name, settings in diet.shares.items():
        (factor,) = (each for each in FACTORS if each.name == name)
        assert {*settings} <= {each.name for each in factor.settings}
        assert 0 < sum(settings.values()) <= 1
    assert {*diet.shares} == {factor.name for factor in FACTORS}
    assert json.loads(json.dumps(asdict(diet)))["shares"] == diet.shares


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_a_rung_is_trained_and_loads(tmp_path: Path) -> None:
    (folder,) = train_reference(tmp_path, recipe=SHORT, sizes=["0.1m"], say=lambda _: None)
    assert folder.name == "reference-worded-0.1m"
    model = load(folder)
    assert model.facts.context == WORDED_LADDER.context
    trained = json.loads((folder / TRAINED).read_text())
    assert trained["optimiser"] == "MuonAdamW"
    assert trained["diet"]["shares"] == DIET.shares
    first = json.loads((tmp_path / BEFORE / folder.name / TRAINED).read_text())
    assert trained["before"] == first
    assert first["diet"]["shares"] == FIRST_DIET.shares
    assert "falling" not in first
    assert weights(folder) != weights(tmp_path / BEFORE / folder.name)
    (again,) = train_reference(tmp_path / "again", recipe=SHORT, sizes=["0.1m"], say=lambda _: None)
    assert weights(folder) == weights(again)
    # Trained before, and so is what it goes on from; otherwise than now in what it goes on from.
    said: list[str] = []
    train_reference(tmp_path, recipe=SHORT, sizes=["0.1m"], say=said.append)
    assert said == ["reference-worded-0.1m: trained before"]
    other = replace(SHORT, before=replace(FIRST_SHORT, diets={After.BASE: replace(FIRST_DIET, plain=7)}))
    with pytest.raises(InputError, match="was trained with other choices"):
        train_reference(tmp_path, recipe=other, sizes=["0.1m"], say=lambda _: None)


def test_a_training_that_was_cut_off_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The optimiser's state is kept and taken up, and so is the place among the batches."""
    (whole,) = train_reference(tmp_path / "whole", recipe=SHORT, sizes=["0.1m"], say=lambda _: None)
    taken = cut_off(monkeypatch, at=8)
    with pytest.raises(KeyboardInterrupt):
        train_reference(tmp_path / "cut", recipe=SHORT, sizes=["0.1m"], say=lambda _: None)
    (resumed,) = train_reference(tmp_path / "cut", recipe=SHORT, sizes=["0.1m"], say=lambda _: None)
    assert taken == [0, 1, *(0, 1, 2, 3, 4, 5), *(4, 5, 6, 7)]
    assert weights(resumed) == weights(whole)
