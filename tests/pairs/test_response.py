"""Responses cut into chain, bridge and answer: nothing is lost or rewritten, and what is not there is named."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import ItemError
from mediate.pairs.item import Item
from mediate.pairs.response import TAGS, Looked, answer_pattern, as_option, bridge_states_answer, cut

ANY = Looked()
LETTERS = Looked(("A", "B"))


@pytest.mark.parametrize(
    ("response", "chain", "stated"),
    [
        ("Tom has 3 + 4 = 7 apples.\nThe answer is 7.", "Tom has 3 + 4 = 7 apples.", "7"),
        ("Tom has 3 + 4 = 7 apples. So the answer is 3 + 4 = 7 apples.", "Tom has 3 + 4 = 7 apples.", "7"),
        ("3 + 4 = 7\n#### 7", "3 + 4 = 7", "7"),
        ("3 + 4 = 7:\n#### 1,007", "3 + 4 = 7:", "1,007"),
        ("3 + 4 = 7\n\n**Answer:** 7", "3 + 4 = 7", "7"),
        ("3 + 4 = 7.\nTherefore\n\\[\n\\boxed{7}\n\\]", "3 + 4 = 7.\nTherefore", "7"),
        ("3 + 4 = 7.\nHence the result:\n\\[\n\\boxed{7}\n\\]", "3 + 4 = 7.", "7"),
        ("Half is 1/2. So $x = \\boxed{\\frac{1}{2}}$.", "Half is 1/2.", r"\frac{1}{2}"),
        ("Therefore 3 + 4 = \\boxed{7}.", "Therefore 3 + 4 =", "7"),
        ("No. The answer is 5? Wait. The answer is 7", "No. The answer is 5? Wait.", "7"),
        ("1. It is 3 + 4.\n2. The answer is 7.", "1. It is 3 + 4.", "7"),
        ("**Step 1:** 3 + 4\n**Step 2:** Hence, the answer is 7.", "**Step 1:** 3 + 4", "7"),
        ("There are 3 + 4. It is 7. The answer is 7.", "There are 3 + 4. It is 7.", "7"),
        ("2. The answer is 7 by 3 + 4.\n10) The answer is 7.", "2. The answer is 7 by 3 + 4.", "7"),
        ("It is Paris, by the map. The answer is Paris.", "It is Paris, by the map.", "Paris"),
    ],
)
def test_without_tags_the_chain_ends_before_the_sentence_of_the_answer(response: str, chain: str, stated: str) -> None:
    assert cut(response, ANY) == ("", chain, "", "", stated, True)


@pytest.mark.parametrize(
    ("response", "chain", "stated"),
    [
        ("Count. It is five.\n\nB", "Count. It is five.", "B"),
        ("Count. It is five.\n\n**(B)**", "Count. It is five.", "B"),
        ("Count.\nAnswer: (B) five", "Count.", "B"),
        ("Count.\nThe answer is B) five.", "Count.", "B"),
        ("Count.\n\\boxed{\\text{B}}", "Count.", "B"),
    ],
)
def test_a_letter_is_an_answer_where_it_is_an_option(response: str, chain: str, stated: str) -> None:
    found = cut(response, LETTERS)
    assert (found.cot, found.stated) == (chain, stated)
    assert as_option("five", ("five", "three")) == "five"
    assert as_option("B", ("five", "three")) is None


@pytest.mark.parametrize("tags", TAGS)
@pytest.mark.parametrize("final", ["It is **7**.\n\nThe answer is 7.", "7", "**7**", "\\boxed{7}"])
@pytest.mark.parametrize("gap", ["\n", "", "\n\n"])
def test_with_tags_nothing_is_lost(tags: tuple[str, str], final: str, gap: str) -> None:
    opening, closing = tags
    response = f"{opening}{gap}3 + 4 = 7. The answer is 8.{gap}{closing}{gap}{final}"
    found = cut(response, ANY)
    assert (found.cot, found.stated, found.finished) == ("3 + 4 = 7. The answer is 8.", "7", True)
    assert response.startswith("".join(found[:-1]))
    assert found.closed == gap + closing + gap


def test_an_opening_tag_may_be_the_prompts() -> None:
    assert cut("So 7.</think>No <think> here: \\boxed{7}", ANY).cot == "So 7."
    assert cut("So 7.\n</think>\n\n7", ANY) == ("", "So 7.", "\n</think>\n\n", "", "7", True)


def test_an_empty_place_for_thoughts_is_no_chain() -> None:
    found = cut("<think>\n\n</think>\n\nSo 7. The answer is 7.", ANY)
    assert found == ("<think>\n\n</think>\n\n", "So 7.", "", "", "7", True)


@pytest.mark.parametrize(
    ("reasoning", "content", "opened", "closed"),
    [
        ("So 7.", "7", "<think>\n", "\n</think>\n\n"),
        ("\nSo 7.\n", "\n\n7", "<think>\n", "\n</think>\n\n"),
        ("So 7.", "\n7", "<think>", "</think>\n"),
    ],
)
def test_a_chain_that_was_kept_apart_gets_its_tags(reasoning: str, content: str, opened: str, closed: str) -> None:
    assert cut(content, ANY, reasoning=reasoning) == (opened, "So 7.", closed, "", "7", True)


def test_a_limit_within_a_chain_that_was_kept_apart_leaves_it_open() -> None:
    found = cut("", ANY, reasoning="So 7", ended=False)
    assert found == ("<think>\n", "So 7", "", "", "", False)
    assert cut("So", ANY, reasoning="So 7", ended=False).closed == "\n</think>\n\n"


@pytest.mark.parametrize(
    ("response", "ended", "wanted"),
    [
        ("<think>\nSo 7", None, ("<think>\n", "So 7", "", "", "", False)),
        ("<think>\nSo 7", False, ("<think>\n", "So 7", "", "", "", False)),
        ("<think>So 7</think>It is", False, ("<think>", "So 7", "</think>", "It is", "", False)),
        ("So it is", False, ("", "So it is", "", "", "", False)),
        ("So 3. The answer is 3.", False, ("", "So 3.", "", "", "3", True)),
    ],
)
def test_what_a_limit_cut_off_is_unfinished(response: str, ended: bool | None, wanted: tuple[Any, ...]) -> None:
    assert cut(response, ANY, ended=ended) == wanted


@pytest.mark.parametrize(
    ("response", "ended", "code"),
    [
        ("<think>\nSo 7", True, "no_closing_tag"),
        ("<think>", None, "no_closing_tag"),
        ("<think>So 7</think>It is so.", True, "no_stated_answer"),
        ("<think>So 7</think>\n", None, "no_stated_answer"),
        ("So it is", True, "no_stated_answer"),
        ("", False, "no_stated_answer"),
        ("The answer is 7.", None, "no_chain"),
    ],
)
def test_what_is_not_there_is_a_reason(response: str, ended: bool | None, code: str) -> None:
    with pytest.raises(ItemError) as raised:
        cut(response, ANY, ended=ended)
    assert raised.value.code == code
    assert raised.value.written


def test_what_was_looked_for_is_named() -> None:
    with pytest.raises(ItemError, match=re.escape(r"(looked for \boxed{...}, #### ..., 'answer is ...' and 'Answer")):
        cut("So it is", ANY)
    with pytest.raises(ItemError, match="and an option alone on the last line"):
        cut("So it is", LETTERS)
    with pytest.raises(ItemError, match=re.escape("(looked for the pattern 'final=([0-9]+)')")):
        cut("So it is", Looked((), answer_pattern("final=([0-9]+)")))


def test_a_pattern_takes_the_place_of_the_forms() -> None:
    found = cut("So 3. The answer is 3.\nfinal= 7 \nfinal=", Looked((), answer_pattern("final=(.*)$")))
    assert (found.cot, found.stated) == ("So 3. The answer is 3.", "7")
    assert cut("So 3. In all 7!", Looked((), answer_pattern("[0-9]+(?=!)"))).stated == "7"


def test_a_bridge_that_states_the_answer_is_told() -> None:
    stating = Item("q", "7", bridge="He has 7 apples. The answer is ", stated="7")
    assert bridge_states_answer(stating)
    assert bridge_states_answer(Item("q", "", bridge="He has 7 apples. The answer is ", stated="7.0"))
    assert not bridge_states_answer(Item("q", "7", bridge="He has 17 apples. The answer is ", stated="7"))
    assert not bridge_states_answer(Item("q", "", bridge="So: ", stated=""))


@given(st.text(), st.booleans())
@settings(deadline=None, max_examples=60)
def test_any_text_is_cut_or_refused(text: str, options: bool) -> None:
    check_pieces(text, LETTERS if options else ANY)


PIECES = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "\\boxed{", "}", "answer is ", "Answer: ", "#### ", "7", "B", "a. ", "\n", "$"]
    )
)


@given(PIECES.map("".join), st.booleans(), st.sampled_from([True, False, None]))
@settings(deadline=None, max_examples=300)
def test_any_marks_are_cut_or_refused(text: str, options: bool, ended: bool | None) -> None:
    check_pieces(text, LETTERS if options else ANY, ended)


def check_pieces(text: str, looked: Looked, ended: bool | None = None) -> None:
    try:
        found = cut(text, looked, ended=ended)
    except ItemError:
        return
    assert found.cot.strip() == found.cot != ""
    assert found.stated.strip() == found.stated
    assert bool(found.stated) == found.finished
    if found.closed:
        assert text.startswith("".join(found[:-1]))
    else:
        assert text.startswith(found.opened)
        assert found.cot in text


LONG = 200_000  # tokens of a very long response, at some four characters each


@pytest.mark.parametrize(
    "text",
    [
        "answer is " * (LONG // 2), "\\boxed{" * (LONG // 2), "#### " * LONG, "#### x\n" * LONG, "<think>" * LONG,
        "<think>" + "a b. " * LONG + "</think> answer: " + "** " * LONG, "7 " * (2 * LONG), "((" * LONG + "\\boxed{7}",
        "$ " * LONG + "\\boxed{7}", "answer****" * LONG, "1," * LONG + "\nThe answer is 7", "1 " * LONG + "answer is 7",
        "So. " * LONG + "The answer is 7.",
    ],
)  # fmt: skip
def test_the_longest_responses_cost_no_more_than_their_length(text: str) -> None:
    """Each takes half a second at most; one with a power of its length in it would not end."""
    check_pieces(text, LETTERS)
