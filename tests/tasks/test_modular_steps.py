"""Every chain of the task keeps to its rules, and after any slip the later steps still do."""

from mediate.pairs.recomputed import Slip
from mediate.tasks.modular import modular_pairs
from mediate.tasks.modular_steps import MODULO_TEN
from mediate.tasks.worded_pairs import worded_pairs


def test_every_chain_keeps_to_the_rules_and_another_does_not() -> None:
    for pair in modular_pairs(12, seed=3):
        assert MODULO_TEN.holds(str(pair.base.cot))
        assert not MODULO_TEN.holds(f"{pair.base.cot} And so on.")
    assert not MODULO_TEN.holds("3 + 4 = 8.")
    assert not MODULO_TEN.holds("3 + 4 = 7. 8 + 1 = 9.")


def test_the_steps_after_a_slip_are_those_of_the_problem_with_that_start() -> None:
    for pair in modular_pairs(12, seed=4, steps=(3, 5)):
        steps = str(pair.base.cot).split(". ")
        right, wrong = steps[0][-1], str((int(steps[0][-1]) + 3) % 10)
        before, after = f"{steps[0][:-1]}{wrong}.", " " + ". ".join(steps[1:])
        said = MODULO_TEN.recompute(Slip(pair.base.question, before, after, right, wrong))
        assert MODULO_TEN.holds(said.strip())
        assert said.strip()[0] == wrong
        assert said != after


def test_what_a_chain_is_compared_with_stays_after_a_slip() -> None:
    """Yes and no are read off the difference at the end, which follows from the slip as any other step does."""
    for pair in worded_pairs(12, seed=5, steps=3, vary=["asked=yes_no"]):
        before, after = str(pair.base.cot).split(". ", 1)
        right, wrong = before[-1], str((int(before[-1]) + 3) % 10)
        said = MODULO_TEN.recompute(Slip(pair.base.question, f"{before[:-1]}{wrong}.", f" {after}", right, wrong))
        assert MODULO_TEN.holds(said.strip())
        *_, claimed, _, left = said.strip(".").split()
        assert f"Is it {claimed}?" in pair.base.question
        assert left != str(pair.base.values[-1])
