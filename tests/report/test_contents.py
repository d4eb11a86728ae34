"""The places of a page and the list that leads to them."""

import re

import pytest

from mediate.report.blocks import Data, Page, Section, Text
from mediate.report.contents import MOST_INNER, anchored, contents_of
from mediate.report.html import to_html
from tests.report.parse import parse


def page(*sections: Section) -> Page:
    return Page("t", "Why?", "Because.", sections)


def part(heading: str, *inner: Section, **more: str) -> Section:
    return Section(heading, (Text("said"), *inner), **more)


def test_every_heading_has_an_id_that_no_other_has() -> None:
    shown = page(
        part("Main", part("A model's name"), part("A model's name"), id="words"),
        part("Words"),
        part("***"),
        part("taken"),
        Section("", (Data("taken", []),)),
    )
    found = parse(to_html(shown))
    ids = [attrs["id"] for _, attrs in found.elements if "id" in attrs]
    assert ids == [
        *("contents", "main", "words", "a-model-s-name", "a-model-s-name-2", "words-2", "part", "taken-2", "taken")
    ]
    headings = {attrs["id"] for tag, attrs in found.elements if re.fullmatch("h[2-6]", tag)}
    assert headings | {"main"} == {each[1:] for each in found.attributes("a", "href") if each}


@pytest.mark.parametrize("heading", ["<script>", "\x00", "\ud800", "a" * 999, "é ü", "../x", '" onclick="x'])
def test_an_id_of_any_text_is_made_of_plain_letters(heading: str) -> None:
    (section,) = anchored(page(part(heading))).sections
    assert re.fullmatch(r"[a-z0-9_-]{1,40}", section.id)


def test_what_was_found_comes_first_and_the_rest_after() -> None:
    shown = anchored(page(part("Method"), part("Shares", part("Inner"), found="97 % mediated"), Section("", ())))
    listed = contents_of(shown)
    assert [(each.section.heading, [inner.id for inner in each.inner]) for each in listed.found] == [
        ("Shares", ["inner"])
    ]
    assert [each.section.heading for each in listed.more] == ["Method"]
    text = " ".join(parse(to_html(shown)).text.split())
    assert "What was found Shares 97 % mediatedInner Also here Method" in text


def test_of_many_parts_the_contents_name_none() -> None:
    many = part("Chains", *(part(f"item {place}") for place in range(MOST_INNER + 1)))
    assert contents_of(anchored(page(many))).more[0].inner == ()


def test_a_page_of_one_kind_of_section_says_so() -> None:
    assert "Also here" not in parse(to_html(page(part("Method")))).text


def test_what_is_folded_stands_under_its_heading_and_is_all_there_without_a_script() -> None:
    found = parse(to_html(page(part("Words", folded="What 3 words mean", id="words"))))
    tags = [tag for tag, _ in found.elements]
    assert tags.index("h2") < tags.index("summary", tags.index("h2"))
    assert [attrs for tag, attrs in found.elements if tag == "details"] == [{"open": None}, {}]
    assert "What 3 words mean" in found.text
    assert "said" in found.text
