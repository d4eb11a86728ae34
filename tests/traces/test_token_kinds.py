"""What tokens are: results, operands, operators and words, whatever pieces a tokenizer makes of them."""

import re

import pytest

from mediate.traces.steps import segment
from mediate.traces.token_kinds import TokenKind, operators, token_kinds

LETTERS = {"r": "result", "d": "operand", "o": "operator", "w": "word"}


def kinds(text: str, values: tuple[int, ...] = ()) -> str:
    """The kind of each word of a text, as a letter."""
    tokens = re.findall(r"\s*\S+", text)
    back = {name: letter for letter, name in LETTERS.items()}
    return "".join(back[each] for each in token_kinds(text, tokens, values))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4 + 9 = 3. 3 - 3 = 0.", "dodordodor"),
        ("add 9 to 4 to get 3. take 3 from 3 to get 0.", "wdwdwwrwdwdwwr"),
        ("Tom has 3 x 4 = 12 apples.", "wwdodorw"),
        ("So 3 plus 4 equals 7.", "wdodor"),
        ("- Tom is well-known and/or late.", "wwwwww"),
        ("* 3 apples and 4 pears.", "wdwwdw"),
        ("He has **12** times as many.", "wwdwww"),
        ("He has 12 times 3 of them, 36.", "wwdodwwr"),
        ("x is 5.", "wwr"),
        ("Half of it is three.", "wwwww"),
    ],
)
def test_by_what_they_say(text: str, said: str) -> None:
    assert kinds(text) == said


def test_pieces_of_a_number_are_of_its_kind() -> None:
    found = token_kinds("12 + 30 = 42.", ["1", "2", " ", "+", " 3", "0", " =", " ", "42", "."])
    assert [each.value for each in found] == [
        *("operand", "operand", "word", "operator", "operand", "operand", "operator", "word", "result", "word")
    ]


def test_a_token_of_several_kinds_is_of_the_first() -> None:
    assert token_kinds("6 = 6", ["6 ", "= 6"]) == (TokenKind.OPERAND, TokenKind.RESULT)
    assert token_kinds("6 + 1 = 7", ["6 +", " 1 =", " 7"])[:2] == (TokenKind.OPERAND, TokenKind.OPERAND)


def test_the_datas_values_say_which_number_is_a_result() -> None:
    text = "It is 5, so 3 are left."
    assert kinds(text) == "wwrwdww"
    assert kinds(text, (5,)) == "wwrwdww"
    assert kinds("6 are 6, that is 2 x 3.", (6,)) == "dwrwwdod"
    # Of another number of steps they say nothing, and a result that is none of them is still one.
    assert kinds("4 + 9 = 5.", (3,)) == kinds("4 + 9 = 5.", (3, 1)) == "dodor"


def test_a_token_without_a_character_is_a_word() -> None:
    assert token_kinds("", []) == ()
    assert token_kinds("7", ["", "7"]) == (TokenKind.WORD, TokenKind.RESULT)


def test_operators_stand_in_one_step() -> None:
    text = "It is 5 -\n3 are left."
    assert not list(operators(text, segment(text)))
