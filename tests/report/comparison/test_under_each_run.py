"""The same item under each run of a comparison: what stands there without a script, and what a browser shows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.compare import Compared
from mediate.report.blocks import BINS, Explorer, Section, Tokens
from mediate.report.comparison.comparison import compare
from mediate.report.comparison.page import render_comparison
from mediate.report.comparison.under_each_run import under_each_run
from mediate.results import Results
from tests.figures.records import fake_manifest, fake_results
from tests.report.browser import WIDTHS, opened

DEEP, SHALLOW = 60, 3


def run(layers: int, times: float = 1.0) -> Results:
    """A run whose effects are largest in its middle layer, `times` as large as those of the other."""
    found = fake_results(6, layers=layers)
    by_layer = np.where(np.arange(layers) == layers // 2, 4.0, 0.5)
    maps = tuple(replace(each, values=times * np.ones_like(each.values) * by_layer) for each in found.maps)
    manifest = fake_manifest(model=fake_manifest()["model"] | {"layers": layers, "name": f"m{layers}"})
    return replace(found, manifest=manifest, maps=maps)


@pytest.fixture(scope="module")
def compared() -> Compared:
    return compare(run(DEEP), run(SHALLOW, 0.25), labels=["deep", "shallow"], allow_mixed=True).compared


def explorer(compared: Compared) -> Explorer:
    (found,) = under_each_run(compared).blocks
    assert isinstance(found, Explorer)
    return found


def test_chains_of_all_runs_have_one_scale_and_layers_of_one_depth(compared: Compared) -> None:
    first = next(each for each in explorer(compared).without if isinstance(each, Section))
    assert first.heading == compared.pairing.items[0]
    deep, shallow = (each for each in first.blocks if isinstance(each, Tokens))
    assert {each.shade for each in deep.stretches} == {BINS}
    assert {each.shade for each in shallow.stretches} == {BINS // 4}
    said = [getattr(each, "words", "") for each in first.blocks]
    assert said[0] == "deep, in layer 30 alone"
    assert said[2] == "shallow, in layer 1 alone"


def test_without_maps_in_common_the_chains_have_no_colour() -> None:
    compared = compare(run(4), replace(run(4), maps=()), labels=["a", "b"], allow_mixed=True).compared
    (text, *rest) = explorer(compared).without
    assert "no map along chains in common" in getattr(text, "words", "")
    assert len([each for each in rest if isinstance(each, Section)]) == 4


def test_a_browser_shows_an_item_under_both_runs(browser: Any, compared: Compared, tmp_path: Path) -> None:
    path = tmp_path / "comparison.html"
    path.write_text(render_comparison(compared), encoding="utf-8")
    item = compared.pairing.items[2]
    for width in WIDTHS.values():
        with opened(browser, path, width=width, at=f"#item={item}&layer=59") as shown:
            page = shown.page
            assert page.locator("#explorer h4").all_inner_texts() == ["deep", "shallow"]
            assert page.get_by_role("grid").count() == 2
            said = page.locator("#explorer .reading").inner_text()
            assert "layer 59: +0.50 nats" in said
            assert "layer 2: +0.1" in said
            page.get_by_role("grid").nth(1).locator("tbody tr").first.locator("td").nth(1).click()
            said = page.locator("#explorer .reading").inner_text()
            assert "deep: step 0, layer 30: +4.00" in said
            assert "shallow: step 0, layer 1: +1.00" in said
            assert shown.violations() == []
            assert (shown.asked, shown.said) == ([], [])
            assert shown.overflow() <= 0
