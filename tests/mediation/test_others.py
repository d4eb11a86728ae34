"""Which other items an item is held against: another group, another answer, nearest in length, ties by seed."""

import pytest

from mediate.errors import InputError
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem
from mediate.mediation.others import Candidate, check_others, nearest_others, without_other
from mediate.traces.trace import Trace


def candidate(name: str, chain: int, answer: str, group: str = "", question: int = 3) -> Candidate:
    trace = Trace("x" * chain, (1,) * chain, ("x",) * chain, (0,) * chain)
    tokens = EncodedItem(name, group or name, (1,) * question, (1, question), trace, Readers((1,), (2,)))
    return Candidate(tokens, answer)


def named(found: dict[str, tuple[EncodedItem, ...]]) -> dict[str, list[str]]:
    return {name: [each.id for each in others] for name, others in found.items()}


def test_the_nearest_in_question_and_chain_come_first() -> None:
    items = [candidate("a", 5, "1"), candidate("b", 9, "2"), candidate("c", 6, "3", question=4), candidate("d", 4, "4")]
    found = named(nearest_others(items, k=2))
    assert found["a"] == ["d", "c"]  # 8 tokens beside 7 and 10
    assert found["b"] == ["c", "a"]
    assert list(found) == ["a", "b", "c", "d"]


def test_the_same_group_and_the_same_answer_are_no_others() -> None:
    items = [
        candidate("a", 5, "1,200", "one"),
        candidate("b", 5, "7", "one"),
        candidate("c", 5, "1200.0", "two"),
        candidate("d", 9, "8", "two"),
    ]
    found = named(nearest_others(items))
    assert found["a"] == ["d"]
    assert sorted(found["b"]) == ["c", "d"]


def test_ties_are_by_seed_whatever_the_order() -> None:
    items = [candidate(f"{number}", 5, f"{number}") for number in range(12)]
    found = named(nearest_others(items, seed=3))
    assert named(nearest_others(items[::-1], seed=3)) == dict(reversed(found.items()))
    assert named(nearest_others(items, seed=4)) != found
    assert all(len(set(others)) == 4 for others in found.values())
    assert len({tuple(sorted(others)) for others in found.values()}) > 3  # not the same four for all


def test_one_that_cannot_stand_in_the_place_is_passed_over() -> None:
    items = [candidate("a", 5, "1"), candidate("b", 5, "2", question=4), candidate("c", 9, "3")]
    found = nearest_others(items, fits=lambda item, other: len(item.question) == len(other.question))
    assert named(found) == {"a": ["c"], "b": [], "c": ["a"]}


@pytest.mark.parametrize(
    "items",
    [
        [candidate("a", 5, "1")],
        [candidate("a", 5, "1", "one"), candidate("b", 6, "2", "one")],
        [candidate("a", 5, "7"), candidate("b", 6, "7.0")],
    ],
    ids=["one item", "one group", "one answer"],
)
def test_a_set_without_others_is_refused_in_one_line(items: list[Candidate]) -> None:
    found = nearest_others(items)
    assert found == {each.tokens.id: () for each in items}
    with pytest.raises(InputError, match=r"none of .* has another of another group and with another answer; give more"):
        check_others(found)


def test_an_item_without_others_says_what_to_do() -> None:
    error = without_other(candidate("a", 5, "1").tokens)
    assert (error.item, error.code) == ("a", "no_other")
    assert "give more items or other groups" in str(error)


def test_no_others_are_refused() -> None:
    with pytest.raises(InputError, match="0 other items; give at least 1"):
        nearest_others([], k=0)
