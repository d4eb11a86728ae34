"""The words of a page: an outcome is told as it is known of, and no other is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mediate.report.analysis import analysis_of
from mediate.report.blocks import Terms, plain_text, prose
from mediate.report.run.glossary import words_section
from mediate.results import Results
from mediate.results.outcomes import outcome_facts
from tests.figures.records import fake_item_results, fake_results


def said(results: Results) -> str:
    (terms,) = (each for each in words_section(results, analysis_of(results)).blocks if isinstance(each, Terms))
    return plain_text(dict(terms.items)["outcome"])


@pytest.mark.parametrize("made", [fake_results, fake_item_results])
def test_the_runs_own_outcomes_are_told_and_no_others(made: Callable[[], Results]) -> None:
    found = made()
    for kept in (found.cubes, found.cubes[:1]):
        told = [f"{each.outcome}: {plain_text(prose(outcome_facts(each.outcome).words))}" for each in kept]
        assert said(replace(found, cubes=kept)).endswith("; ".join(told) + ".")
