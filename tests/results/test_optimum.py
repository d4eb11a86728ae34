"""The best length: found where there is one, refused with the reason where there is none."""

from collections.abc import Mapping

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.results import Measured
from mediate.results.optimum import STEPS, TOKENS, LengthLine, length_lines, line_of, optimum_of, optimum_table
from mediate.results.told import Told
from mediate.stats.accumulation import Accumulation, accuracy, best_steps
from mediate.tasks.length import LENGTH

EACH = LengthLine("", ("1 a step", "2 a step", "4 a step"), STEPS)


def item(group: str, condition: str, right: bool | None, steps: int, more: int = 1) -> Measured:
    """One whose chain has so many steps, and in each of them `more` tokens beyond one."""
    said = None if right is None else "7" if right else "8"
    tokens = [step for step in range(steps) for _ in range(1 + more)]
    told = Told("question", "7", tuple("x" for _ in tokens), tuple(tokens), None, False, said)
    return Measured(f"{group}-{condition}", group, told, condition=condition)


def made(rates: Mapping[str, float], problems: int = 60, seed: int = 0) -> list[Measured]:
    """Of each condition, so many operations a step: problems of 8 operations, right as often as it says."""
    rng = np.random.default_rng(seed)
    return [
        item(f"p{number}", name, bool(rng.random() < rate), 8 // int(name.split()[0]))
        for number in range(problems)
        for name, rate in rates.items()
    ]


def test_lengths_are_known_by_name_and_crossed_ones_are_varied_in_turn() -> None:
    names = tuple(dict.fromkeys(pair.condition for pair in LENGTH.pairs(8)))
    lines = length_lines(names)
    assert [(each.at, each.by, len(each.conditions)) for each in lines] == [
        *((verbosity, STEPS, 2) for verbosity in ("plain", "terse", "restated", "checked")),
        ("1 a step", TOKENS, 4),
        ("2 a step", TOKENS, 4),
    ]
    assert lines[1].conditions == ("1 a step, terse", "2 a step, terse")
    assert length_lines(("2 steps", "10 steps")) == (LengthLine("", ("2 steps", "10 steps"), STEPS),)
    assert length_lines(("50 tokens", "80 tokens"))[0].by == TOKENS
    for none in (("none", "1 before"), ("no hint", "right hint"), ("2 steps",), ()):
        assert not length_lines(none)


def test_the_best_is_the_length_with_the_most_right_answers() -> None:
    found = optimum_of(made({"1 a step": 0.5, "2 a step": 0.95, "4 a step": 0.2}), EACH)
    assert found.lengths == (8.0, 4.0, 2.0)
    assert (found.best.value, found.best.low, found.best.high) == (4.0, 4.0, 4.0)
    assert found.best.groups == 60
    assert [each.value for each in found.right] == pytest.approx([0.5, 0.95, 0.2], abs=0.1)
    closer = optimum_of(made({"1 a step": 0.85, "2 a step": 0.9, "4 a step": 0.2}), EACH)
    assert (closer.best.low, closer.best.high) == (4.0, 8.0)


def test_tokens_count_where_they_are_asked_for() -> None:
    items = [
        item(f"p{number}", name, right=name == "short" or number % 3 == 0, steps=3, more=more)
        for number in range(30)
        for name, more in (("short", 1), ("long", 9))
    ]
    found = optimum_of(items, line_of(items, ("short", "long"), TOKENS))
    assert found.lengths == (6.0, 30.0)
    assert found.best.value == 6.0
    assert found.predicted is None
    same = optimum_of(items, line_of(items, ("short", "long"), STEPS))
    assert same.best.reason == "the chains are of one length under all conditions (3)"


def test_there_is_no_best_where_accuracy_is_flat() -> None:
    for found, reason in (
        (
            made({"1 a step": 1.0, "2 a step": 1.0, "4 a step": 1.0}),
            r"as many answers are right at each length \(100%\)",
        ),
        (made({"1 a step": 0.8, "2 a step": 0.8, "4 a step": 0.75}, seed=2), "do not differ by more than chance"),
        (made({"1 a step": 0.0, "2 a step": 1.0, "4 a step": 0.0}, problems=1), "too few groups"),
        (
            [item("p", name, None, 3) for name in EACH.conditions],
            "the model's own answers were not asked for under each condition",
        ),
    ):
        optimum = optimum_of(found, EACH)
        assert not optimum.best.defined
        with pytest.raises(AssertionError, match=reason):
            raise AssertionError(optimum.best.reason)
        assert optimum.predicted.reason == optimum.best.reason


def test_the_formula_is_fitted_beside_it() -> None:
    true, rng, items = Accumulation(0.98, 0.01, 0.08), np.random.default_rng(1), []
    for number in range(240):
        operations = (4, 8, 12)[number % 3]
        for name in EACH.conditions:
            steps = operations // int(name.split()[0])
            right = accuracy(true, np.array([float(operations)]), np.array([float(steps)]))[0]
            items.append(item(f"p{number}", name, bool(rng.random() < right), steps))
    found = optimum_of(items, EACH).predicted
    wanted = best_steps(true, np.array([4.0, 8.0, 12.0])).mean()
    assert found.low < wanted < found.high
    assert found.value == pytest.approx(wanted, rel=0.3)
    assert found.low < found.value < found.high


def test_the_formula_needs_lengths_of_the_same_problems() -> None:
    few = optimum_of(made({"1 a step": 0.5, "2 a step": 0.95}), LengthLine("", EACH.conditions[:2], STEPS))
    assert few.best.defined
    assert few.predicted.reason == "the formula has 3 parameters, and there are 2 lengths of problems"
    apart = [
        item(f"{name}-{number}", name, number % 5 < steps // 2, steps)
        for number in range(40)
        for name, steps in zip(EACH.conditions, (8, 4, 2), strict=True)
    ]
    assert "no problem stands under two lengths" in optimum_of(apart, EACH).predicted.reason


def test_the_table_has_a_row_a_line() -> None:
    items = made({"1 a step": 0.5, "2 a step": 0.95, "4 a step": 0.2})
    flat = LengthLine("flat", ("1 a step", "2 a step"), TOKENS)
    table = optimum_table([optimum_of(items, EACH), optimum_of(items, flat)])
    assert list(table["by"]) == [STEPS, TOKENS]
    assert table["best"][0] == 4.0
    assert table["best_low"][0] <= 4.0 <= table["best_high"][0]
    assert np.isnan(table["predicted"][1])
    assert table["n"][0] == 180


def test_a_line_that_is_not_there_is_refused_with_what_is() -> None:
    items = made({"1 a step": 0.5, "2 a step": 0.95})
    with pytest.raises(InputError, match=r"optimum: no condition 'short'; there are '1 a step', '2 a step'"):
        line_of(items, ("short", "1 a step"), STEPS)
    with pytest.raises(InputError, match="give two conditions or more"):
        line_of(items, ("1 a step",), STEPS)
    with pytest.raises(InputError, match="no length in 'words'; give steps or tokens"):
        line_of(items, ("1 a step", "2 a step"), "words")
