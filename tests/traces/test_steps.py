import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.tasks import generate_pairs
from mediate.traces.steps import Span, find_answer, segment


def pieces(text: str) -> list[str]:
    return [text[start:stop] for start, stop in segment(text)]


@pytest.mark.parametrize(
    "steps",
    [
        # Sentences; spaces begin the next step.
        ["Tom has 3 + 4 = 7 apples.", " Then Tom eats 2.", " So 7 - 2 = 5."],
        ["Is it 5?", "  Yes!", " Good."],
        ["Wait...", " No?!", " Fine."],
        ['He said "Go."', " Then (he left.)", " **Done.**", " So it is."],
        ["It costs $5.$", r" Then \(x = 3.\)", " Done."],
        # Not a sentence's end.
        ["It costs 3.5 dollars, e.g. at noon, i.e. 12.", " So 3.5."],
        ["Mr. Smith and Dr. Jones vs. Prof. Lee et al. met.", " Then all left."],
        ["J. R. Smith met J.R.R. Tolkien and J. Brown.", " They left."],
        ["The U.S. economy grew in the U.S.", " The end."],
        ["At 5 p.m. today.", " At 5 p.m.", " Tom left."],
        ["Take A, B and C.", " The area is 5.", " So it is B.", " Next, Tom and I.", " Tom left."],
        ["So 5! = 120.", " Wow!", " Then x is 2.", " y is 3."],
        # Lines; line breaks end the step before.
        ["one\n", "two\r\n", "three\n\n \n", "  four"],
        ["one\u2028", "two\x85", "three"],
        ["\n\none.\n", "two. \n"],
        # Lists.
        ["1. Add 3.", " 2. Take 2.\n", "3. Stop.\n", "- a\n"],
        ["Step 1. Add.", " Step 2. Take."],
        ["* one\n", "* two\n", "(1) three.", " (2) four."],
        ["We see", " • one", " • two"],
        # Tags.
        ["<think>\nOkay.", " So 5.\n</think>\n\n", "The answer is 5."],
        ["<think>\n\n</think>\n\n", "Hi"],
        ["Sure.", " <think> one.", " two.</think>", " three"],
        ["1.", " <think> one </think>", " two"],
        ["a", "<think>b</think>", "c"],
        ["So it is.\n</think>\n", "<think>\n1. Again."],
        ["</think>", " Then."],
        # Other scripts.
        ["汤姆有5个苹果。", "他吃了2个！", "剩3个？", " 对。"],
        ["他说：「好。」", "然后走了。"],
        ["👩‍👩‍👧 came.", " Café, 3€.", " e\u0301te\u0301."],
    ],
)
def test_steps(steps: list[str]) -> None:
    assert pieces("".join(steps)) == steps


def test_nothing_and_white_space() -> None:
    assert segment("") == ()
    assert segment(" \n ") == (Span(0, 3),)
    assert segment("  a.  ") == (Span(0, 6),)


def test_built_in_reasoning_has_one_step_a_sentence() -> None:
    for pair in generate_pairs(45, with_cot=True):
        assert pair.base.cot is not None
        assert len(segment(pair.base.cot)) == len(pair.base.values)


LIKELY = st.lists(
    st.sampled_from(
        [*" .!?\n\r\t。！•-*12aA()$", "<think>", "</think>", "e.g.", "1.", "\u2028", "\u200d", "\x1c", "the", " ", ". "]
    ),
    max_size=40,
).map("".join)


@given(st.text() | LIKELY)
@settings(deadline=None, max_examples=400)
def test_steps_tile_any_text_and_none_is_blank(text: str) -> None:
    spans = segment(text)
    assert [span.start for span in spans] == [0, *(span.stop for span in spans)][: len(spans)]
    assert (spans[-1].stop if spans else 0) == len(text)
    assert all(span.start < span.stop for span in spans)
    if text.strip():
        assert all(part.strip() for part in pieces(text))


