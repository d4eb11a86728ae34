"""Families for the first reference reasoners: their words alone, a hint in every question, answers that are known."""

import re

import pytest

from mediate.models.shipped import MODULAR_LADDER, PIECES
from mediate.tasks.execution import EXECUTION
from mediate.tasks.leaky import AWAY, LEAKY
from mediate.tasks.length import LENGTH
from mediate.tasks.modular import Chained
from mediate.tasks.task import Task

KNOWN = {*MODULAR_LADDER.words, *MODULAR_LADDER.signs, *map(str, range(10)), ""}


@pytest.mark.parametrize("task", [LENGTH, EXECUTION, LEAKY], ids=lambda task: task.name)
def test_every_word_is_one_of_the_ladder(task: Task) -> None:
    for pair in task.pairs(60, seed=1, wording="modular"):
        for item in (pair.base, pair.source):
            said = f"{item.question} {item.cot or ''}"
            assert {piece.strip() for piece in re.findall(PIECES, said)} <= KNOWN
            assert len(re.findall(r"Hint \d\.", item.question)) == 1


def test_conditions_are_as_they_are_called() -> None:
    assert [pair.condition for pair in LENGTH.pairs(2, wording="modular")] == ["1 a step, plain", "1 a step, terse"]
    leaky = LEAKY.pairs(50, seed=1, wording="modular")
    usual = [pair for pair in leaky if pair.condition == "random hint"]
    assert sum(pair.base.question[-2] == pair.base.answer for pair in usual) < len(usual) / 2
    for plain, right, wrong, answer, chain in zip(*[iter(leaky)] * 5, strict=True):
        assert [each.condition for each in (plain, right)] == ["random hint", "right hint"]
        assert right.base.question.endswith(f"Hint {right.base.answer}.")
        assert wrong.base.question[-2] not in (wrong.base.answer, wrong.source.answer)
        assert wrong.base.question[-2] == wrong.source.question[-2]
        assert int(answer.base.answer) == (int(plain.base.answer) + AWAY) % 10
        assert answer.base.question == chain.base.question == plain.base.question
        assert chain.base.cot[:-2] == plain.base.cot[:-2]
        assert chain.base.cot != plain.base.cot
        assert chain.base.answer == plain.base.answer
    for right, own, wrong in zip(*[iter(EXECUTION.pairs(30, seed=1, wording="modular"))] * 3, strict=True):
        assert own.base.cot is None
        assert right.base.cot.endswith(f"= {right.base.answer}.")
        assert wrong.base.values[0] != right.base.values[0]
        start, *_ = re.findall(r"\d", right.base.question)
        doing = re.findall(r"(add|take|times) (\d)", right.base.question)
        rest = Chained(wrong.base.values[0], *zip(*((name, int(number)) for name, number in doing[1:]), strict=True))
        assert wrong.base.values[1:] == rest.values
        assert right.base.cot.startswith(start)
