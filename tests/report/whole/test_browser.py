"""Pages in a real browser: quiet, accessible, whole without a script, and what their scripts add."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.figures import visible
from mediate.figures.narrow import NARROW
from mediate.report.blocks import Look, Page, Section, Table, TableCell, Terms, Text, columns, numbers
from mediate.report.html import Image, to_html
from mediate.report.run.page import render_page
from mediate.results import total_effect
from tests.figures.records import fake_results
from tests.report.browser import WIDTHS, Opened, opened
from tests.report.payloads import PAYLOADS
from tests.report.whole.test_injection import PAGES

MANY = 450
RESULTS = replace(fake_results(MANY, layers=3), maps=())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of twelve items with its figures."""
    path = tmp_path_factory.mktemp("small") / "report.html"
    path.write_text(render_page(fake_results(layers=3)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of more items than stand there without a script."""
    path = tmp_path_factory.mktemp("many") / "report.html"
    path.write_text(render_page(RESULTS, []), encoding="utf-8")
    return path


@pytest.fixture
def open_many(browser: Any, many: Path) -> Iterator[Opened]:
    with opened(browser, many) as found:
        yield found


def rows(shown: Opened, column: int = 0) -> list[str]:
    """A column of the items that are shown."""
    cells = shown.page.locator(f"#items ~ .scroll table.items tbody tr > :nth-child({column + 1})")
    return [str(each) for each in cells.all_inner_texts()]


def status(shown: Opened) -> str:
    return str(shown.page.locator("#items ~ .tools [role=status]").first.inner_text())


def heading(shown: Opened, name: str) -> Any:
    return shown.page.locator("table.items").get_by_role("columnheader", name=name, exact=True).first


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_is_quiet_accessible_and_no_wider_than_its_window(
    browser: Any, small: Path, width: str, dark: bool
) -> None:
    with opened(browser, small, width=WIDTHS[width], dark=dark) as shown:
        for each in shown.page.locator("main details").all():
            each.evaluate("each => { each.open = true }")
        assert shown.violations() == []
        assert shown.overflow() <= 0
        assert (shown.asked, shown.said) == ([], [])


@pytest.mark.parametrize("name", [each for each in PAGES if each != "every block"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_of_any_kind_is_quiet_accessible_and_whole(browser: Any, tmp_path: Path, name: str, dark: bool) -> None:
    shown = PAGES[name]()
    path = tmp_path / "page.html"
    path.write_text(to_html(shown, {each.name: BLANK for each in shown.figures()}), encoding="utf-8")
    for width in WIDTHS.values():
        with opened(browser, path, width=width, dark=dark) as there:
            for each in there.page.locator("details").all():
                each.evaluate("each => { each.open = true }")
            assert there.violations() == []
            assert there.overflow() <= 0
            assert there.page.evaluate(CUT) == []
            assert there.page.evaluate(OVER) == []
            assert there.page.evaluate(LINKS) == []
            assert (there.asked, there.said) == ([], [])


# What ends outside of the window, but in what is scrolled; and what is set over the end of its own box.
CUT = """() => {
  const wide = document.documentElement.clientWidth;
  const scrolled = (each) => each.closest(".scroll, .chain, .box, .skip, pre, .tip");
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.checkVisibility() && !scrolled(each) && each.getBoundingClientRect().right > wide + 1)
    .map((each) => `${each.localName} ${each.textContent.slice(0, 60)}`);
}"""
# Cells whose text stands over their end, in the way of the next one.
OVER = """() => [...document.querySelectorAll("main :is(td, th)")]
  .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.textContent)"""
# Links of one name that lead to different places.
LINKS = """() => {
  const known = new Map(), found = [];
  for (const each of [...document.querySelectorAll("a[href]")].filter((one) => one.checkVisibility())) {
    const name = each.textContent.trim(), at = each.getAttribute("href");
    if (known.has(name) && known.get(name) !== at) found.push(name);
    known.set(name, at);
  }
  return found;
}"""


BLANK = Image(*2 * [b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>'])


def test_without_a_script_all_is_there(browser: Any, small: Path) -> None:
    with opened(browser, small, script=False) as shown:
        page = shown.page
        assert page.locator("header .headline").inner_text().startswith("Of the effect of the question")
        assert page.locator("figure img").count() == page.locator("figcaption").count() > 3
        assert len(rows(shown)) == 12
        assert page.locator(".chain .token").count() > 50
        assert page.locator("button, input").count() == 0
        assert (shown.asked, shown.said) == ([], [])


def test_all_items_are_there_in_pages_of_rows(open_many: Opened) -> None:
    ids = [item.id for item in RESULTS.items]
    assert rows(open_many) == ids[:100]
    assert status(open_many) == f"1 to 100 of {MANY} rows"
    assert not open_many.page.locator("p.unscripted").is_visible()
    on, back = (open_many.page.get_by_role("button", name=f"{each} rows") for each in ("Next", "Previous"))
    for _ in range(9):
        on.click(force=True)  # Playwright does not click what says that it is disabled.
    assert rows(open_many) == ids[400:]
    assert status(open_many) == f"401 to {MANY} of {MANY} rows"
    back.click()
    assert rows(open_many) == ids[300:400]


def test_a_table_is_sorted_by_keyboard_as_numbers_with_what_is_undefined_last(open_many: Opened) -> None:
    te = total_effect(RESULTS.cubes[0].y)
    head, ids = heading(open_many, "TE"), np.array([item.id for item in RESULTS.items])
    head.get_by_role("button").focus()
    open_many.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert rows(open_many)[:20] == ids[np.argsort(te.round(2), kind="stable")][:20].tolist()
    open_many.page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert rows(open_many)[:20] == ids[np.argsort(-te.round(2), kind="stable")][:20].tolist()
    open_many.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert rows(open_many) == ids[:100].tolist()
    share = heading(open_many, "mediated")
    for _ in range(2):
        share.get_by_role("button").click()
        assert not any("undefined" in row for row in open_many.page.locator("table.items tbody tr").all_inner_texts())
    open_many.page.locator("input").first.fill("stones-004")
    assert rows(open_many) == ["stones-004"]


def test_rows_are_found_by_their_words_and_counted_aloud(open_many: Opened) -> None:
    box = open_many.page.get_by_role("searchbox").first
    box.fill("COINS step")
    ids = [item.id for item in RESULTS.items if item.group == "coins"]
    assert rows(open_many) == [each for each in ids if "step" in row_text(each)][:100]
    assert status(open_many).endswith(f"{len(ids)} of {MANY} rows")
    box.fill("no such thing")
    assert rows(open_many) == []
    assert status(open_many) == f"0 of {MANY} rows"


def row_text(name: str) -> str:
    item = next(each for each in RESULTS.items if each.id == name)
    return "step" if any(told.states_answer is not None for told in (item.base, item.source) if told) else ""


def saved(shown: Opened, name: str) -> str:
    with shown.page.expect_download() as waiting:
        shown.page.get_by_role("button", name=name).first.click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_a_table_is_saved_as_csv_as_it_is_sorted_and_searched(open_many: Opened) -> None:
    every = list(csv.reader(io.StringIO(saved(open_many, "Save items as CSV"))))
    assert every[0][:5] == ["item", "group", "base answer", "source answer", "effect (nats): TE"]
    assert every[0][8] == "share of TE: direct (%)"
    assert [row[0] for row in every[1:]] == [item.id for item in RESULTS.items]
    te = total_effect(RESULTS.cubes[0].y)
    assert np.array([float(row[4]) for row in every[1:]]) == pytest.approx(te, abs=0.0051)
    heading(open_many, "TE").get_by_role("button").click()
    open_many.page.get_by_role("searchbox").first.fill("books")
    some = list(csv.reader(io.StringIO(saved(open_many, "Save items as CSV"))))[1:]
    assert {row[1] for row in some} == {"books"}
    assert [float(row[4]) for row in some] == sorted(float(row[4]) for row in some)
    assert (open_many.asked, open_many.said) == ([], [])


def shown_page(tmp_path: Path, *blocks: Any) -> Path:
    path = tmp_path / "page.html"
    path.write_text(to_html(Page("t", "Why?", "Because.", (Section("Part", blocks, id="part"),))), encoding="utf-8")
    return path


def test_what_a_spreadsheet_would_run_is_saved_as_text(browser: Any, tmp_path: Path) -> None:
    texts = ["=1+1", "+cmd|x", "-x", "@a", "\tb", "plain", 'with "quotes", commas', "−1.25", "+3", "1e-5"]
    table = Table((*columns("name"), *numbers("n")), tuple((each, str(place)) for place, each in enumerate(texts)))
    with opened(browser, shown_page(tmp_path, table)) as shown:
        found = [row[0] for row in csv.reader(io.StringIO(saved(shown, "Save part as CSV")))][1:]
    assert found == [*("'=1+1", "'+cmd|x", "'-x", "'@a", "⇥b", "plain", 'with "quotes", commas', "-1.25", "+3", "1e-5")]


def test_intervals_and_thousands_are_sorted_by_their_numbers(browser: Any, tmp_path: Path) -> None:
    texts = ["1,000 [1, 2]", "−5 [−6, −4]", "undefined", "97 %", "[3, 4]", "no interval", "12"]
    table = Table(numbers("n", "of"), tuple((each, "x") for each in texts), named=False)
    with opened(browser, shown_page(tmp_path, table)) as shown:
        shown.page.get_by_role("button", name="n", exact=True).click()
        found = shown.page.locator("tbody td:first-child").all_inner_texts()
        assert found == ["−5 [−6, −4]", "[3, 4]", "12", "97 %", "1,000 [1, 2]", "undefined", "no interval"]
        shown.page.get_by_role("button", name="n", exact=True).click()
        assert shown.page.locator("tbody td:first-child").all_inner_texts()[-2:] == ["undefined", "no interval"]


def test_terms_are_explained_to_a_pointer_and_to_a_keyboard(browser: Any, tmp_path: Path) -> None:
    table = Table(numbers("TE", "n"), (("1", "2"),), named=False)
    words = Section("Words", (Terms((("total effect, TE", "What the question does."),)),), id="words", folded="1 word")
    told = (Text("Here TE is read, and TE again, not TEST."), table, Section("Inner", (Text("TE"),)))
    path = tmp_path / "page.html"
    path.write_text(to_html(Page("t", "Why?", "Because.", (Section("A", told), Section("B", (Text("TE"),)), words))))
    with opened(browser, path) as shown:
        tip, marked = shown.page.get_by_role("tooltip"), shown.page.locator(".term")
        assert marked.all_inner_texts() == ["TE", "TE"]  # once a part
        marked.first.hover()
        assert tip.inner_text() == "What the question does."
        shown.page.keyboard.press("Escape")
        assert not tip.is_visible()
        marked.last.focus()
        assert tip.is_visible()
        assert marked.last.get_attribute("aria-describedby") == tip.get_attribute("id")
        assert shown.violations() == []


def test_the_switch_turns_the_colours_and_keeps_nothing(browser: Any, small: Path) -> None:
    def ground(shown: Opened) -> str:
        return str(shown.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    with opened(browser, small) as shown:
        light = ground(shown)
        shown.page.get_by_role("button", name="Show in dark colours").click()
        dark = ground(shown)
        assert dark != light
        shown.page.get_by_role("button", name="Show in light colours").click()
        assert ground(shown) == light
        shown.page.get_by_role("button", name="Show in dark colours").click()
        shown.page.reload()
        assert ground(shown) == light
    with opened(browser, small, dark=True) as shown:
        assert ground(shown) == dark


def test_a_folded_part_opens_for_a_link_into_it_and_for_print(browser: Any, small: Path) -> None:
    with opened(browser, small, at="#versions") as shown:
        folds = shown.page.locator("main details")
        opens = [each.evaluate("each => each.open") for each in folds.all()]
        assert opens.count(True) == 1
        assert shown.page.locator("#versions").is_visible()
        shown.page.locator("#contents a[href='#words']").click()
        shown.page.locator("#words + details[open]").wait_for()
        shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert all(each.evaluate("each => each.open") for each in folds.all())
        shown.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert [each.evaluate("each => each.open") for each in folds.all()].count(True) == 2


def test_on_a_phone_a_wide_table_is_scrolled_by_keyboard_with_its_first_column_in_place(
    browser: Any, small: Path
) -> None:
    with opened(browser, small, width=WIDTHS["phone"]) as shown:
        table = shown.page.locator(".scroll:has(table.items)")
        first, last = (table.locator(f"tbody tr:first-child > :{each}-child") for each in ("first", "last"))
        before = first.bounding_box()["x"]
        assert last.bounding_box()["x"] > WIDTHS["phone"]
        assert table.get_attribute("tabindex") == "0"
        table.focus()
        shown.page.keyboard.press("End")
        table.evaluate("each => { each.scrollLeft = each.scrollWidth }")
        box = last.bounding_box()
        assert box["x"] + box["width"] <= WIDTHS["phone"]
        assert first.bounding_box()["x"] == before
        assert shown.page.locator("#contents details").evaluate("each => each.open") is False
        widths = "[...document.querySelectorAll('figure img')].map(each => each.naturalWidth)"
        assert max(shown.page.evaluate(widths)) < 96 * NARROW + 1  # those that are drawn for phones
    with opened(browser, small) as shown:
        assert min(shown.page.evaluate(widths)) > 2 * 96 * NARROW - 2


def test_long_names_are_broken_and_stand_over_nothing(browser: Any, tmp_path: Path) -> None:
    names = ("reference-0.3m-decorative-of-some-length", "x" * 80, "a name of several words that goes on and on")
    looks = [Look.PLAIN, Look.SHORT, Look.LONG]
    tables = [
        Table(
            (*columns("run", look=each), *columns("against"), *numbers("n")), tuple((name, "b", "1") for name in names)
        )
        for each in looks
    ]
    for width in WIDTHS.values():
        with opened(browser, shown_page(tmp_path, *tables), width=width) as shown:
            assert shown.page.evaluate(OVER) == []
            assert shown.overflow() <= 0
            assert shown.page.locator("tbody tr:first-child > :first-child").first.bounding_box()["width"] > 120


def test_short_names_stay_on_their_line(browser: Any, tmp_path: Path) -> None:
    table = Table((*columns("item", "group"), *numbers(*"abcdef")), (("modular-2-0000", "g", *"123456"),))
    rest = Table(table.columns, table.rows * 2, shown=1)  # the second row is made by the script
    with opened(browser, shown_page(tmp_path, table, rest), width=WIDTHS["phone"]) as shown:
        boxes = [each.bounding_box() for each in shown.page.locator("tbody th, tbody td:first-child").all()]
        assert len(boxes) == 3
        assert max(each["height"] for each in boxes) < 32


def test_on_paper_all_is_open_and_nothing_is_to_be_pressed(browser: Any, small: Path, tmp_path: Path) -> None:
    for script in (True, False):
        with opened(browser, small, dark=True, script=script) as shown:
            shown.page.emulate_media(media="print", color_scheme="dark")
            assert not [
                each for each in shown.page.locator("button:not(.term, .sort), input, nav").all() if each.is_visible()
            ]
            assert shown.page.pdf(path=str(tmp_path / "page.pdf")).startswith(b"%PDF")
            assert shown.page.locator("#words ~ details dd").last.is_visible()
    assert (tmp_path / "page.pdf").stat().st_size > 50_000


@pytest.mark.parametrize("begin", range(0, len(PAYLOADS), 26))
def test_no_script_takes_text_for_more(browser: Any, tmp_path: Path, begin: int) -> None:
    """Text of any kind in every row that stands there, in those that a script makes, and in the glossary."""
    texts = PAYLOADS[begin : begin + 26]
    made = tuple((each, TableCell(each, channel="text"), each) for each in texts)
    table = Table(columns(*texts[:3]), made, named=False, shown=1, opens="item")
    terms = Section("Words", (Terms(tuple((each, each) for each in texts)),), id="words")
    with opened(browser, shown_page(tmp_path, Text(" ".join(texts)), table, terms)) as shown:
        assert shown.page.locator("tbody td:first-child").all_text_contents() == [visible(each) for each in texts]
        tags = set(shown.page.evaluate("[...document.querySelectorAll('main *')].map(each => each.localName)"))
        assert tags <= TAGS
        shown.page.get_by_role("searchbox").first.fill(visible(texts[5]))
        assert shown.page.locator("tbody tr").count() >= 1
        shown.page.locator("th button").first.click()
        saved(shown, "Save part as CSV")
        for each in shown.page.locator(".term").all():
            each.focus()
        assert (shown.asked, shown.said) == ([], [])


TAGS = {
    *("h2", "h3", "a", "p", "div", "table", "thead", "tbody", "tr", "th", "td", "button", "input", "span", "script"),
    *("dl", "dt", "dd"),
}
