"""Later steps computed from a wrong result, by hand; and what is in doubt, which is refused."""

import pytest

from mediate.pairs.annotations import UnfitError
from mediate.pairs.recomputed import EXACT, Slip, fitting_arithmetic
from mediate.tasks.modular_steps import MODULO_TEN


def slip(question: str, before: str, after: str, right: str, wrong: str) -> Slip:
    return Slip(question, before, after, right, wrong)


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (" So 20 - 3 = 17 pens are left.", " So 21 - 3 = 18 pens are left."),
        (" So 20 - 3 = <<20-3=17>>17. Twice that is 17 x 2 = <<17*2=34>>34.",
         " So 21 - 3 = <<21-3=18>>18. Twice that is 18 x 2 = <<18*2=36>>36."),
        (" The answer is 20.", " The answer is 21."),
        ("", ""),
    ],
)  # fmt: skip
def test_what_follows_is_computed_from_the_wrong_result(after: str, wanted: str) -> None:
    given = slip("A box has 4 rows of 5 pens, 3 fall out, and 2 boxes come.", "4 * 5 = 21 pens.", after, "20", "21")
    assert EXACT.recompute(given) == wanted


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (slip("20 of 5 pens", "4 * 5 = 21.", " 20 - 3 = 17.", "20", "21"), "two_things"),
        (slip("pens", "4 * 5 = 21.", " 20 - 3 = 18.", "20", "21"), "not_exact"),
        (slip("pens", "4 * 5 = 21.", " 20 / 4 = 5.", "20", "21"), "not_whole"),
        (slip("pens", "4 * 5 = 21.", " That leaves 17.", "20", "21"), "not_arithmetic"),
        (slip("pens", "90 + 5 = 99.", " 95 + 2 = 97.", "95", "99"), "not_whole"),
    ],
)
def test_what_is_in_doubt_is_refused(given: Slip, code: str) -> None:
    with pytest.raises(UnfitError) as refused:
        EXACT.recompute(given)
    assert refused.value.code == code


def test_modulo_ten_goes_on_from_the_step_before() -> None:
    given = slip("", "3 + 4 = 8.", " 7 x 7 = 9. 9 - 2 = 7. 7 + 3 = 0.", "7", "8")
    assert MODULO_TEN.recompute(given) == " 8 x 7 = 6. 6 - 2 = 4. 4 + 3 = 7."


def test_modulo_ten_refuses_what_does_not_follow() -> None:
    for after in (" 5 x 7 = 5.", " 7 x 7 = 8.", " So it is 7."):
        with pytest.raises(UnfitError):
            MODULO_TEN.recompute(slip("", "3 + 4 = 8.", after, "7", "8"))


def test_the_rules_that_most_chains_keep_to_are_taken() -> None:
    rules = (EXACT, MODULO_TEN)
    assert fitting_arithmetic(rules, ["3 + 4 = 7.", "7 x 7 = 9. 9 - 2 = 7."]) is MODULO_TEN
    assert fitting_arithmetic(rules, ["3 + 4 = 7."]) is EXACT
    assert fitting_arithmetic(rules, ["Tom has 7 x 7 = 49 pens."]) is EXACT
    assert fitting_arithmetic(rules, ["He goes home."]) is None
