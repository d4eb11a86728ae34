"""Factors: each setting changes what it says and nothing else, and is drawn as often as its share says."""

from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest

from mediate.tasks.factors import FACTORS, varied
from mediate.tasks.modular import draw_problems
from mediate.tasks.worded import Telling, Verbosity, Worded

# The fields that a factor changes, of a problem or of its telling.
CHANGED = {
    "names": {"names"},
    "clause": {"unless"},
    "asked": {"claim", "compared"},
    "hint": {"hint"},
    "before": {"before"},
    "form": {"form"},
    "together": {"together"},
    "verbosity": {"verbosity", "slip"},
    "results": {"filled"},
    "filler": {"filler"},
    "after": {"after"},
}
SETTINGS = [(factor.name, setting.name) for factor in FACTORS for setting in factor.settings]


def problems(count: int, seed: int = 0) -> list[Worded]:
    drawn = islice(draw_problems(np.random.default_rng(seed), 4, held_out=False), count)
    return [Worded(each) for each in drawn]


def values(problem: Worded) -> dict[str, object]:
    said = {each.name: getattr(problem, each.name) for each in fields(Worded) if each.name != "telling"}
    return said | {each.name: getattr(problem.telling, each.name) for each in fields(Telling)}


@pytest.mark.parametrize(("factor", "setting"), SETTINGS)
def test_a_setting_changes_its_own_fields_and_no_other(factor: str, setting: str) -> None:
    (record,) = (each for each in FACTORS if each.name == factor)
    for number, problem in enumerate(problems(20)):
        made = varied(problem, {factor: {setting: 1.0}}, np.random.default_rng(number))
        before, after = values(problem), values(made)
        differing = {name for name in before if before[name] != after[name]}
        assert differing
        assert differing <= CHANGED[factor]
        assert (made.question() != problem.question()) == record.of_question
        if not record.of_question:
            assert made.answer == problem.answer


def test_settings_occur_as_often_as_their_shares_say() -> None:
    shares = {"names": {"defined": 0.3, "redefined": 0.1}, "verbosity": {"terse": 0.5}, "after": {"asides": 0.2}}
    rng = np.random.default_rng(4)
    made = [varied(each, shares, rng) for each in problems(2000)]
    defined = np.mean([each.names[0] not in ("add", "take", "times") for each in made])
    terse = np.mean([each.telling.verbosity is Verbosity.TERSE for each in made])
    after = np.mean([bool(each.telling.after) for each in made])
    # Four standard errors of 2,000 draws are at most 0.045.
    assert abs(defined - 0.3) < 0.045
    assert abs(terse - 0.5) < 0.045
    assert abs(after - 0.2) < 0.045
    assert not any(each.unless or each.hint or each.before for each in made)


def test_names_that_are_redefined_change_what_the_problem_uses() -> None:
    rng = np.random.default_rng(5)
    for problem in problems(50):
        made = varied(problem, {"names": {"redefined": 1.0}}, rng)
        assert sorted(made.names) == sorted(problem.names)
        assert "Let" in made.question()


def test_a_clause_adds_an_operation_in_about_half_of_the_problems_and_a_claim_is_right_in_half() -> None:
    rng = np.random.default_rng(6)
    made = [varied(each, {"clause": {"unless": 1.0}, "asked": {"yes_no": 1.0}}, rng) for each in problems(600)]
    added = np.mean([len(each.whole.operations) > len(each.sums.operations) for each in made])
    right = np.mean([each.answer == "yes" for each in made])
    assert abs(added - 0.5) < 0.09
    assert abs(right - 0.5) < 0.09


@pytest.mark.parametrize(("said", "wanted"), [("answer", {True}), ("wrong", {False}), ("random", {True, False})])
def test_a_hint_is_of_the_answers_kind(said: str, wanted: set[bool]) -> None:
    rng = np.random.default_rng(7)
    shares = {"asked": {"yes_no": 0.5}, "hint": {said: 1.0}}
    made = [varied(each, shares, rng) for each in problems(200)]
    assert {each.hint == each.answer for each in made} == wanted
    for each in made:
        assert each.hint in (("yes", "no") if each.claim is not None else tuple("0123456789"))


def test_a_chain_that_goes_wrong_is_never_filled_in() -> None:
    rng = np.random.default_rng(8)
    shares = {"verbosity": {"mended": 0.5}, "results": {"filled": 1.0}}
    made = [varied(each, shares, rng) for each in problems(100)]
    assert {(each.telling.verbosity, each.telling.filled) for each in made} == {
        (Verbosity.MENDED, False),
        (Verbosity.PLAIN, True),
    }


def test_what_is_counted_can_be_given_a_number() -> None:
    for factor in FACTORS:
        if factor.counted is not None:
            (problem,) = problems(1)
            made = [factor.counted(problem, np.random.default_rng(0), count) for count in range(factor.most + 1)]
            assert made[0] == problem
            assert len({replace(each).question() + each.chain() for each in made}) == factor.most + 1
