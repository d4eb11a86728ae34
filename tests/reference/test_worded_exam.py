"""The exam of the worded reference reasoners: what is asked, what counts as right, and what a chain is begun with."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from mediate.models.loading import load_unchecked as load
from mediate.models.shipped import WORDED_LADDER, ladder_config, ladder_tokenizer
from mediate.passes.selfcheck import checked
from mediate.reference import worded_exam
from mediate.reference.marks import Way
from mediate.reference.worded_exam import LENGTHS, MIXED, PLAIN, examine_worded
from mediate.tasks.factors import FACTORS
from mediate.tasks.modular import Chained
from mediate.tasks.worded import ASIDES, Verbosity, Worded
from mediate.traces.pieces import decode

TOKENIZER = ladder_tokenizer(WORDED_LADDER)
ASKED = {(factor.name, each.name) for factor in FACTORS for each in factor.settings if each.name != "random"}


@pytest.fixture(scope="module")
def model() -> Any:
    """A model of random weights, which writes and answers anything."""
    from transformers import LlamaForCausalLM

    rung = WORDED_LADDER.rungs[0]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = LlamaForCausalLM(ladder_config(rung, len(TOKENIZER), TOKENIZER.eos_token_id, WORDED_LADDER.context))
    return checked(load(plain, tokenizer=TOKENIZER))


def test_every_setting_is_asked_in_every_way(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def copied(_: Any, rows: Sequence[Sequence[int]]) -> list[str]:
        """The answer of one who copies the last number that stands before the cue."""
        texts = [decode(TOKENIZER, row) for row in rows]
        read.extend(texts)
        return [re.findall(r"\d", text)[-1] for text in texts]

    monkeypatch.setattr(worded_exam, "_next_words", copied)
    # Chains of one's own are right ones here.
    own = lambda model, problems, asked: [TOKENIZER(each.chain())["input_ids"] for each in problems]  # noqa: E731
    monkeypatch.setattr(worded_exam, "_own_chains", own)
    marks = examine_worded(model, n=8)
    assert {(mark.factor, mark.setting) for mark in marks} == {(PLAIN, ""), *ASKED}
    assert {mark.steps for mark in marks if mark.factor == PLAIN} == {(steps,) for steps in LENGTHS}
    assert {mark.steps for mark in marks if mark.factor != PLAIN} == {MIXED}
    by = {(mark.factor, mark.setting, mark.steps, mark.way): mark.right for mark in marks}
    for way in (Way.OWN_CHAIN, Way.GIVEN_CHAIN):
        assert by[PLAIN, "", (4,), way] == by["form", "words", MIXED, way] == by["after", "asides", MIXED, way] == 8
        # The last number of a check is not the result, and a digit is no yes or no.
        if way is Way.GIVEN_CHAIN:
            assert by["verbosity", "checked", MIXED, way] < 8
        assert by["asked", "yes_no", MIXED, way] == 0
    assert by["hint", "answer", MIXED, Way.NO_CHAIN] == 8
    assert by["hint", "wrong", MIXED, Way.NO_CHAIN] == 0
    assert ("results", "filled", MIXED, Way.OWN_CHAIN) not in by
    assert all(text.endswith("\nThe answer is") for text in read)


def test_nothing_that_was_trained_on_is_asked() -> None:
    for factor, setting in (PLAIN, ""), ("names", "defined"), ("clause", "unless"):
        made = worded_exam._problems(30, 0, MIXED, factor, setting)
        assert all(each.held_out for each in made)
        assert [len(each.sums.operations) for each in made[:6]] == [3, 4, 5, 3, 4, 5]


def test_a_chain_is_begun_with_its_first_step() -> None:
    problem = Worded(Chained(3, ("add", "take", "times"), (4, 2, 3)))
    begun = worded_exam._begun
    assert begun(problem) == begun(problem.told(after=ASIDES[:2])) == ""
    assert begun(problem.told(together=2)) == "(3 + 4) - 2 = 5."
    assert begun(problem.told(verbosity=Verbosity.CHECKED)) == "3 + 4 = 7. check 7 - 4 = 3."
    assert begun(problem.told(verbosity=Verbosity.MENDED, slip=(2, 1))) == "3 + 4 = 8. wait. instead 3 + 4 = 7."


def test_a_chain_without_an_end_is_wrong_and_answers_are_read_at_the_end_of_each_row(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worded_exam, "LENGTHS", (2,))
    marks = examine_worded(model, n=3, factors=(PLAIN,))
    assert [mark.right for mark in marks if mark.way is Way.OWN_CHAIN] == [0]
    rows = [[5, 6, 7, 8, 9], [10, 11]]
    assert worded_exam._next_words(model, rows) == [worded_exam._next_words(model, [row])[0] for row in rows]
