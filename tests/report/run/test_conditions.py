"""The section of conditions: on the page, in the terminal, as a frame; none where a set has none."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.figures.figure import Figure
from mediate.report.blocks import Notes
from mediate.report.run.conditions import condition_figures, conditions_section
from mediate.report.run.page import render_page, terminal
from mediate.report.run.scores import Scores
from mediate.results import Results
from mediate.tasks.distance import DISTANCE
from tests.figures.records import fake_item_results, fake_results
from tests.report.parse import parse
from tests.results.test_conditions import conditioned

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def results() -> Results:
    return conditioned(fake_results(24, undefined=False), ("<i>without</i>", "with"))


def test_the_page_has_a_table_of_conditions_and_of_differences(results: Results) -> None:
    html = render_page(results)
    page = parse(html)
    assert "<i>without" not in html
    table = next(each for each in page.tables if each[0][0] == "condition")
    assert [row[0] for row in table[1:]] == ["<i>without</i>", "with"]
    assert {"TE (nats)", "mediated", "answers rightly", "prefers its answer"} <= set(table[0])
    apart = next(each for each in page.tables if each[0][0] == "difference")
    assert [row[0] for row in apart[1:]] == ["with"]
    frame = Scores(results).conditions()
    te = frame[(frame.condition == "with") & (frame.quantity == "te")].iloc[0]
    assert table[2][table[0].index("TE (nats)")] == f"{te.value:.2f}"
    assert apart[1][apart[0].index("TE (nats)")].replace("−", "-") == f"{te.difference:.2f}"


def test_page_figures_and_frame_work_them_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.report.run import conditions

    asked, real = [], conditions.by_condition
    monkeypatch.setattr(conditions, "by_condition", lambda *given, **how: asked.append(given) or real(*given, **how))
    fresh = conditioned(fake_results(12, undefined=False), ("one", "two"))
    render_page(fresh)
    terminal(fresh)
    assert len(Scores(fresh).conditions()) > 2
    assert len(asked) == 1
    assert set(Scores(fresh).conditions("logprob_diff").outcome) == {"logprob_diff"}
    assert len(asked) == 2


def test_the_page_says_why_a_difference_of_shares_is_not_there(results: Results) -> None:
    cube = results.cube()
    y = cube.y.copy()
    y[1::2] = y[1::2, :1, :1, :1]
    (section,) = conditions_section(replace(results, cubes=(replace(cube, y=y),)), ())
    said = section.blocks[-1]
    assert isinstance(said, Notes)
    why = "differences of shares: undefined (the mean total effect under with is 0 nats, within 0.1 of 0)"
    assert why in said.items


def test_maps_of_all_conditions_have_one_scale(results: Results) -> None:
    figures = list(condition_figures(results, "logit_diff"))
    assert [each.name for each in figures] == ["conditions", "condition-0-steps", "condition-1-steps"]
    from matplotlib.figure import Figure as Canvas

    limits = {each.draw(ax=Canvas().subplots()).images[0].get_clim() for each in figures[1:]}
    assert len(limits) == 1
    every = [each for each in results.maps if each.outcome == "logit_diff"]
    assert next(iter(limits))[1] <= max(np.nanmax(abs(each.values)) for each in every)
    assert not list(condition_figures(results, "logprob_diff"))
    assert "in the same colours as under the others" in figures[1].caption


def test_the_terminal_says_shares_with_their_te(results: Results) -> None:
    told = terminal(results)
    assert "logit_diff: by condition" in told
    line = next(line for line in told.splitlines() if line.strip().startswith("with "))
    assert "%" in line


def test_every_condition_of_the_largest_family_has_its_map() -> None:
    names = tuple(dict.fromkeys(pair.condition for pair in DISTANCE.pairs(9)))
    results = conditioned(fake_results(27, undefined=False), names)
    figures = list(condition_figures(results, "logit_diff"))
    assert len(figures) == 1 + len(names) == 10
    assert figures[-1].caption.startswith("8 after: ")
    (section,) = conditions_section(results, [replace(each, outcome="logit_diff") for each in figures])
    assert [each.name for each in section.blocks if isinstance(each, Figure)] == [each.name for each in figures]


def test_a_set_without_conditions_has_no_section() -> None:
    for results in (fake_results(), fake_item_results()):
        assert "By condition" not in parse(render_page(results)).text
        assert "by condition" not in terminal(results)
        assert Scores(results).conditions().empty


def test_items_by_themselves_have_conditions_too() -> None:
    results = conditioned(fake_item_results(24), ("a", "b"))
    table = next(each for each in parse(render_page(results)).tables if each[0][0] == "condition")
    assert "prefers its answer" not in table[0]
    assert [row[0] for row in table[1:]] == ["a", "b"]
    one = replace(results, items=tuple(replace(each, condition="a") for each in results.items))
    tables = [each[0][0] for each in parse(render_page(one)).tables]
    assert "condition" in tables
    assert "difference" not in tables
