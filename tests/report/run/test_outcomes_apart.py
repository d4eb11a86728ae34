from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mediate.report.run.outcomes_apart import outcomes_apart
from mediate.report.run.page import notebook, terminal
from mediate.results import Results
from tests.figures.records import fake_item_results, fake_results


def with_other(results: Results, y: NDArray[np.float64]) -> Results:
    """The same with other numbers of the second outcome."""
    first, other = results.cubes
    return replace(results, cubes=(first, replace(other, y=y)))


def test_outcomes_that_agree_are_not_told_apart() -> None:
    assert outcomes_apart(fake_results()) == ()
    assert outcomes_apart(fake_item_results()) == ()


def test_total_effects_on_either_side_of_0_are_told_with_the_headlines_outcome() -> None:
    results = fake_item_results()
    found = with_other(results, -results.cubes[1].y)
    disagree, against = outcomes_apart(found)
    assert disagree.startswith("Outcomes disagree. The headline is of logit: TE ")
    assert "By contrast, logprob: TE −" in disagree
    assert against.startswith("By logprob (TE −")
    assert "against the measured answer" in against
    shown = " ".join(terminal(found).split())
    assert "note: Outcomes disagree. The headline is of logit" in shown
    assert "note: By logprob (TE -" in shown
    assert "Outcomes disagree" in notebook(found)


def test_mediated_shares_whose_intervals_do_not_meet_are_told() -> None:
    results = fake_results()
    y = results.cubes[1].y.copy()
    y[:, 1, 1, 1] = y[:, 1, 0, 0] + 0.5 * (y[:, 1, 0, 0] - y[:, 0, 0, 0])  # a third of it is mediated
    y = y + np.linspace(3.0, 6.0, len(y))[:, None, None, None] * np.arange(2.0)[:, None, None]
    (disagree,) = outcomes_apart(with_other(results, y))
    assert "By contrast, logprob_diff: TE " in disagree
    assert "speak against" not in disagree


def test_a_negative_total_effect_of_pairs_speaks_against_the_base_answer() -> None:
    results = fake_results()
    turned = replace(results, cubes=tuple(replace(each, y=-each.y) for each in results.cubes))
    (against,) = outcomes_apart(turned)
    assert "logit_diff (TE −" in against
    assert "logprob_diff (TE −" in against
    assert "against the base answer" in against


def test_one_item_without_intervals_says_nothing_of_it() -> None:
    results = fake_item_results(1)
    assert outcomes_apart(with_other(results, -results.cubes[1].y)) == ()
