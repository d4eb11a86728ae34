import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.figures import label, visible
from mediate.figures.text import in_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with a space", "plain, with a space"),
        ("größer 中文 😀", "größer 中文 😀"),
        ("a\nb\tc", "a↵b⇥c"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x00\x7f\x85", "\\x00\\x7f\\x85"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("\u2066x\u2069\u200f\u061c", "\\u2066x\\u2069\\u200f\\u061c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_is_invisible_or_acts_is_shown_by_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_line_breaks_can_be_kept() -> None:
    assert visible("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@settings(deadline=None)
@given(st.text(st.characters(), max_size=40))
def test_nothing_shown_is_a_control_or_format_character(text: str) -> None:
    shown = visible(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    assert visible(shown) == shown
    shown.encode("utf-8")


@settings(deadline=None)
@given(st.text(st.characters(), max_size=80), st.integers(5, 30))
def test_a_label_is_never_longer_than_its_width(text: str, width: int) -> None:
    short = label(text, width)
    assert len(short) <= width
    assert len(short) == width or "…" in text or "…" not in short


def test_a_label_keeps_both_ends_and_escapes_what_the_font_lacks() -> None:
    assert label("problem-00000000000000000000-b", 13) == "proble…0000-b"
    assert label("中x") == "\\u4e2dx"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("mean read effect", 44, ["mean read effect"]),
        ("mean read effect", 10, ["mean read", "effect"]),
        ("on same_answer (nats)", 13, ["on", "same_answer", "(nats)"]),
        ("mean attribution.zero.z effect", 17, ["mean", "attribution.zero.", "z effect"]),
        ("a_name_of_its_own", 11, ["a_name_of_", "its_own"]),
        ("unbroken", 3, ["unb", "rok", "en"]),
        ("", 5, [""]),
    ],
)
def test_a_label_in_lines_is_broken_in_its_gaps(text: str, width: int, lines: list[str]) -> None:
    assert in_lines(text, width).split("\n") == lines
