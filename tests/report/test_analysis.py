"""Two outcomes whose numbers are the same are told once: on the page, in its figures and on the terminal."""

from dataclasses import replace

import pytest

from mediate.report.analysis import repeats
from mediate.report.run.figures import run_figures
from mediate.report.run.page import render_page, terminal
from mediate.results.cube import Cube
from tests.figures.records import fake_results

pytestmark = pytest.mark.usefixtures("undrawn")


def twice(shift: float):
    """A run of two outcomes, the second one's numbers those of the first, shifted."""
    made = fake_results()
    first = made.cube("logit_diff")
    return replace(made, cubes=(first, Cube(first.y + shift, first.items, first.groups, "logprob_diff")))


def test_the_same_numbers_are_told_once() -> None:
    made = twice(1e-12)
    assert repeats(made, "logit_diff") is None
    assert repeats(made, "logprob_diff") == pytest.approx(1e-12, rel=0.1)
    drawn = run_figures(made)
    assert {each.outcome for each in drawn} == {"logit_diff"}
    page = render_page(made, drawn)
    assert "Every number of <code>logprob_diff</code> is that of <code>logit_diff</code>, to 1e-12 nats" in page
    assert "logprob_diff: every number as above, to 1e-12 nats (answers of one token)\n" in terminal(made)


def test_other_numbers_are_told_in_full() -> None:
    made = twice(1e-3)
    assert repeats(made, "logprob_diff") is None
    assert {each.outcome for each in run_figures(made)} == {"logit_diff", "logprob_diff"}
    assert "Every number of" not in render_page(made)
    assert "every number as above" not in terminal(made)
