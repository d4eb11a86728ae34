"""Blocks and what the renderers make of them; no results behind them."""

import pytest

from mediate.errors import InputError
from mediate.figures import visible
from mediate.figures.figure import Figure
from mediate.report.blocks import (
    Column,
    Data,
    Look,
    Notes,
    Page,
    Phrase,
    Section,
    Table,
    TableCell,
    Tag,
    Text,
    columns,
    facts,
    holding,
    numbers,
    plain_text,
    prose,
)
from mediate.report.html import SCRIPTS, SHARED, package_text, page_script, to_html, to_notebook
from mediate.report.terminal import to_text, typed
from tests.report.parse import parse


def page(*blocks: object, **more: str) -> Page:
    return Page("t", "Why?", "Because.", (Section("Part", blocks, id="part"),), **more)  # type: ignore[arg-type]


def test_marks_are_read_before_values_are_put_in() -> None:
    found = prose("A *base* and `code` and {value}.", value="*no* `code` {here} <b>")
    assert [(each.text, each.tag) for each in found if each.tag] == [("base", Tag.STRESSED), ("code", Tag.CODE)]
    assert plain_text(found) == "A base and code and *no* `code` {here} <b>."
    shown = to_html(page(Text(found)))
    assert "<em>base</em> and <code>code</code> and *no* `code` {here} &lt;b&gt;." in shown


def test_a_row_must_fill_its_columns() -> None:
    with pytest.raises(InputError, match="a row of 1 cells in a table of 2 columns"):
        Table(columns("a", "b"), (("x",),))
    Table(columns("a", "b"), ((TableCell("x", span=2),),))


def test_a_cell_after_a_wide_one_looks_like_its_own_column() -> None:
    table = Table((*numbers("a", "b"), Column("c", Look.SHORT)), ((TableCell("wide", span=2), "x"),), named=False)
    assert '<td class="num" colspan="2">wide</td><td class="short tight">x</td>' in to_html(page(table))


def test_a_name_of_one_word_is_not_broken_and_a_sentence_is() -> None:
    table = Table(
        (*columns("a", "b"), *numbers("c")), (("smollm2-135m-instruct", "two words", "1"), ("x" * 40, "", "2"))
    )
    parsed = parse(to_html(page(table)))
    assert parsed.attributes("th", "class") == ["num", "tight long", "loose"], (
        "long enough to be broken at its hyphens on a phone"
    )
    assert parsed.attributes("td", "class") == ["loose", "num", "tight", "num"]


def test_headings_have_a_scope_and_come_in_order() -> None:
    table = Table((*columns("name"), *numbers("x", "y", group="both")), (("a", "1", "undefined"),))
    parsed = parse(to_html(page(table, Section("Inner", (Text("x"),)))))
    assert parsed.attributes("th", "scope") == ["colgroup", "col", "col", "col", "row"]
    assert [tag for tag, _ in parsed.elements if tag[0] == "h" and tag[1:].isdigit()] == ["h1", "h2", "h3"]
    assert [attrs["class"] for tag, attrs in parsed.elements if tag == "span"] == ["undefined"]
    assert parse(to_html(page(facts([("a", "b")])))).tables == [[["a", "b"]]]


@pytest.mark.parametrize("href", ["javascript:alert(1)", "data:text/html,x", "//x.test", '" onclick="x'])
def test_a_link_leads_to_the_page_or_a_file_beside_it(href: str) -> None:
    found = parse(to_html(page(Text((Phrase("x", href=f"{href}/report.html"),))))).attributes("a", "href")[-1]
    assert ":" not in found
    assert not found.startswith("//")
    assert parse(to_html(page(Text((Phrase("x", href="a/b.html"),))))).attributes("a", "href")[-1] == "a/b.html"


def test_every_block_is_told_by_each_renderer() -> None:
    shown = page(
        Text("said"), Notes(("why",), "note"), Table(columns("", "b"), (("x", "y"),), "corner"), warning="Mind!"
    )
    for text in (parse(to_html(shown)).text, parse(to_notebook(shown)).text, to_text(shown)):
        assert all(word in text for word in ("Mind!", "Because.", "said", "why", "corner", "b", "x", "y"))
    assert "note: why" in to_text(shown)
    assert to_text(shown).startswith("WARNING: Mind!\nBecause.\n")
    notebook = parse(to_notebook(shown))
    assert not notebook.styles
    assert not notebook.attributes("p", "class")


def test_a_figure_that_no_section_takes_is_an_error_that_names_it() -> None:
    lost = Figure("mine", lambda ax: ax, "alt", "caption", section="nowhere")
    with pytest.raises(InputError, match="figure 'mine': no section 'nowhere' of this page takes a figure"):
        holding(page(Text("x")), [lost])
    assert holding(page(lost), [lost]).figures() == (lost,)


def test_data_for_scripts_reads_back_as_it_is_and_nothing_in_it_ends_its_element() -> None:
    value = {"<!--": ["</script><script>alert(1)</script>", "a & b", 1, -0.5, True, None], "né": {"🙂": ("עברית", "x")}}
    html = to_html(page(Data("numbers", value)))
    found = parse(html)
    assert found.data == {"numbers": value | {"né": {"🙂": ["עברית", "x"]}}}
    assert found.scripts == [page_script()]
    assert html.count("</script") == 2


@pytest.mark.parametrize("text", ["\u2028\u2029", "\ud800", "\x00\x1b[2J", "\u202eevil"])
def test_data_for_scripts_has_nothing_invisible(text: str) -> None:
    html = to_html(page(Data("texts", [text])))
    html.encode("utf-8")
    assert parse(html).data["texts"] == [visible(text)]


def test_data_is_for_the_page_alone_and_without_infinities() -> None:
    assert not parse(to_notebook(page(Data("texts", ["x"])))).data
    assert "texts" not in to_text(page(Data("texts", ["x"])))
    with pytest.raises(ValueError, match="JSON"):
        to_html(page(Data("numbers", [float("nan")])))


def test_a_script_ends_with_its_names_but_for_the_shared_ones() -> None:
    script = page_script()
    assert script.startswith('\n"use strict";\n')
    for name in SCRIPTS:
        assert package_text(name).rstrip() in script
        assert (f"{{\n{package_text(name).rstrip()}\n}}" in script) != (name in SHARED)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_evaluates_fetches_or_reads_markup(name: str) -> None:
    script = package_text(name)
    for word in FORBIDDEN:
        assert word not in script, word


FORBIDDEN = (
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "createContextualFragment"),
    *("eval(", "Function(", 'setTimeout("', "import(", "fetch(", "XMLHttpRequest", "WebSocket", "EventSource"),
    *("sendBeacon", "localStorage", "sessionStorage", "document.cookie"),
)


def test_a_terminal_breaks_a_long_name_and_cuts_none() -> None:
    name = "mistaken.recomputed.and.more.of.a.name.without.a.space"
    said = to_text(page(Table(columns("edit"), ((name,), ("−1.25",)))), 40)
    assert "…" not in said
    assert name in "".join(said.split())
    assert "-1.25" in said
    assert typed("−1 ≤ 2") == "-1 <= 2"
