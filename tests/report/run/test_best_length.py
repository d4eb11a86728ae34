"""The best length on the page and as a frame, of sets whose conditions are lengths alone."""

from dataclasses import replace

import pytest

from mediate.errors import InputError
from mediate.report.run.page import render_page
from mediate.report.run.scores import Scores
from mediate.results import Results
from tests.figures.records import fake_results
from tests.report.parse import parse
from tests.results.test_conditions import conditioned

pytestmark = pytest.mark.usefixtures("undrawn")

NAMES = ("1 a step, plain", "2 a step, plain", "1 a step, terse", "2 a step, terse")


@pytest.fixture(scope="module")
def results() -> Results:
    """Longer chains in full are right, shorter ones are not; terse ones are all right."""
    results = conditioned(fake_results(24, undefined=False), NAMES)
    items = []
    for item in results.items:
        right = not item.condition.startswith("2 a step, plain")
        steps = 4 if item.condition.startswith("1") else 2
        told = replace(item.base, tokens=("x",) * steps, steps=tuple(range(steps)))
        items.append(replace(item, base=replace(told, said=told.answer if right else "none")))
    return replace(results, items=tuple(items))


def test_the_page_says_the_best_length_or_why_there_is_none(results: Results) -> None:
    page = parse(render_page(results))
    table = next(each for each in page.tables if each[0][0] == "length of")
    assert [row[:3] for row in table[1:]] == [
        ["plain", "steps", "4 / 2"],
        ["terse", "steps", "4 / 2"],
        ["1 a step", "tokens", "4 / 4"],
        ["2 a step", "tokens", "2 / 2"],
    ]
    assert table[1][3].replace("\N{NO-BREAK SPACE}", " ") == "100 % / 0 %"
    assert table[1][4:6] == ["4.0", "[4.0, 4.0]"]
    assert table[2][4] == "undefined"
    assert "best length of terse: as many answers are right at each length (100%)" in page.text
    assert "N* of plain: the formula has 3 parameters, and there are 2 lengths of problems" in page.text


def test_the_frame_has_the_same_and_takes_conditions_by_name(results: Results) -> None:
    frame = Scores(results).optimum()
    assert list(frame["at"]) == ["plain", "terse", "1 a step", "2 a step"]
    assert frame["best"][0] == 4
    assert frame["best_reason"][1].startswith("as many answers are right")
    one = Scores(results).optimum(["1 a step, plain", "2 a step, plain"], by="tokens")
    assert (one["best"][0], one["by"][0]) == (4, "tokens")


def test_conditions_that_are_no_lengths_have_none() -> None:
    results = conditioned(fake_results(24, undefined=False), ("without", "with"))
    assert "best length" not in parse(render_page(results)).text.lower()
    with pytest.raises(InputError, match=r"no conditions whose names say a length.*\('without', 'with'\)"):
        Scores(results).optimum()
