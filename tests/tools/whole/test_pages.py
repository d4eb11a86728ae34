"""The pages that benchmarks and findings write have a part for each of them, in their order."""

from pathlib import Path

import pytest

from tools.bench import __main__ as bench
from tools.findings import __main__ as findings
from tools.marked import Part


@pytest.mark.parametrize(
    ("page", "parts"),
    [
        (bench.PAGE, [each.part for each in bench.BENCHES]),
        (findings.PAGE, [each.part for each in findings.FINDINGS]),
    ],
    ids=["speed", "findings"],
)
def test_every_part_stands_once_and_in_order(page: Path, parts: list[Part]) -> None:
    text = page.read_text(encoding="utf-8")
    for part in parts:
        part.check(page)
    places = [text.index(part.start) for part in parts]
    assert places == sorted(places)
    assert text.count(": written by ") == len(parts), "a part that no command writes"
