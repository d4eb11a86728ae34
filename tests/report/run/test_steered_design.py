"""What a page says of a steered model, and of which design its run is."""

from dataclasses import replace
from typing import Any

import pytest

from mediate.report import render_page
from mediate.report.blocks import plain_text
from mediate.report.run.steered_design import steered_sections
from mediate.results import Results
from tests.figures.records import fake_results

pytestmark = pytest.mark.usefixtures("undrawn")

STEERING = {
    "alpha": 1.5,
    "layer": 2,
    "vector": "abcdef" * 10,
    "norm": 12.3,
    "base": {"name": "the base", "fingerprint": "f"},
    "formula": "mean(execution) - mean(reflection and transition)",
    "counts": {"execution": 20, "reflection": 9, "transition": 0},
    "halves": {"cosine": 0.91, "seed": 0},
}


def of(chains: Any, **more: Any) -> Results:
    plain = fake_results()
    model = dict(plain.manifest["model"]) | {"steering": STEERING | more}
    return replace(plain, manifest=dict(plain.manifest) | {"model": model, "steered_chains": chains})


@pytest.mark.parametrize(
    ("given", "written", "said"),
    [
        (24, 0, "Its 24 chains came from elsewhere: steering changes how they are read, and nothing else."),
        (0, 1, "It wrote its 1 chain itself: steering changes what they say, too."),
        (3, 5, "two designs in one run"),
    ],
)
def test_the_two_designs_are_told_apart(given: int, written: int, said: str) -> None:
    html = render_page(of({"given": given, "written": written}))
    assert said in html
    assert "1.5 times a vector is added to the residual stream as it leaves layer 2" in html
    assert "20 of execution, 9 of reflection, 0 of transition" in html
    assert "0.910" in html


def test_the_control_is_called_one() -> None:
    (found,) = steered_sections(of(None, random=3))
    words = " ".join(plain_text(row) for block in found.blocks for row in getattr(block, "rows", ()) for row in row)
    assert "a random vector as long as the fitted one" in words
    assert "drawn with seed" in words


def test_a_model_as_it_is_has_no_such_section() -> None:
    assert steered_sections(fake_results()) == ()
    assert "How the model is steered" not in render_page(fake_results())
