"""A run of one item speaks of `1 item`: on its page and in its figures."""

import re
from dataclasses import replace

import matplotlib.text
import pytest

from mediate.figures import detached
from mediate.figures.share_spread import plot_share_spread
from mediate.report.run.page import notebook, render_page, terminal
from mediate.results import Reject, Results
from tests.figures.records import fake_results
from tests.report.parse import parse

MANY = re.compile(r"(?<![\d.,])1 (?:item|pair|group|step|chain|cell|map|model|token|run|entrie|layer)s\b")


@pytest.fixture(scope="module")
def one() -> Results:
    """One item and one that was left out."""
    return replace(fake_results(1), rejects=(Reject("cards-013", "not_solved", "the model answers '9'"),))


def test_a_page_of_one_item_has_no_plural_of_it(one: Results) -> None:
    for shown in (parse(render_page(one)).text, terminal(one), notebook(one)):
        assert "1 item" in shown.replace("\xa0", " ")
        assert not MANY.findall(shown.replace("\xa0", " "))
    assert "1 entry left out." in notebook(one)


def test_a_figure_of_one_item_has_no_plural_of_it(one: Results) -> None:
    with detached((6.0, 4.0)) as (drawn, ax):
        plot_share_spread(one.cubes[0], ax=ax)
        said = " ".join(each.get_text() for each in drawn.findobj(matplotlib.text.Text))
    assert "n = 1 of 1 item)" in said
    assert not MANY.findall(said)
