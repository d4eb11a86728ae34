import re
import subprocess
import sys
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from mediate.errors import InputError
from mediate.tasks import gsm_symbolic_pairs
from mediate.tasks.gsm_symbolic import _equations, _holds, _sound

SOME = [0, 13, 53, 75, 99]


def test_worlds_are_one_text_up_to_digits() -> None:
    for pair in gsm_symbolic_pairs(15, templates=SOME):
        for base, source in zip(
            (pair.base.question, pair.base.cot, pair.base.answer),
            (pair.source.question, pair.source.cot, pair.source.answer),
            strict=True,
        ):
            assert base is not None
            assert source is not None
            assert re.sub("[0-9]", "#", base) == re.sub("[0-9]", "#", source)
        assert pair.base.question != pair.source.question
        assert pair.base.answer != pair.source.answer
        assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", pair.base.answer)


def test_the_reasoning_ends_before_the_marked_answer() -> None:
    for pair in gsm_symbolic_pairs(10, templates=SOME):
        for item in (pair.base, pair.source):
            assert item.cot is not None
            assert item.cot == item.cot.strip()
            assert "####" not in item.cot
            assert item.answer in item.cot.replace(",", "").splitlines()[-1]
    assert all(pair.base.cot is None for pair in gsm_symbolic_pairs(5, templates=SOME, with_cot=False))


def test_questions_are_the_package_s_own() -> None:
    from reasoning_gym.arithmetic.gsm_symbolic.generators_00_49 import generate_13

    (pair,) = gsm_symbolic_pairs(1, templates=[13])
    drawn = {generate_13(Random(seed), 1.0)["question"] for seed in range(3000)}
    assert {pair.base.question, pair.source.question} & drawn


def test_ids_groups_and_stability() -> None:
    made = gsm_symbolic_pairs(12, seed=3, templates=SOME)
    assert [pair.id for pair in made[:6]] == [
        "gsm_symbolic-0-0000",
        "gsm_symbolic-13-0001",
        "gsm_symbolic-53-0002",
        "gsm_symbolic-75-0003",
        "gsm_symbolic-99-0004",
        "gsm_symbolic-0-0005",
    ]
    assert {pair.group for pair in made} == {f"gsm_symbolic-{number}" for number in SOME}
    assert gsm_symbolic_pairs(5, seed=3, templates=SOME) == made[:5]
    assert gsm_symbolic_pairs(5, seed=4, templates=SOME) != made[:5]


def test_no_question_comes_twice() -> None:
    assert len({pair.base.question for pair in gsm_symbolic_pairs(60, templates=[53])}) == 60


def test_drawing_leaves_the_global_generator_alone() -> None:
    # In a process of its own: the run-time type checks of the tests draw from the global generator.
    code = (
        "import random; from mediate.tasks import gsm_symbolic_pairs; random.seed(0); before = random.getstate();"
        "gsm_symbolic_pairs(3, templates=[0]); print(random.getstate() == before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("terms", "result", "true"),
    [
        ("3 + 4", "7", True),
        ("3 + 4 * 5", "23", True),
        ("30 - 4 - 6", "20", True),
        ("30 / 4 × 2", "15", True),
        ("10/3", "3.33", True),
        ("10/3", "3", False),
        ("48 * 0.3333333333333333", "16", True),
        ("7*0.5", "3", False),
        ("39.91 - 24.91", "14", False),
        ("3/0", "3", False),
    ],
)
def test_equations_are_checked_exactly(terms: str, result: str, true: bool) -> None:
    assert _holds(terms, result) is true


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("so $1,000 x 7/100 = $70.", [("1000 x 7/100", "70")]),
        ("10*0.5=5 tubes and 18*3.0=54", [("10*0.5", "5"), ("18*3.0", "54")]),
        ("52 rooms - 2 + 4 = 54", []),
        ("(3 + 4) * 5 = 35", []),
        ("2 / 4 = 50.0%", []),
        ("2 + 3 = 4 + 1", []),
        ("12÷1/2=24", []),
    ],
)
def test_only_equations_that_stand_by_themselves_are_checked(text: str, found: list[tuple[str, str]]) -> None:
    assert list(_equations(text)) == found


def test_draws_with_false_reasoning_are_passed_over() -> None:
    from reasoning_gym.arithmetic.gsm_symbolic.generators_50_99 import generate_75

    assert not all(_sound(generate_75(Random(seed), 1.0)) for seed in range(20))
    for pair in gsm_symbolic_pairs(10, templates=[75]):
        for item in (pair.base, pair.source):
            yellow, blue = (int(number) for number in re.findall("[0-9]+", item.question)[:2])
            assert 2 * int(item.answer) == yellow + 6 * blue  # half as many, and three times as many


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": 1, "seed": -1}, "seed -1"),
        ({"n": 1, "tries": 1}, "tries 1"),
        ({"n": 1, "templates": [32]}, "template 32"),
        ({"n": 1, "templates": [100]}, "template 100"),
        ({"n": 1, "templates": []}, "no templates"),
        ({"n": 1, "templates": [93], "tries": 5}, "5 draws"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], said: str) -> None:
    make: Callable[..., object] = gsm_symbolic_pairs
    with pytest.raises(InputError, match=said):
        make(**options)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(InputError, match=r"mediate\[tasks\]"):
        gsm_symbolic_pairs(1)
