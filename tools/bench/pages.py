"""Writing the page of many items, and what a browser takes to open it, to sort its items and to search them."""

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.bench.bench import Bench, Setting
from tools.bench.merging import made
from tools.bench.timing import seconds

if TYPE_CHECKING:
    from tools.bench.timing import Record

ITEMS = (300, 5000)
# Milliseconds from the click to the new layout, each time on another column.
SORTED = """() => [...document.querySelectorAll("table.items .sort")].slice(0, 12).map((each) => {
  const begun = performance.now();
  each.click();
  document.body.getBoundingClientRect();
  return performance.now() - begun;
})"""
SEARCHED = """() => ["0", "0-00", "no such item", "1", ""].map((text) => {
  const begun = performance.now(), box = document.querySelector("#items ~ .tools input");
  box.value = text;
  box.dispatchEvent(new Event("input"));
  document.body.getBoundingClientRect();
  return performance.now() - begun;
})"""
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def run(record: "Record", setting: Setting) -> None:
    """On runs that are made up, with a map of step by layer an item."""
    from tests.report.browser import executable, opened, running

    record.model, record.dtype = "made-up runs", "float64"
    if executable() is None:
        record.skip("opening a page", "there is no Chromium")
        return
    with tempfile.TemporaryDirectory() as folder, running() as browser:
        for items in (20, 30) if setting.short else ITEMS:
            path, on = Path(folder) / f"{items}.html", f"{items:,} items"
            record.value("writing the page", seconds(lambda: _write(path, items)), "s", on=on)  # noqa: B023
            record.value("its size", path.stat().st_size / 2**20, "MiB", on=on)
            found = [_open(browser, path, opened) for _ in range(record.rounds)]
            for place, (what, unit) in enumerate(WHAT.items()):
                record.value(what, [each[place] for each in found], unit, on=on)


WHAT = {"opening it": "s", "sorting its items": "ms", "the slowest": "ms", "searching them": "ms"}


def _write(path: Path, items: int) -> None:
    from mediate.report.run.page import render_page

    results = made(0, items)
    manifest = {**results.manifest, "model": {"name": "made up"}}
    path.write_text(render_page(replace(results, manifest=manifest)), encoding="utf-8")


def _open(browser: Any, path: Path, opened: Any) -> tuple[float, ...]:
    with opened(browser, path) as shown:
        loaded = shown.page.evaluate(LOADED) / 1000
        sorts, searches = shown.page.evaluate(SORTED), shown.page.evaluate(SEARCHED)
    return loaded, statistics.median(sorts), max(sorts), max(searches)


PAGES = Bench("page", run, minutes=1)