@given(LIKELY)
@settings(deadline=None, max_examples=400)
def test_no_step_holds_text_from_both_sides_of_a_tag(text: str) -> None:
    for step in pieces(text):
        opened = re.match(r"(\s|<think>)*", step)
        closed = re.search(r"(\s|</think>)*\Z", step)
        assert opened is not None
        assert closed is not None
        inner = step[opened.end() : max(opened.end(), closed.start())]
        assert "<think>" not in inner
        assert "</think>" not in inner


@given(LIKELY)
@settings(deadline=None, max_examples=400)
def test_a_step_begins_with_its_spaces_and_ends_with_its_line_breaks(text: str) -> None:
    breaks = "\n\r\x1c\u2028"
    for step in pieces(text)[1:]:
        space = step[: len(step) - len(step.lstrip())]
        assert not set(space) & set(breaks)
    for step in pieces(text)[:-1]:
        assert step == step.rstrip() or step[-1] in breaks


@pytest.mark.parametrize(
    ("text", "answer", "stated"),
    [
        ("15, 5.2, 1,500 and 0.5, so = 5.", "5", "5"),
        ("it is $5", "5", "5"),
        ("it is 5, so", "5", "5"),
        ("5", "5", "5"),
        ("so 5.00 dollars", "5", "5.00"),
        ("5cm", "5", "5"),
        ("3-5", "5", "5"),
        ("3 - 5", "5", "5"),
        ("(1,5)", "5", "5"),
        ("12 = 1,200 cm", "1200", "1,200"),
        (r"1{,}200", "1200", "1{,}200"),
        ("1200 cm", "1,200", "1200"),
        ("1,200.50", "1200.5", "1,200.50"),
        ("3 and .5", "0.5", ".5"),
        ("so -5", "-5", "-5"),
        ("so \u22125", "-5", "\u22125"),
        ("so -$5", "-5", "-$5"),
        ("我们有5个", "5", "5"),
        ("a 50% share", "50%", "50%"),
        ("In Parisian Paris.", "Paris", "Paris"),
        ("在巴黎的", "巴黎", "巴黎"),
        ("so 1/2", "1/2", "1/2"),
    ],
)
def test_the_place_where_an_answer_is_stated(text: str, answer: str, stated: str) -> None:
    found = find_answer(text, answer)
    assert found is not None
    assert text[found.start : found.stop] == stated


def test_the_first_place_counts() -> None:
    assert find_answer("15 or 5, then 5", "5") == Span(6, 7)
    assert find_answer("Parisian, then Paris, then Paris", "Paris") == Span(15, 20)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "5"),
        ("15 and 51", "5"),
        ("5.2 and 2.5", "5"),
        ("1,500 and 5,000", "5"),
        ("1,500", "500"),
        ("-5", "5"),
        ("5", "-5"),
        ("3 - 5", "-5"),
        ("x5 and v1.5.2", "5"),
        ("Parisian", "Paris"),
        ("yes", "Yes"),
        ("anything", " "),
    ],
)
def test_parts_of_numbers_and_words_do_not_state_an_answer(text: str, answer: str) -> None:
    assert find_answer(text, answer) is None


@given(st.integers(-(10**7), 10**7), st.lists(st.integers(0, 10**7), max_size=6))
@settings(deadline=None)
def test_a_number_is_stated_exactly_where_it_is_written(number: int, others: list[int]) -> None:
    said = [f"{other:,} apples" for other in others]
    text = "; ".join(said)
    assert (find_answer(text, str(number)) is not None) == (number in others)
    text = f"{text}; so it is {number:,}."
    found = find_answer(text, str(number))
    assert found is not None
    assert text[found.start : found.stop] == f"{number:,}"


def test_built_in_reasoning_states_its_answer_in_its_last_step_only() -> None:
    for pair in generate_pairs(90, with_cot=True):
        for item in (pair.base, pair.source):
            assert item.cot is not None
            found = find_answer(item.cot, item.answer)
            assert found is not None
            assert found.start >= segment(item.cot)[-1].start
            assert find_answer(item.question, item.answer) is None
