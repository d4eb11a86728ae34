"""Chains modulo 10: arithmetic, what a pair keeps, what is held out, and bad arguments."""

import re
from itertools import islice

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.tasks.modular import MODULUS, Chained, Hint, draw_problems, modular_pairs

SUM = re.compile(r"(\d) ([+x-]) (\d+) = (\d)\.")


def test_the_worked_example_of_the_module() -> None:
    problem = Chained(3, ("add", "times", "take"), (4, 7, 2))
    assert problem.values == (7, 9, 7)
    assert problem.question(5) == "Start 3, add 4, times 7, take 2. Hint 5."
    assert problem.chain() == "3 + 4 = 7. 7 x 7 = 9. 9 - 2 = 7."


def test_every_step_of_every_chain_is_true_and_follows_from_the_one_before() -> None:
    for pair in modular_pairs(60, seed=3):
        for item in (pair.base, pair.source):
            assert item.cot is not None
            sums = SUM.findall(item.cot)
            assert len(sums) == len(item.values)
            value = re.findall(r"Start (\d)", item.question)[0]
            for left, sign, right, result in sums:
                assert left == value
                wanted = {"+": int(left) + int(right), "-": int(left) - int(right), "x": int(left) * int(right)}[sign]
                assert wanted % MODULUS == int(result)
                value = result
            assert item.answer == value


def test_worlds_differ_in_one_number_and_the_hint() -> None:
    for hint in Hint:
        for pair in modular_pairs(30, seed=1, hint=hint):
            (*base, base_hint), (*source, source_hint) = (
                re.findall(r"\d", item.question) for item in (pair.base, pair.source)
            )
            assert sum(one != other for one, other in zip(base, source, strict=True)) == 1
            assert pair.base.answer != pair.source.answer
            if hint is Hint.ANSWER:
                assert (base_hint, source_hint) == (pair.base.answer, pair.source.answer)
            if hint is Hint.WRONG:
                assert base_hint == source_hint
                assert base_hint not in (pair.base.answer, pair.source.answer)


def test_every_place_is_changed_about_as_often() -> None:
    places = np.zeros(4)
    for pair in modular_pairs(400, steps=3, seed=5, hint=Hint.WRONG):
        base, source = (re.findall(r"\d", item.question)[:4] for item in (pair.base, pair.source))
        places += [one != other for one, other in zip(base, source, strict=True)]
    # 100 each; four binomial standard deviations are 35
    assert abs(places - 100).max() < 35


def test_pairs_are_held_out_of_training_and_larger_sets_only_append() -> None:
    trained = set(islice(draw_problems(np.random.default_rng(0), 2, held_out=False), 20_000))
    assert not any(problem.held_out for problem in trained)
    asked = {pair.base.question.partition(" Hint")[0] for pair in modular_pairs(50, steps=2)}
    assert not asked & {problem.question(0).partition(" Hint")[0] for problem in trained}
    assert modular_pairs(12)[:5] == modular_pairs(5)
    assert modular_pairs(5, seed=1) != modular_pairs(5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": 3, "steps": 9}, "steps is 9"),
        ({"n": 3, "steps": (4, 2)}, "steps is"),
        ({"n": 3, "hint": "none"}, "answer, random, wrong"),
        ({"n": 2000, "steps": 1}, r"there are \d+ pairs of 1 to 1 steps; ask for no more, or for more steps"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        modular_pairs(**arguments)  # type: ignore[arg-type]


def test_longer_chains_are_drawn_once_short_ones_are_used_up() -> None:
    made = modular_pairs(90, steps=(1, 2))
    assert len({pair.base.question.partition(" Hint")[0] for pair in made}) == 90
    short = [pair for pair in made if pair.base.question.count(",") == 1]
    with pytest.raises(InputError, match="there are") as error:
        modular_pairs(90, steps=1)
    assert len(short) == int(str(error.value).split("there are ")[1].split()[0]), "as many as there are, and no more"
    assert made[:10] == modular_pairs(10, steps=(1, 2))


def test_problems_that_are_not_held_out_are_others() -> None:
    kept, trained = modular_pairs(30), modular_pairs(30, held_out=False)
    asked = [{pair.base.question.partition(" Hint")[0] for pair in pairs} for pairs in (kept, trained)]
    assert not asked[0] & asked[1]


def test_a_wrong_result_is_gone_on_from() -> None:
    problem = Chained(3, ("add", "times", "take"), (4, 7, 2))
    assert problem.stated() == (3, 7, 9, 7)
    assert problem.stated((0, 1)) == (3, 8, 6, 4)
    assert problem.stated((1, 5)) == (3, 7, 4, 2)
    assert problem.stated((2, 9)) == problem.stated((5, 9)) == (3, 7, 9, 6)
