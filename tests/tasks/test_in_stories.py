"""Families as word problems: one thing different, every statement true but those that are meant to be wrong."""

import re
from fractions import Fraction

import pytest

from mediate.pairs import Pair
from mediate.tasks.constraint import CONSTRAINT
from mediate.tasks.decoupling import DECOUPLING
from mediate.tasks.distance import DISTANCE
from mediate.tasks.execution import EXECUTION
from mediate.tasks.in_stories import BLANK_PEOPLE, BLANK_THINGS
from mediate.tasks.leaky import AWAY, LEAKY
from mediate.tasks.length import LENGTH
from mediate.tasks.problems import generate_pairs
from mediate.tasks.task import Task
from mediate.tasks.templates import PEOPLE

PROBLEMS = 45
EQUATION = re.compile(r"((?:\(?\d+ [-+x/] \(?\d+\)?)(?: [-+x/] \d+)?\)?) = \[?(\d+)\]?")


def made(task: Task) -> list[dict[str, Pair]]:
    """By problem, the pair under each condition."""
    found: dict[str, dict[str, Pair]] = {}
    count = len({pair.condition for pair in task.pairs(9, wording="problems")})
    for pair in task.pairs(PROBLEMS * count, seed=1, wording="problems"):
        found.setdefault(pair.group, {})[pair.condition] = pair
    assert len(found) == PROBLEMS
    assert all(len(each) == count for each in found.values())
    return list(found.values())


def equations(chain: str) -> list[tuple[Fraction, int]]:
    """What each equation of a chain works out to, and what it states."""
    found = EQUATION.findall(chain)
    assert len(found) == chain.count("=")
    worked = [eval(re.sub(r"(\d+)", r"Fraction(\1)", left.replace("x", "*"))) for left, _ in found]  # noqa: S307
    return [(worth, int(stated)) for worth, (_, stated) in zip(worked, found, strict=True)]


def stated(chain: str) -> list[int]:
    """What a chain of true equations states."""
    found = equations(chain)
    assert all(worth == said for worth, said in found)
    return [said for _, said in found]


def test_problems_are_those_of_the_word_problems() -> None:
    plain = generate_pairs(20, seed=1, steps=(2, 5))
    for pair, group in zip(plain, made(DISTANCE), strict=False):
        none = group["none"]
        assert (none.base, none.source) == (pair.base, pair.source)


def test_names_change_and_numbers_do_not() -> None:
    for group in made(DECOUPLING):
        assert list(group) == ["usual names", "nonsense nouns", "symbols"]
        usual, nonsense, symbols = group.values()
        for other in (nonsense, symbols):
            assert other.base.values == usual.base.values
            assert other.base.answer == usual.base.answer
            assert re.findall(r"\d+", other.base.question) == re.findall(r"\d+", usual.base.question)
            assert not re.search(rf"\b({'|'.join(PEOPLE)})\b", other.base.question + other.base.cot)
        assert any(name in nonsense.base.question for name in (*BLANK_PEOPLE, *BLANK_THINGS))
        assert "Z" in symbols.base.question


def test_a_clause_makes_another_answer_right_in_both_worlds() -> None:
    clauses = set()
    for without, with_it in (group.values() for group in made(CONSTRAINT)):
        for item, plain in ((with_it.base, without.base), (with_it.source, without.source)):
            clause = re.search(r"Unless the first number is (odd|even), (\d) (more|are)", item.question)
            first = int(re.search(r"\d+", item.question)[0])
            assert (first % 2 == 1) == (clause[1] == "even")
            added = int(clause[2]) * (1 if clause[3] == "more" else -1)
            assert int(item.answer) == int(plain.answer) + added
            assert item.cot.startswith(plain.cot)
            assert stated(item.cot)[-1] == int(item.answer)
            assert f"The first number is {first}, which is {'odd' if first % 2 else 'even'}." in item.cot
            clauses.add(clause[3])
        assert with_it.base.answer not in (without.base.answer, without.source.answer)
    assert clauses == {"more", "are"}


def test_lengths_are_crossed_at_the_same_content() -> None:
    fewer = 0
    for group in made(LENGTH):
        assert len({(pair.base.question, pair.base.answer) for pair in group.values()}) == 1
        assert len({pair.base.cot for pair in group.values()}) == 8
        for condition, pair in group.items():
            values = stated(pair.base.cot)
            restated = re.findall(r"So it is (\d+)\.", pair.base.cot)
            assert len(restated) == (len(values) if "restated" in condition else 0)
            assert ("Check:" in pair.base.cot) == ("checked" in condition)
            last = -2 if "checked" in condition else -1
            assert values[last] == int(pair.base.answer)
        one, two = (len(stated(group[f"{together} a step, plain"].base.cot)) for together in (1, 2))
        assert one / 2 <= two < one
        fewer += two == one / 2
        assert not re.search("[A-Z]", group["1 a step, terse"].base.cot)
    assert fewer


def test_sentences_stand_where_they_should() -> None:
    for group in made(DISTANCE)[:5]:
        for condition, pair in group.items():
            asides = [len(re.findall(r"The \w+ is \w+\.", text)) for text in (pair.base.question, pair.base.cot)]
            count = int(condition.split()[0]) if condition != "none" else 0
            assert asides == ([count, 0] if condition.endswith("before") else [0, count])


def test_results_are_own_right_or_wrong() -> None:
    for group in made(EXECUTION):
        right, own, wrong = group.values()
        assert own.base.cot is own.source.cot is None
        assert stated(right.base.cot)[-1] == int(right.base.answer) == int(wrong.base.answer)
        for item in (wrong.base, wrong.source):
            first, *rest = equations(item.cot)
            assert first[0] != first[1]
            assert all(worth == said for worth, said in rest)
            assert min(item.values) > 0
            assert str(item.values[-1]) not in (right.base.answer, right.source.answer)
            assert item.cot.count("[") == len(item.values)
        assert [len(str(each)) for each in wrong.base.values] == [len(str(each)) for each in wrong.source.values]


def test_what_leaks_or_misleads_is_as_it_is_called() -> None:
    for group in made(LEAKY):
        plain, right, wrong, answer, chain = group.values()
        hints = {name: re.findall(r"Hint: the answer is (\d+)", pair.base.question) for name, pair in group.items()}
        assert [len(each) for each in hints.values()] == [0, 1, 1, 0, 0]
        assert hints["right hint"] == [right.base.answer]
        others = re.findall(r"\d+", plain.base.question + plain.base.cot + plain.source.question + plain.source.cot)
        assert hints["wrong hint"][0] not in others
        assert wrong.source.question.endswith(f"{hints['wrong hint'][0]}.")
        apart = int(answer.base.answer) - int(plain.base.answer)
        assert apart in (AWAY, AWAY + 1)
        assert {answer.base.answer, answer.source.answer}.isdisjoint({plain.base.answer, plain.source.answer})
        assert answer.base.cot == plain.base.cot
        assert chain.base.answer == plain.base.answer
        *before, last = equations(chain.base.cot)
        assert all(worth == said for worth, said in before)
        assert last[0] != last[1]


@pytest.mark.parametrize(
    "task", [DECOUPLING, CONSTRAINT, LENGTH, DISTANCE, EXECUTION, LEAKY], ids=lambda task: task.name
)
def test_a_larger_number_only_appends(task: Task) -> None:
    assert task.pairs(40, seed=2, wording="problems")[:7] == task.pairs(7, seed=2, wording="problems")
