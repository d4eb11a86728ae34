"""Whatever text stands in whichever place of a page: no element, attribute, script or address of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest

from mediate.figures import visible
from mediate.figures.figure import Figure
from mediate.report.blocks import (
    BREAK,
    Data,
    Explorer,
    Notes,
    Page,
    Phrase,
    Scale,
    Section,
    Stretch,
    Table,
    TableCell,
    Tag,
    Terms,
    Text,
    Tokens,
    Verbatim,
    columns,
)
from mediate.report.comparison.comparison import Comparison, compare
from mediate.report.comparison.page import comparison_page
from mediate.report.crossing import crossing_page
from mediate.report.family import Family, Member, family_page
from mediate.report.html import Image, to_html, to_notebook
from mediate.report.run.behaviour import behaviour_section
from mediate.report.run.page import run_page
from mediate.report.run.scores import Scores
from mediate.report.token_page import joined_page
from tests.compare import made
from tests.compare.asked import FEW
from tests.figures.records import fake_results
from tests.report.parse import parse
from tests.report.payloads import PAYLOADS
from tests.report.run import test_behaviour as behaviour
from tests.report.test_crossing import fake
from tests.report.whole.test_hostile import PAGE_TAGS, VIEW_TAGS, unbroken
from tests.results.test_token_join import results as joined_results

ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "src", "alt", "scope", "colspan",
    "title", "style", "type", "aria-label", "open", "data-opens", "media", "srcset", "dir",
}  # fmt: skip
POLICY = "default-src 'none'; img-src data:; style-src 'sha256-"


TAGS = PAGE_TAGS | {"h4", "h5"}


def runs(text: str = "") -> Comparison:
    other = made.run(made.B, (0.2, 0.7, 0.1), seed=1)
    other.manifest["model"]["name"] = text or "b"
    return compare(made.run(), other, labels=["x", text or "y"], **FEW)


def sizes(text: str = "") -> Comparison:
    found = [made.run(f"m{place}{text}", given=True, parameters=10 ** (6 + place), seed=place) for place in range(4)]
    return compare(found, labels=[f"m{place}{text}" for place in range(4)], **FEW)


def family() -> Page:
    states = ("base", "needed")
    members = tuple(
        Member(
            f"m{place}", state, Scores(made.run(f"m{place}", parameters=10 ** (6 + place), seed=place)), (("a", "b"),)
        )
        for place in range(2)
        for state in states
    )
    return family_page(Path("nowhere"), Family(members, sizes(), (runs(), runs())))


def every_block() -> Page:
    """One of each, with each of the things that it can have."""
    words = ("x", (Phrase("x", href="x"), Phrase("x"), BREAK, *(Phrase("x", tag) for tag in Tag)))
    stretch = Stretch(0, ("x", "x"), "x", 3, 1, result=True, shades=(1, -2))
    table = Table(columns("x", "x"), (("x", TableCell(words[1], channel="x")), (TableCell("x", span=2),)), title="x")
    blocks = (
        *(Text(each) for each in words), Notes(words, label="x"), Terms((("x", words[1]),)), Verbatim("x"), table,
        Tokens((stretch,)), Scale(1.0, "x", "x"), Figure("f", lambda ax: None, "x", "x", section="x"),
        Data("x", {"x": ("x", 1, 0.5, True, None)}), Explorer(Data("x", ("x",)), (Tokens((stretch,)), Text("x"))),
    )  # fmt: skip
    inner = Section("x", blocks, id="x", aside="x")
    return Page("x", "x", "x", (Section("x", (inner,), id="x"),), warning="x", footer="x")


PAGES: dict[str, Callable[[], Page]] = {
    "every block": every_block,
    "a run": lambda: run_page(fake_results(6, layers=3)),
    "tests on behaviour": lambda: Page("a", "b", "c", tuple(behaviour_section(behaviour.run(), ()))),
    "a comparison": lambda: comparison_page(runs().compared),
    "a ladder of sizes": lambda: comparison_page(sizes().compared),
    "a crossing": lambda: crossing_page(fake()),
    "tokens joined": lambda: joined_page(joined_results()),
    "a family": family,
}


def filled(value: Any, texts: Iterable[str]) -> Any:
    """The same with other texts in place of its own, equal ones for equal ones; names of figures are on no page."""
    following, known = iter(texts), {"": ""}

    def other(text: str) -> str:
        if text not in known:
            known[text] = next(following)
        return known[text]

    def fill(value: Any) -> Any:
        if isinstance(value, Enum) or value is None:
            return value
        if isinstance(value, str):
            return other(value)
        if isinstance(value, tuple | list):
            return tuple(fill(each) for each in value)
        if isinstance(value, dict):
            return {fill(key): fill(each) for key, each in value.items()}
        if isinstance(value, Figure):
            return replace(value, alt=other(value.alt), caption=other(value.caption))
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{each.name: fill(getattr(value, each.name)) for each in fields(value)})
        return value

    return fill(value)


def html_of(shown: Page) -> str:
    return to_html(shown, {each.name: Image() for each in shown.figures()})


def distinct(texts: Sequence[str]) -> Iterator[str]:
    """The texts again and again, with a number at the end of those that come again."""
    return (text if not turn else f"{text}{turn}" for turn in count() for text in texts)


def check(html: str, harmless: str, allowed: set[str]) -> None:
    """Raises AssertionError where a page has another element or attribute than a harmless one, or another address."""
    found, wanted = parse(html), parse(harmless)
    assert found.shape() == wanted.shape()
    assert {tag for tag, _ in found.elements} <= allowed
    for _, attributes in found.elements:
        assert attributes.keys() <= ATTRIBUTES
        # An address without a scheme or a host is one beside the page.
        assert not set(":\\\n") & set(attributes.get("href") or "")
        assert not (attributes.get("href") or "").startswith("/")
        assert (attributes.get("src") or "data:image/svg+xml;base64,").startswith("data:image/svg+xml;base64,")


def test_there_are_payloads_of_all_kinds() -> None:
    assert len(set(PAYLOADS)) >= 64


@pytest.mark.parametrize("payload", [*PAYLOADS, "\ud800\udfff"], ids=ascii)
def test_no_block_takes_text_for_more(payload: str) -> None:
    html, harmless = (html_of(filled(every_block(), repeat(text))) for text in (payload, "MARKER"))
    html.encode("utf-8")
    check(html, harmless, TAGS)
    found = parse(html)
    assert unbroken(found.text).count(unbroken(visible(payload))) >= parse(harmless).text.count("MARKER") > 10
    assert POLICY in found.attributes("meta", "content")[0]


@pytest.mark.parametrize("name", PAGES)
def test_no_place_of_a_page_takes_text_for_more(name: str) -> None:
    """Each place of the page has another payload, and in the next round another one."""
    shown = PAGES[name]()
    harmless = html_of(filled(shown, map(str, count())))
    for begin in (0, 23, 47):
        html = html_of(filled(shown, distinct([*PAYLOADS[begin:], *PAYLOADS[:begin]])))
        check(html, harmless, TAGS)
        assert POLICY in parse(html).attributes("meta", "content")[0]


@pytest.mark.parametrize("name", ["a run", "a comparison", "tokens joined"])
def test_no_place_of_a_cell_takes_text_for_more(name: str) -> None:
    bare = without_figures(PAGES[name]())
    cells = (to_notebook(filled(bare, texts)) for texts in (distinct(PAYLOADS), map(str, count())))
    check(*cells, TAGS | VIEW_TAGS)


def without_figures(value: Any) -> Any:
    """The page as a notebook has it, whose figures are its own."""
    return replace(
        value,
        **{
            name: tuple(without_figures(each) for each in getattr(value, name) if not isinstance(each, Figure))
            for name in ("sections", "blocks")
            if hasattr(value, name)
        },
    )


@pytest.mark.parametrize("made_of", [runs, sizes])
def test_names_of_models_and_labels_reach_a_comparison_as_text(made_of: Callable[[str], Comparison]) -> None:
    every = "".join(PAYLOADS)
    found, wanted = html_of(comparison_page(made_of(every).compared)), html_of(comparison_page(made_of("M").compared))
    check(found, wanted, TAGS)
    assert all(char.isprintable() or char == "\n" for char in repr(made_of(every)))


def test_a_hole_would_be_noticed() -> None:
    harmless = html_of(filled(every_block(), repeat("MARKER")))
    for text in ("<img src=x onerror=alert(1)>", "<script>alert(1)</script>"):
        with pytest.raises(AssertionError):
            check(harmless.replace("MARKER", text, 1), harmless, TAGS | {"script"})
    with pytest.raises(AssertionError):
        check(harmless.replace('href="MARKER"', 'href="javascript:alert(1)"', 1), harmless, TAGS)
