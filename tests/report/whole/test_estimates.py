"""A run whose maps are estimates says so wherever a number of them stands: page, notebook, figures, comparison."""

import re
from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from mediate.compare.maps import Scope
from mediate.figures import plot_layers, plot_step_layer
from mediate.report.comparison.comparison import compare
from mediate.report.comparison.figures import comparison_figures
from mediate.report.comparison.page import render_comparison
from mediate.report.run.figures import run_figures
from mediate.report.run.items import first_chains
from mediate.report.run.page import render_page
from mediate.report.run.scores import Scores
from mediate.results import Results
from mediate.results.agreement import Agreement
from tests.figures.records import fake_results
from tests.report.parse import parse

pytestmark = pytest.mark.usefixtures("undrawn")

KIND = "attribution.resid_pre"
TRUST = Agreement(0.95, 0.95, 0.1, 1.0, 0.9, 32, 8, 0)


def estimated(kind: str = KIND, *, beside: bool = False, trust: Agreement | None = TRUST) -> Results:
    """A run with estimates alone, or with an exact map after them."""
    results = fake_results(6)
    maps = tuple(replace(each, kind=kind, agreement=trust) for each in results.maps)
    return replace(results, maps=(*maps, *results.maps) if beside else maps)


@pytest.fixture(scope="module")
def page() -> str:
    return parse(render_page(estimated())).text


def test_the_chains_are_coloured_by_an_estimate_and_told_so(page: str) -> None:
    words = " ".join(page.split())
    assert "the colour of a gradient estimate, not exact patching, of the effect of replacing resid_pre" in words
    assert (
        "the layer with the largest estimates over all items; each step begins with its number and that estimate"
        in words
    )
    assert "Against exact patching, over all items: reliable 5." in words
    assert "swapping what the answer reads of that step" not in words
    assert not re.search(rf"{re.escape(KIND)} effect", words)


def test_the_notebook_says_the_same() -> None:
    words = " ".join(parse(Scores(estimated())._repr_html_()).text.split())
    assert "a gradient estimate, not exact patching, of the effect of replacing resid_pre" in words
    assert "swapping" not in words


def test_a_window_is_no_layer_alone() -> None:
    words = " ".join(parse(render_page(estimated("read.window3", trust=None))).text.split())
    assert re.search(r"for the source's, in the 3 layers around layer \d+, the layer with", words)


@pytest.mark.parametrize("kind", ["read", "knockout", "state.z"])
def test_an_exact_map_comes_before_an_estimate(kind: str) -> None:
    results = estimated(beside=True)
    results = replace(
        results, maps=tuple(replace(each, kind=kind) if each.kind == "read" else each for each in results.maps)
    )
    found = first_chains(results, 2).maps
    assert found is not None
    assert (found.kind, found.noun, found.caution) == (kind, "effect", "")


def test_figures_and_their_words_say_estimate() -> None:
    results = estimated(trust=None)
    for each in run_figures(results):
        if each.name.startswith(("steps", "layers")):
            assert f"{KIND} estimate of the effect" in each.alt
            assert "Estimated; against exact patching, over the items: not assessed." in each.caption
            assert f"{KIND} effect" not in each.alt + each.caption
    heat = plot_step_layer(results.maps, ax=Figure().subplots())
    beside = heat.figure.axes[1].get_ylabel().replace("\n", " ")
    assert beside.startswith("mean attribution.resid_pre estimate of the effect")
    lines = plot_layers(results.maps, ax=Figure().subplots())
    assert "attribution.resid_pre estimate of the" in lines.get_ylabel().replace("\n", " ")


def test_estimates_without_a_check_are_not_called_exact() -> None:
    text = " ".join(parse(render_page(estimated(trust=None))).text.split())
    assert "every map is exact" not in text
    assert f"Not held against exact patching: {KIND}." in text


def test_a_comparison_of_estimates_says_so() -> None:
    runs = [estimated(), replace(estimated(), manifest=estimated().manifest | {"created": "later"})]
    compared = compare(*runs, labels=["one", "two"]).compared
    assert all(each.estimated for each in compared.maps)
    drawn = comparison_figures(compared)
    said = [each.alt + each.caption for each in drawn if KIND in each.alt]
    assert said
    assert all(f"{KIND} estimates" in each and f"{KIND} effects" not in each for each in said)
    page = parse(render_comparison(compared)).text
    assert any(each.scope is Scope.LAYER for each in compared.maps)
    assert f"{KIND} effects" not in page
