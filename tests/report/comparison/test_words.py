"""A comparison in words: what repeats is said once, and runs of one model are said to be that."""

from dataclasses import replace

from mediate.report.blocks import plain_text
from mediate.report.comparison.page import comparison_page, comparison_terminal, notebook_view
from mediate.report.comparison.verdicts import basis
from mediate.report.comparison.verdicts import tests_apart as apart_of
from mediate.report.comparison.words import comparison_headline, repeated_words
from mediate.results import Results
from tests.compare import made
from tests.compare.asked import compared

OTHER = "logprob_diff"


def twice(run: Results, apart: float = 0.0) -> Results:
    """The run with a second outcome that is the first again, or so far from it."""
    (cube,) = run.cubes
    return replace(run, cubes=(cube, replace(cube, outcome=OTHER, y=cube.y + apart)))


def test_an_outcome_that_repeats_the_first_is_a_line_everywhere() -> None:
    found = compared(twice(made.run(), 1e-13), twice(made.run(made.B, (0.2, 0.7, 0.1), seed=1)))
    said = repeated_words(found, OTHER)
    assert said == f"{OTHER}: every number is that of logit_diff, to 1e-13 nats (answers of one token)."
    assert repeated_words(found, made.OUTCOME) == ""
    headings = [each.heading for each in comparison_page(found).sections]
    assert f"The same for {OTHER}" in headings
    assert not [each for each in headings if each.startswith(("Shares of", "Differences")) and OTHER in each]
    assert {each.outcome for each in comparison_page(found).figures()} <= {"", made.OUTCOME}
    for shown in (comparison_terminal(found, width=200), notebook_view(found)):
        assert shown.count(OTHER) == 1
        assert said in shown


def test_an_outcome_that_says_more_in_one_run_is_told_in_full() -> None:
    found = compared(twice(made.run()), twice(made.run(made.B, (0.2, 0.7, 0.1), seed=1), 0.5))
    assert repeated_words(found, OTHER) == ""
    assert f"Shares of {OTHER}" in [each.heading for each in comparison_page(found).sections]


def test_the_headline_says_that_both_runs_are_of_one_model() -> None:
    assert comparison_headline(compared(made.run(), made.run(seed=1))).endswith("Both runs are of the very same model.")
    assert "very same" not in comparison_headline(compared(made.run(), made.run(made.B)))


def test_where_p_and_interval_disagree_on_0_the_page_says_why() -> None:
    found = compared(made.run(), made.run(made.B, (0.2, 0.7, 0.1), seed=1))
    first = found.differences[0]
    near, far = replace(first.estimate, low=-0.1, high=0.4), replace(first.estimate, low=0.1, high=0.4)
    for estimate, p, apart in ((near, 0.03, True), (far, 0.125, True), (near, 0.3, False), (far, 0.01, False)):
        told = replace(found, differences=(replace(first, estimate=estimate, p=p),))
        said = "p and the interval disagree on 0 for direct share in run1 (p "
        assert len(apart_of(told, made.OUTCOME)) == apart
        shown = (plain_text(basis(told, made.OUTCOME)), notebook_view(told))
        assert [said in each for each in shown] == [apart, apart]


def test_the_contents_count_what_was_found() -> None:
    found = {each.id: each.found for each in comparison_page(compared(made.run(), made.run(made.B))).sections}
    assert found["runs"] == "2 runs"
    assert found["items"].endswith(" shared by all runs, 0 dropped")
