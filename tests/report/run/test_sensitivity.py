"""The sensitivity section: all replacements side by side, what was left out, and which of them differ."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mediate.figures import detached
from mediate.figures.sensitivity import plot_sensitivity
from mediate.report.analysis import analysis_of
from mediate.report.blocks import Notes, Section, Text, plain_text
from mediate.report.run.page import run_page, terminal
from mediate.report.run.sensitivity import replaced_of, sensitivity_section
from mediate.results import Results
from mediate.results.contrasts import HIDDEN
from mediate.results.cube import Cube
from mediate.results.replacements import Replaced
from tests.figures.records import fake_results
from tests.report.shown import said, table_in

SIZES = {"deletion": 1.0, "filler": 1.0, "zero": 2.0, "noise": 9.0}


@pytest.fixture(scope="module")
def results() -> Results:
    given = fake_results()
    cubes = tuple(_hidden(each, name) for each, name in zip(given.cubes, ("logit", "logprob"), strict=True))
    rng = np.random.default_rng(0)
    rows = [
        Replaced(item, group, name, cube.outcome, 3.0, 3.0 - size - rng.normal(0, 0.1), far, long)
        for cube in cubes
        for item, group in zip(cube.items, cube.groups, strict=True)
        for name, size in SIZES.items()
        for far, long in [(1.5, 0.0) if name in ("zero", "noise") else (np.nan, np.nan)]
    ]
    rows[0] = replace(rows[0], value=float("nan"), reason="no tokens")
    items = tuple(replace(each, source=None) for each in given.items)
    return replace(given, items=items, cubes=cubes, cut=(), controls=(), maps=(), replaced=tuple(rows))


def _hidden(cube: Cube, outcome: str) -> Cube:
    y = cube.y.copy()
    y[:, :, 0, 1] = y[:, :, 0, 0]
    return replace(cube, y=y, groups=cube.items, outcome=outcome, contrast=HIDDEN)  # more groups, to find anything


def section_of(results: Results) -> Section:
    (found,) = (each for each in run_page(results).sections if each.id == "sensitivity")
    return found


def test_all_replacements_stand_side_by_side(results: Results) -> None:
    table = table_in(section_of(results))
    assert table is not None
    rows = {row["in the chain's place"]: row for row in said(table)}
    assert list(rows) == ["hidden", "deletion", "filler", "zero", "noise"]
    found = {each.name: each for each in replaced_of(analysis_of(results), results, results.cube())}
    assert rows["zero"]["mean effect (nats)"] == f"{found['zero'].effect.value:.2f}"
    assert (rows["zero"]["distance"], rows["deletion"]["distance"], rows["hidden"]["norm"]) == ("1.50", "", "")
    assert (rows["deletion"]["left out"], rows["zero"]["left out"]) == ("1", "0")
    assert "no tokens" in str(section_of(results).blocks)


def test_the_contents_name_the_least_and_the_most(results: Results) -> None:
    found = section_of(results).found
    assert re.fullmatch(r"takes, in nats: [01]\.\d\d \((deletion|filler)\) to 9\.0\d \(noise\)", found), found


def test_a_sentence_says_which_differ_and_of_how_many(results: Results) -> None:
    blocks = section_of(results).blocks
    (counted,) = (plain_text(each.words) for each in blocks if isinstance(each, Text) and "looked at" in str(each))
    assert counted.startswith("10 paired differences of two replacements looked at: ")
    told = [plain_text(each) for block in blocks if isinstance(block, Notes) for each in block.items]
    assert any(re.match(r"noise takes [78]\.[0-9]{2} nats more than deletion \[", each) for each in told), told
    assert not any("filler" in each and "deletion" in each for each in told)


def test_the_terminal_has_them_in_short(results: Results) -> None:
    shown = terminal(results)
    assert "logit: the chain alone replaced" in shown
    assert "sensitivity: 10 paired differences of two replacements" in " ".join(shown.split())


def test_a_run_without_replacements_has_no_such_section(results: Results) -> None:
    without = replace(results, replaced=())
    assert sensitivity_section(without, ()) == ()
    assert "sensitivity" not in {each.id for each in run_page(without).sections}
    assert "sensitivity" not in {each.section for each in run_page(without).figures()}
    assert "replaced" not in terminal(without)


def test_each_replacement_is_a_dot_with_its_interval(results: Results) -> None:
    found = replaced_of(analysis_of(results), results, results.cube())
    with detached((7.0, 3.0)) as (_, ax):
        plot_sensitivity(found, outcome="logit", ax=ax)
        names: list[Any] = [each.get_text() for each in ax.get_yticklabels()]
        dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]  # type: ignore[index]
    assert names == [each.name for each in found]
    assert dots == [each.effect.value for each in found]
    (figure,) = (each for each in section_of(results).blocks if getattr(each, "name", "") == "sensitivity")
    assert f"zero {found[3].effect.value:.2f}" in figure.alt  # type: ignore[union-attr]


def test_the_figures_title_has_the_unit(results: Results) -> None:
    found = replaced_of(analysis_of(results), results, results.cube())
    with detached((7.0, 3.0)) as (_, ax):
        plot_sensitivity(found, outcome="logit", ax=ax)
    title = " ".join(ax.get_title(loc="left").split())
    assert re.fullmatch(r"noise takes [\d.]+ \[[\d., ]+\] nats, more than hidden", title), title
