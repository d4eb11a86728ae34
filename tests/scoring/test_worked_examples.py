"""Worked examples before every question: which they are is told, and none of them is measured."""

import pytest

from mediate.errors import InputError
from mediate.models.prompts import HOLE, few_shot
from mediate.pairs.item import Item
from mediate.scoring.worked_examples import built_in_examples, examples_of, is_few_shot

ITEMS = [
    Item("1 + 1?", "2", "1 and 1 is 2.", id="a"),
    Item("1 + 2?", "3", None, id="b"),
    Item("1 + 3?", "4", " 1 and 3 is 4. ", id="c"),
    Item("1 + 4?", "5", "1 and 4 is 5.", id="d"),
]


def test_the_first_that_are_not_measured_are_taken_and_named() -> None:
    said: list[str] = []
    found = examples_of(ITEMS, 2, {" 1 + 1? "}, "\nThe answer is", said.append)
    assert found.text == (
        "Q: 1 + 3?\nA: 1 and 3 is 4.\nThe answer is 4\n\n"
        "Q: 1 + 4?\nA: 1 and 4 is 5.\nThe answer is 5\n\nQ: {question}\nA:"
    )
    assert said == ["few-shot: 2 worked examples, none of them measured: c, d"]
    assert is_few_shot(found)


def test_too_few_are_refused_with_the_reason() -> None:
    with pytest.raises(InputError, match=r"2 of 4 items .*1 have no chain.*1 are measured.*asks for 3"):
        examples_of(ITEMS, 3, {"1 + 1?"}, "\nSo", str)
    with pytest.raises(InputError, match=r"holds \{question\}"):
        examples_of([Item(f"what is {HOLE}?", "2", "It is 2.")], 1, (), "\nSo", str)


def test_built_in_ones_are_told_and_four_are_the_usual_template() -> None:
    said: list[str] = []
    assert built_in_examples(4, said.append) == few_shot()
    assert "4 worked word problems" in said[0]
    two = built_in_examples(2, str)
    assert two.text.count("Q:") == 3
    assert is_few_shot(two)
    assert is_few_shot(few_shot())
