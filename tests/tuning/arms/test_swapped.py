"""Chains of another question, shuffled, of filler and wrong; never a question's own."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.tasks import modular_pairs
from mediate.tuning.arms.swapped import others
from mediate.tuning.examples import Example, examples_of_pairs
from tests.tuning.subjects import arranged

ONE = Example("a", "a", "Start 3, add 4, times 7. Hint 5.", "9", "3 + 4 = 7. 7 x 7 = 9.")
SET = examples_of_pairs(modular_pairs(20, seed=1))


def test_every_question_has_the_chain_of_another_and_its_own_answer() -> None:
    found = arranged(SET, "swapped")
    by_id = {each.id: each for each in SET}
    for before, each in zip(SET, found.taught, strict=True):
        donor = by_id[each.about["of"]]
        assert each.example.chain == donor.chain
        assert each.example.chain != before.chain
        assert donor.question != before.question
        assert donor.group != before.group
        assert donor.chain is not None
        assert before.chain is not None
        assert donor.chain.count("=") == before.chain.count("=")
        assert each.row.prompt == each.said.question
        assert each.row.completion == each.said.chain + each.said.ending
        assert each.example == replace(before, chain=donor.chain)
    # Each chain is given once, so that the chains are the ones that were there.
    assert sorted(each.about["of"] for each in found.taught) == sorted(by_id)
    assert found.counts == {"chains": {"other": len(SET), "of_as_many_steps": len(SET)}}
    assert [each.about for each in arranged(SET, "swapped").taught] == [each.about for each in found.taught]
    assert [each.about for each in arranged(SET, "swapped", seed=1).taught] != [each.about for each in found.taught]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3, st.integers(1, 3)), min_size=1, max_size=12), st.integers(0, 5))
def test_none_gets_its_own_question_or_chain(rows: list[tuple[int, int, int, int]], seed: int) -> None:
    questions, chains, groups = [str(q) for q, *_ in rows], [(c,) for _, c, *_ in rows], [str(g) for _, _, g, _ in rows]
    steps = [count for *_, count in rows]
    for one, donor in enumerate(others(questions, chains, groups, steps, seed)):
        may = [at for at in range(len(rows)) if questions[at] != questions[one] and chains[at] != chains[one]]
        assert (donor is None) == (not may)
        if donor is not None:
            assert donor in may


def test_equal_chains_and_questions_are_not_swapped_for_each_other() -> None:
    # Three that are alike in question or chain, and one that is not: it alone can give its chain, and to all.
    same_chain = replace(ONE, id="b", group="b", question="Start 3, add 4, times 7. Hint 6.")
    same_question = replace(ONE, id="c", group="c", chain="3 + 4 = 8. 8 x 7 = 6.")
    other = Example("d", "d", "Start 1, add 1, add 1. Hint 0.", "3", "1 + 1 = 2. 2 + 1 = 3.")
    given = {
        each.example.id: each.about["of"]
        for each in arranged([ONE, same_chain, same_question, other], "swapped").taught
    }
    assert given["a"] == "d"
    assert given["b"] in ("c", "d")
    assert given["c"] in ("b", "d")
    with pytest.raises(InputError, match="item 'a': no other question has another chain, which it could be given"):
        arranged([ONE, same_chain], "swapped")
    left = arranged([ONE, same_chain, same_question], "swapped", on_bad_item="skip")
    assert [error.item for error in left.left_out] == ["a"]
    assert [each.about["of"] for each in left.taught] == ["c", "b"]


def test_a_chain_of_other_length_is_given_where_there_is_none_of_as_many_steps() -> None:
    short = Example("d", "d", "Start 1, add 1. Hint 0.", "2", "1 + 1 = 2.")
    long = Example("e", "e", "Start 1, add 1, add 2, add 3. Hint 0.", "7", "1 + 1 = 2. 2 + 2 = 4. 4 + 3 = 7.")
    found = arranged([ONE, replace(long, id="f", group="f"), short, long], "swapped")
    assert found.counts == {"chains": {"other": 4, "of_as_many_steps": 0}}
    assert found.taught[2].about["of"] == "a"  # two steps are nearer to one than three are


@pytest.mark.parametrize("seed", range(8))
def test_the_chain_of_a_twin_is_taken_only_where_there_is_no_other(seed: int) -> None:
    questions, chains = ["p", "q", "r", "s"], [(1,), (2,), (3,), (4,)]
    donors = others(questions, chains, ["a", "a", "b", "b"], [2, 2, 2, 2], seed)
    assert set(donors[:2]) == {2, 3}
    assert set(donors[2:]) == {0, 1}
    assert others(questions[:2], chains[:2], ["a", "a"], [2, 2], seed) == [1, 0]


def test_all_in_one_group_are_swapped_among_each_other() -> None:
    found = arranged([replace(each, group="g") for each in SET], "swapped")
    assert sorted(each.about["of"] for each in found.taught) == sorted(each.id for each in SET)


def test_steps_are_shuffled_as_text() -> None:
    found = arranged(SET, "swapped", chains="shuffled")
    for before, each in zip(SET, found.taught, strict=True):
        assert before.chain is not None
        assert each.example.chain is not None
        assert each.example.chain != before.chain
        assert sorted(f"{each.example.chain} ".split(". ")) == sorted(f"{before.chain} ".split(". "))
    (two,) = arranged([ONE], "swapped", chains="shuffled").taught
    assert two.example.chain == "7 x 7 = 9. 3 + 4 = 7."
    assert two.said.chain == (25, 38, 49, 39, 51, 17, 45, 36, 46, 39, 49, 17)
    with pytest.raises(InputError, match="the chain has no two different steps to be shuffled; give another, or skip"):
        arranged([replace(ONE, chain="3 + 4 = 7.")], "swapped", chains="shuffled")


def test_filler_has_as_many_tokens() -> None:
    (found,) = arranged([ONE], "swapped", chains="filler").taught
    assert len(found.said.chain) == 12
    assert found.about == {"chain": "filler"}
    assert set(found.said.chain) <= {41, 17}  # dots
    assert found.example.answer == "9"


def test_wrong_chains_go_on_from_their_mistake() -> None:
    found = arranged(SET, "swapped", chains="wrong")
    assert found.counts == {"chains": {"recomputed": len(SET)}}
    symbols: dict[str, Any] = {"+": int.__add__, "-": int.__sub__, "x": int.__mul__}
    for before, each in zip(SET, found.taught, strict=True):
        assert before.chain is not None
        steps = [step.split() for step in (each.example.chain or "").rstrip(".").split(". ")]
        rights = [symbols[sign](int(one), int(other)) % 10 == int(result) for one, sign, other, _, result in steps]
        assert rights.count(False) == 1  # the mistake, and nothing after it
        assert all(step[0] == last[-1] for last, step in pairwise(steps))
        assert steps[-1][-1] != before.answer
        assert each.example.answer == before.answer


def test_chains_that_cannot_be_computed_anew_are_the_rejected_ones_or_named() -> None:
    told = replace(ONE, chain="add 4 to 3 to get 7. multiply 7 by 7 to get 9.")
    choices: dict[str, Any] = {"model": "reference-worded-0.1m", "chains": "wrong"}
    with pytest.raises(InputError, match=r"item 'a': the chains are no arithmetic .*; give a rejected chain"):
        arranged([told], "swapped", **choices)
    twin = replace(told, rejected="add 4 to 3 to get 7. multiply 7 by 3 to get 1.", rejected_answer="1")
    (found,) = arranged([twin], "swapped", **choices).taught
    assert (found.example.chain, found.about) == (twin.rejected, {"chain": "rejected"})
    with pytest.raises(InputError, match="no arithmetic"):
        arranged([replace(twin, rejected_answer="9")], "swapped", **choices)


def test_a_mistake_that_leaves_the_answer_stated_is_none() -> None:
    """Of a chain that checks each step the last check alone can be wrong, and the result before it stays right."""
    told = replace(ONE, chain="3 + 4 = 7. check 7 - 4 = 3. 7 x 7 = 9. check 9 x 3 = 7.")
    choices: dict[str, Any] = {"model": "reference-worded-0.1m", "chains": "wrong"}
    with pytest.raises(InputError, match=r"item 'a': .*; give a rejected chain"):
        arranged([told], "swapped", **choices)
    twin = replace(told, rejected="3 + 4 = 7. check 7 - 4 = 3. 7 x 3 = 1. check 1 x 7 = 7.", rejected_answer="1")
    (found,) = arranged([twin], "swapped", **choices).taught
    assert (found.example.chain, found.example.answer) == (twin.rejected, "9")
