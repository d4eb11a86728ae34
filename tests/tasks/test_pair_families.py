"""Families: every problem under every condition, one thing different, and answers that are known."""

import re
from collections import Counter

import pytest

from mediate.errors import InputError
from mediate.pairs import Pair
from mediate.tasks import TASKS
from mediate.tasks.constraint import CONSTRAINT
from mediate.tasks.decoupling import DECOUPLING
from mediate.tasks.distance import DISTANCE
from mediate.tasks.execution import EXECUTION
from mediate.tasks.leaky import AWAY, LEAKY
from mediate.tasks.length import LENGTH
from mediate.tasks.novelty import NOVELTY
from mediate.tasks.task import Task

FAMILIES = {each.name: each for each in (CONSTRAINT, DECOUPLING, DISTANCE, EXECUTION, LEAKY, LENGTH, NOVELTY)}
ACROSS = [name for name in FAMILIES if name != "novelty"]


def made(task: Task, problems: int = 12, **how: object) -> dict[str, dict[str, Pair]]:
    """By group, the pair under each condition."""
    count = len(dict.fromkeys(each.condition for each in task.pairs(9)))
    found: dict[str, dict[str, Pair]] = {}
    for pair in task.pairs(problems * count, seed=1, **how):
        found.setdefault(pair.group, {})[pair.condition] = pair
    return found


def results(chain: str) -> list[int]:
    """What a chain in signs states, recomputed: each equation must hold modulo 10."""
    stated = []
    for left, sign, right, result in re.findall(r"(\d) ([-+x]) (\d) = \[?(\d)", chain):
        assert eval(f"{left}{sign.replace('x', '*')}{right}") % 10 == int(result)  # noqa: S307
        stated.append(int(result))
    return stated


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_listed_and_a_larger_number_only_appends(name: str) -> None:
    task = FAMILIES[name]
    assert task in TASKS
    few, many = task.pairs(7, seed=2), task.pairs(30, seed=2)
    assert many[:7] == few
    assert len({pair.id for pair in many}) == 30
    assert all(pair.condition for pair in many)
    assert all(item.cot is None for pair in task.pairs(9, with_cot=False) for item in (pair.base, pair.source))
    with pytest.raises(InputError, match=f"{name}: n is 0"):
        task.pairs(0)


@pytest.mark.parametrize("name", ACROSS)
def test_a_problem_stands_under_every_condition(name: str) -> None:
    groups = made(FAMILIES[name])
    conditions = list(next(iter(groups.values())))
    assert len(groups) == 12
    assert all(list(each) == conditions for each in groups.values())
    assert len({pair.base.question.partition("Start ")[2][:1] for pair in groups.popitem()[1].values()}) == 1


def test_names_change_and_nothing_else() -> None:
    for group in made(DECOUPLING).values():
        usual, defined, redefined = group.values()
        assert usual.base.cot == defined.base.cot == redefined.base.cot
        assert usual.base.answer == defined.base.answer == redefined.base.answer
        assert re.search(r"Let (blick|dax|fep|wug) be", defined.base.question)
        assert re.search(r"Let (add|take|times) be (?!\1)", redefined.base.question)
        assert "Let" not in usual.base.question


def test_the_clause_makes_another_answer_right() -> None:
    for group in made(CONSTRAINT, 40).values():
        without, with_it = group.values()
        assert with_it.base.question.startswith(without.base.question)
        parity = re.search(r"Unless the start is (odd|even)", with_it.base.question)[1]
        start = int(re.search(r"Start (\d)", with_it.base.question)[1])
        assert (start % 2 == 1) == (parity == "even")
        assert without.base.answer != with_it.base.answer
        assert with_it.base.cot.startswith(without.base.cot)
        assert results(with_it.base.cot)[-1] == int(with_it.base.answer)


def test_lengths_are_crossed_at_the_same_content() -> None:
    for group in made(LENGTH).values():
        assert len(group) == 8
        assert len({(pair.base.question, pair.base.answer) for pair in group.values()}) == 1
        assert len({pair.base.cot for pair in group.values()}) == 8
        assert group["1 a step, checked"].base.cot.count("check") == len(results(group["1 a step, plain"].base.cot))


def test_sentences_stand_where_they_should() -> None:
    for group in made(DISTANCE).values():
        for condition, pair in group.items():
            asides = [text.count("The ") for text in (pair.base.question, pair.base.cot)]
            count = int(condition.split()[0]) if condition != "none" else 0
            assert asides == ([count, 0] if condition.endswith("before") else [0, count])
        assert group["8 before"].base.question.startswith(group["2 before"].base.question)


def test_results_are_own_right_or_wrong() -> None:
    for group in made(EXECUTION, 30).values():
        right, own, wrong = group.values()
        assert own.base.cot is own.source.cot is None
        assert results(right.base.cot)[-1] == int(right.base.answer) == int(wrong.base.answer)
        stated = [int(each) for each in re.findall(r"\[(\d)\]", wrong.base.cot)]
        true = [int(each) for each in re.findall(r"\[(\d)\]", right.base.cot)]
        assert stated[0] != true[0]
        # What follows the wrong one goes on from it.
        assert results(wrong.base.cot.partition(". ")[2]) == stated[1:]
        assert re.findall(r"(?<=\. )\d", wrong.base.cot) == [str(each) for each in stated[:-1]]


def test_what_leaks_or_misleads_is_as_it_is_called() -> None:
    for group in made(LEAKY, 30).values():
        plain, right, wrong, answer, chain = group.values()
        hints = {name: re.findall(r"Hint (\d)", pair.base.question) for name, pair in group.items()}
        assert [len(each) for each in hints.values()] == [0, 1, 1, 0, 0]
        assert hints["right hint"] == [right.base.answer]
        assert hints["wrong hint"][0] not in (wrong.base.answer, wrong.source.answer)
        assert int(answer.base.answer) == (int(plain.base.answer) + AWAY) % 10
        assert answer.base.cot == plain.base.cot
        assert chain.base.answer == plain.base.answer
        stated = [re.findall(r"= (\d)", pair.base.cot) for pair in (plain, chain)]
        assert stated[0][:-1] == stated[1][:-1]
        assert stated[0][-1] != stated[1][-1]


def test_novelty_is_of_other_problems_at_the_same_lengths() -> None:
    pairs = NOVELTY.pairs(36, seed=1)
    assert Counter(pair.condition for pair in pairs) == {"seen": 12, "held out": 12, "unseen length": 12}
    lengths = {
        name: [len(results(pair.base.cot)) for pair in pairs if pair.condition == name]
        for name in ("seen", "held out", "unseen length")
    }
    assert lengths["seen"] == lengths["held out"]
    assert min(lengths["unseen length"]) == 6
    assert len({pair.base.question.partition(" Hint")[0] for pair in pairs}) == 36
    assert len({pair.group for pair in pairs}) == 36
