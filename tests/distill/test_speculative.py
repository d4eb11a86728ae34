"""The rule over five tokens, branch by branch, and how often it takes each token."""

import math

import numpy as np
import pytest
import torch

from mediate.distill.speculative import Decided, SpeculativeRule, decide
from mediate.distill.vocabularies import Shared

SAME = Shared(torch.arange(5), torch.arange(5), 1.0)
PLAIN = SpeculativeRule(top=5, likely=0.01, trials=5, temperature=1.0, top_p=1.0)
# The teacher's cumulative probabilities are 0.5, 0.75, 0.9, 0.98, 1.
TEACHER = [0.5, 0.25, 0.15, 0.08, 0.02]


def logits(probabilities: list[float]) -> torch.Tensor:
    return torch.tensor([[math.log(each) if each else -1e4 for each in probabilities]])


def decided(
    teacher: list[float],
    student: list[float],
    uniform: list[float],
    rule: SpeculativeRule = PLAIN,
    shared: Shared = SAME,
) -> tuple[int, int]:
    found = decide(logits(teacher), logits(student), shared, torch.tensor([uniform], dtype=torch.float64), rule)
    return int(found.token), int(found.draw)


def test_accepted_at_once() -> None:
    assert decided(TEACHER, [0.2] * 5, [0.6, 0, 0, 0, 0, 0]) == (1, 1)


def test_accepted_at_the_third_draw() -> None:
    # The student thinks nothing of the first two proposals.
    assert decided(TEACHER, [0.005, 0.005, 0.9, 0.05, 0.04], [0.1, 0.6, 0.8, 0.1, 0.1, 0]) == (2, 3)


def test_the_student_draws_after_five() -> None:
    student = [0.004, 0.004, 0.002, 0.5, 0.49]
    draws = [0.1, 0.6, 0.8, 0.1, 0.6]
    assert decided(TEACHER, student, [*draws, 0.2]) == (3, 0)
    assert decided(TEACHER, student, [*draws, 0.7]) == (4, 0)


def test_a_token_outside_of_the_students_likeliest_is_not_accepted() -> None:
    student = [0.3, 0.25, 0.2, 0.15, 0.1]
    narrow = SpeculativeRule(top=2, likely=0.01, trials=1, temperature=1.0, top_p=1.0)
    # The teacher's two likeliest are tokens 4 and 3, which are not among the student's two.
    assert decided(TEACHER[::-1], student, [0.0, 0.1], narrow) == (0, 0)
    wide = SpeculativeRule(top=5, likely=0.01, trials=1, temperature=1.0, top_p=1.0)
    assert decided(TEACHER[::-1], student, [0.0, 0.1], wide) == (4, 1)


def test_a_token_that_the_student_lacks_is_not_proposed_and_one_that_the_teacher_lacks_not_drawn() -> None:
    shared = Shared(torch.tensor([-1, 1, 2, 3, 4]), torch.tensor([-1, 1, 2, 3, 4]), 0.8)
    # Of what is left the teacher's second has half the probability: 0.25 of 0.5.
    assert decided(TEACHER, [0.2] * 5, [0.49, 0, 0, 0, 0, 0], shared=shared) == (1, 1)
    assert decided(TEACHER, [0.2] * 5, [0.51, 0, 0, 0, 0, 0], shared=shared) == (2, 1)
    student = [0.985, 0.006, 0.004, 0.003, 0.002]
    assert decided(TEACHER, student, [0.1] * 5 + [0.0], shared=shared) == (1, 0)


def test_where_none_is_shared_there_is_no_token() -> None:
    nothing = Shared(torch.full((5,), -1), torch.full((5,), -1), 0.0)
    assert decided(TEACHER, [0.2] * 5, [0.5] * 6, shared=nothing) == (-1, 0)


def test_other_numbers_for_the_same_tokens() -> None:
    # The teacher's token 0 is the student's 4, and so on backwards.
    turned = Shared(torch.arange(4, -1, -1), torch.arange(4, -1, -1), 1.0)
    assert decided(TEACHER, [0.2] * 5, [0.1, 0, 0, 0, 0, 0], shared=turned) == (4, 1)


def test_a_nucleus_leaves_out_what_is_behind_it() -> None:
    rule = SpeculativeRule(top=5, likely=0.0, trials=1, temperature=1.0, top_p=0.7)
    # Of 0.5 and 0.25, renormalised: up to 2/3 the first.
    assert decided(TEACHER, [0.2] * 5, [0.66, 0], rule) == (0, 1)
    assert decided(TEACHER, [0.2] * 5, [0.67, 0], rule) == (1, 1)
    assert decided(TEACHER, [0.2] * 5, [0.999999, 0], rule) == (1, 1)


def test_the_probability_that_counts_is_not_tempered() -> None:
    cold = SpeculativeRule(top=5, likely=0.01, trials=1, temperature=0.1, top_p=1.0)
    assert decided([0.02, 0.9, 0.02, 0.03, 0.03], [0.9, 0.02, 0.02, 0.03, 0.03], [0.5, 0.5], cold) == (1, 1)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_tokens_come_as_often_as_worked_out_by_hand(temperature: float) -> None:
    student = np.array([0.005, 0.6, 0.005, 0.3, 0.09])
    rule = SpeculativeRule(top=5, likely=0.01, trials=2, temperature=temperature, top_p=1.0)
    count = 20_000
    uniform = torch.from_numpy(np.random.default_rng(0).random((count, 3)))
    found: Decided = decide(
        logits(TEACHER).expand(count, -1), logits(student.tolist()).expand(count, -1), SAME, uniform, rule
    )

    def tempered(probabilities: np.ndarray) -> np.ndarray:
        powers = probabilities ** (1 / temperature)
        return np.asarray(powers / powers.sum())

    proposed, own = tempered(np.array(TEACHER)), tempered(student)
    fits = student >= 0.01
    passed = float(proposed[fits].sum())
    wanted_draws = [(1 - passed) ** 2, passed, (1 - passed) * passed]
    accepted = np.where(fits, proposed, 0) * (1 + (1 - passed))
    wanted = accepted + (1 - passed) ** 2 * own
    for value, expected in [*enumerate(wanted)]:
        rate = float((found.token == value).double().mean())
        assert abs(rate - expected) < 3 * math.sqrt(expected * (1 - expected) / count), value
    for draw, expected in enumerate(wanted_draws):
        rate = float((found.draw == draw).double().mean())
        assert abs(rate - expected) < 3 * math.sqrt(expected * (1 - expected) / count), draw
