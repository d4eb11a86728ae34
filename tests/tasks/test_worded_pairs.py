"""Pairs of worded chains: what their worlds share, what is held out, and bad arguments."""

import re
from collections.abc import Sequence

import pytest

from mediate.errors import InputError
from mediate.tasks import modular_pairs
from mediate.tasks.worded_pairs import told_pairs, worded_pairs

VARIED: list[Sequence[str]] = [
    (),
    ("names=defined", "clause=unless"),
    ("names=redefined", "form=words", "together=two"),
    ("asked=yes_no", "verbosity=mended", "before=2"),
    ("asked=yes_no", "clause=unless", "verbosity=checked", "after=8"),
    ("verbosity=terse", "results=filled", "filler=3", "before=asides"),
]


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+|\S", text)


@pytest.mark.parametrize("vary", VARIED)
def test_worlds_differ_in_one_number_and_can_be_laid_on_each_other(vary: Sequence[str]) -> None:
    for pair in worded_pairs(40, seed=2, vary=vary, hint="random"):
        base, source = (words(item.question.partition(" Hint")[0]) for item in (pair.base, pair.source))
        assert sum(one != other for one, other in zip(base, source, strict=True)) == 1
        assert pair.base.answer != pair.source.answer
        chains = [words(item.cot or "") for item in (pair.base, pair.source)]
        assert len(chains[0]) == len(chains[1])
        assert chains[0] != chains[1]
        if "asked=yes_no" in vary:
            assert {pair.base.answer, pair.source.answer} == {"yes", "no"}


def test_plain_ones_are_the_arithmetic_of_modular_pairs() -> None:
    made, known = worded_pairs(12, seed=3), modular_pairs(12, seed=3)
    assert [pair.base for pair in made] == [pair.base for pair in known]
    assert [pair.source for pair in made] == [pair.source for pair in known]
    assert made[0].id == known[0].id.replace("modular", "worded")


@pytest.mark.parametrize("hint", ["answer", "random", "wrong"])
@pytest.mark.parametrize("vary", [(), ("asked=yes_no",)])
def test_hints_are_as_asked(hint: str, vary: Sequence[str]) -> None:
    for pair in worded_pairs(20, seed=4, hint=hint, vary=vary):
        said = [re.findall(r"Hint (\w+)\.", item.question)[0] for item in (pair.base, pair.source)]
        answers = [pair.base.answer, pair.source.answer]
        if hint == "answer":
            assert said == answers
        if hint == "wrong":
            assert all(one != other for one, other in zip(said, answers, strict=True))
        assert ({*said} <= {"yes", "no"}) == bool(vary)


def test_values_are_given_where_every_sentence_states_one() -> None:
    (plain,) = worded_pairs(1, steps=3, vary=["verbosity=checked"])
    assert len(plain.base.values) == 6
    (asked,) = worded_pairs(1, steps=3, vary=["asked=yes_no"])
    assert len(asked.base.values) == 4
    assert (asked.base.values[-1] == 0) == (asked.base.answer == "yes")
    (clause,) = worded_pairs(1, steps=3, vary=["clause=unless"])
    assert clause.base.values == ()
    (bare,) = worded_pairs(1, steps=3, with_cot=False)
    assert bare.base.cot is None


def test_larger_sets_only_append_and_examples_to_tune_on_are_others() -> None:
    vary = ["names=defined", "before=asides"]
    assert worded_pairs(12, vary=vary)[:5] == worded_pairs(5, vary=vary)
    asked = {pair.base.question.partition(" Hint")[0] for pair in worded_pairs(40)}
    assert not asked & {pair.base.question.partition(" Hint")[0] for pair in told_pairs(40)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n": 0}, "worded_pairs: n is 0"),
        ({"n": 1, "steps": 9}, "steps is 9"),
        ({"n": 1, "hint": "none"}, "answer, random, wrong"),
        ({"n": 1, "vary": ["colour=red"]}, "names no factor; choose from names, clause, asked, before, form"),
        ({"n": 1, "vary": ["form"]}, "form can be words"),
        ({"n": 1, "vary": ["before=9"]}, "before can be asides, or a number up to 8"),
        ({"n": 1, "vary": ["form=words", "form=words"]}, "for the second time"),
        ({"n": 1, "vary": ["results=filled", "verbosity=mended"]}, "does not go wrong"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        worded_pairs(**arguments)  # type: ignore[arg-type]
