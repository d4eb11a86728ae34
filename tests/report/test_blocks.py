"""Blocks and what the renderers make of them; no results behind them."""

import pytest

from mediate.errors import InputError
from mediate.figures.figure import Figure
from mediate.report.blocks import (
    Column,
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
from mediate.report.html import to_html, to_notebook
from mediate.report.terminal import to_text
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
    assert '<td class="num" colspan="2">wide</td><td class="short">x</td>' in to_html(page(table))


def test_headings_have_a_scope_and_come_in_order() -> None:
    table = Table((*columns("name"), *numbers("x", "y", group="both")), (("a", "1", "undefined"),))
    parsed = parse(to_html(page(table, Section("Inner", (Text("x"),)))))
    assert parsed.attributes("th", "scope") == ["colgroup", "col", "col", "col", "row"]
    assert [tag for tag, _ in parsed.elements if tag[0] == "h" and tag[1:].isdigit()] == ["h1", "h2", "h3"]
    assert [attrs["class"] for tag, attrs in parsed.elements if tag == "span"] == ["undefined"]
    assert parse(to_html(page(facts([("a", "b")])))).tables == [[["a", "b"]]]


@pytest.mark.parametrize("href", ["javascript:alert(1)", "data:text/html,x", "//x.test", '" onclick="x'])
def test_a_link_leads_to_the_page_or_a_file_beside_it(href: str) -> None:
    (found,) = parse(to_html(page(Text((Phrase("x", href=f"{href}/report.html"),))))).attributes("a", "href")
    assert ":" not in found
    assert not found.startswith("//")
    assert parse(to_html(page(Text((Phrase("x", href="a/b.html"),))))).attributes("a", "href") == ["a/b.html"]


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
