"""Prefixes and whole chains in token ids, no end after a prefix, and chains that the model writes itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mediate.errors import InputError
from mediate.models.prompts import Style, Template
from mediate.tasks import modular_pairs
from mediate.traces.pieces import encode
from mediate.tuning.arms.arm import Arranged, Encoded, Said, Side, Taught
from mediate.tuning.arms.prefix import INSTRUCTION, PREFIX
from mediate.tuning.base import load_base
from mediate.tuning.examples import Example, examples_of_pairs
from mediate.tuning.labels import IGNORED
from mediate.tuning.quiet import undisturbed
from mediate.tuning.spec import make_tune_spec
from mediate.tuning.student import Student
from mediate.tuning.trainers import Course, make_trainer
from tests import tiny
from tests.tuning.subjects import arranged

ONE = Example("a", "a", "Start 3, add 4, times 7. Hint 5.", "9", "3 + 4 = 7. 7 x 7 = 9.")
QUESTION = (4, 45, 16, 29, 46, 16, 31, 49, 17, 32, 47, 17, 2)
CHAIN = (21, 36, 46, 39, 49, 17, 49, 38, 49, 39, 51, 17)
END = 0
ENDING = (2, 9, 34, 35, 51, END)
TWO = (ONE, replace(ONE, id="b", group="b"))


def test_the_token_ids_of_both_kinds() -> None:
    found = arranged(TWO, "prefix", prefix_share=0.5, prefix_tokens=6, instruction="")
    prefix, whole = (each.row for each in found.taught)
    assert prefix == Encoded("a", QUESTION, (21, 36, 46, 39, 49, 17))
    assert whole == Encoded("b", QUESTION, CHAIN + ENDING)
    assert END not in prefix.completion
    assert [each.about for each in found.taught] == [{"part": "prefix", "tokens": 6}, {"part": "whole"}]
    assert found.counts == {"prefix": 1, "whole": 1, "shorter_than_prefix": 0, "own_chains": 0}


def test_the_first_share_of_the_set_are_prefixes() -> None:
    ten = [replace(ONE, id=str(at), group=str(at)) for at in range(10)]
    found = arranged(ten, "prefix", instruction="")
    assert [each.about["part"] for each in found.taught] == ["prefix"] * 9 + ["whole"]
    assert {len(each.row.completion) for each in found.taught[:9]} == {8}
    assert [each.about["part"] for each in arranged(ten, "prefix", instruction="", prefix_share=1).taught] == [
        "prefix"
    ] * 10


def test_the_instruction_follows_the_question_of_a_prefix_alone() -> None:
    tokenizer = tiny.byte_level()
    template = Template(Style.COMPLETION, "Q: {question}\nA:", "few")
    said = Said("a", (1, 2), (3, 4, 5), (6,))
    taught = [Taught(each, replace(said, id=each.id), Encoded(each.id, (1, 2), (3, 4, 5, 6))) for each in TWO]
    student = Student(tokenizer, 512, lambda: pytest.fail("asked"), lambda name: pytest.fail("asked"))
    spec = make_tune_spec(arm="prefix", template=template, prefix_share=0.5, prefix_tokens=2)
    assert PREFIX.arrange is not None
    prefix, whole = PREFIX.arrange(Side(taught, student), spec).taught
    assert prefix.row.prompt == tuple(encode(tokenizer, f"Q: {ONE.question} {INSTRUCTION}\nA:"))
    assert (prefix.row.completion, whole.row) == ((3, 4), Encoded("b", (1, 2), (3, 4, 5, 6)))


def test_an_instruction_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InputError, match=r"no token for 'Please', .* of the instruction; give another, or an"):
        arranged(TWO, "prefix")


def test_a_prefix_longer_than_the_chains_is_refused_and_a_shorter_chain_counted() -> None:
    with pytest.raises(InputError, match="prefix_tokens is 13, and the longest chain has 12 tokens; take fewer"):
        arranged(TWO, "prefix", prefix_tokens=13, instruction="")
    short = replace(ONE, id="c", group="c", chain="3 + 4 = 7.")
    found = arranged([short, *TWO], "prefix", prefix_tokens=12, instruction="", prefix_share=1)
    assert found.counts["shorter_than_prefix"] == 1
    assert [len(each.row.completion) for each in found.taught] == [6, 12, 12]
    assert all(END not in each.row.completion for each in found.taught)


def test_nothing_is_learnt_after_a_prefix(tmp_path: Path) -> None:
    """Beside a longer row the prefix is padded with the end token: there is no loss there, and no gradient from it."""
    base, spec = load_base("reference-0.1m"), make_tune_spec(arm="prefix", instruction="", batch_size=2, full=True)
    rows = [each.row for each in arranged(TWO, "prefix", prefix_share=0.5, prefix_tokens=6, instruction="").taught]
    with undisturbed():
        trainer = make_trainer(base, rows, spec, Course(tmp_path, 1, 1, cpu=True))
    (batch,) = trainer.get_train_dataloader()
    row = batch["attention_mask"].sum(dim=1).argmin()
    labels, ids = batch["labels"][row], batch["input_ids"][row]
    first = len(QUESTION) + 6
    assert int(ids[first]) == END  # padding
    logits = trainer.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    losses = torch.nn.functional.cross_entropy(logits[row, :-1], labels[1:], ignore_index=IGNORED, reduction="none")
    assert losses[first - 1] == 0
    assert (losses[first - 1 :] == 0).all()
    assert losses[len(QUESTION) - 1 : first - 1].gt(0).all()
    assert labels.ne(IGNORED).sum() == 6


@pytest.fixture(scope="module")
def asked() -> tuple[tuple[Example, ...], Arranged]:
    """Questions without chains, and what the model makes of them."""
    bare = tuple(replace(each, chain=None, answer="0") for each in examples_of_pairs(modular_pairs(4, seed=5)))
    return bare, arranged(bare, "prefix", prefix_share=0.5, instruction="")


def test_missing_chains_and_answers_are_the_models_own(asked: tuple[tuple[Example, ...], Arranged]) -> None:
    right = examples_of_pairs(modular_pairs(4, seed=5))
    found = asked[1]
    assert found.counts["own_chains"] == 8
    assert all(each.about["chain"] == "own" for each in found.taught)
    # The reasoner solves these, so that its own rows are those of the right chains and answers.
    plain = arranged(right, "prefix", prefix_share=0.5, instruction="").taught
    assert [each.row for each in found.taught] == [each.row for each in plain]
    for known, each in zip(right[4:], found.taught[4:], strict=True):
        assert (each.example.chain, each.example.answer) == (known.chain, known.answer)
    # Of a prefix no more is written than is learnt, and what tells whether it is all of the chain.
    assert {len(each.said.chain) for each in found.taught[:4]} == {12}


def test_given_chains_are_written_anew_where_that_is_asked_for() -> None:
    wrong = replace(ONE, chain="3 + 4 = 8. 8 x 7 = 6.", answer="6")
    (kept,) = arranged([wrong], "prefix", instruction="", prefix_share=0.1).taught
    (own,) = arranged([wrong], "prefix", instruction="", prefix_share=0.1, own_chains=True).taught
    assert kept.example == wrong
    assert (own.example.chain, own.example.answer) == (ONE.chain, "9")


def test_a_chain_without_an_end_is_no_whole_one(asked: tuple[tuple[Example, ...], Arranged]) -> None:
    bare, _ = asked
    choices: dict[str, Any] = {"prefix_share": 0.5, "instruction": "", "max_new_tokens": 6, "prefix_tokens": 5}
    with pytest.raises(InputError, match="the model did not end its chain within 6 tokens; give it a chain, or skip"):
        arranged(bare, "prefix", **choices)
    found = arranged(bare, "prefix", on_bad_item="skip", **choices)
    assert (found.counts["prefix"], found.counts["whole"], len(found.left_out)) == (4, 0, 4)
