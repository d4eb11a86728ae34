"""The page of two checkpoints crossed: every number on it is the record's, and text stays text."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from mediate.figures.crossing import component_rows
from mediate.figures.style import MARGIN
from mediate.report import write_report
from mediate.report.cross_scores import CrossScores
from mediate.report.crossing import render_crossing
from mediate.report.crossing_figures import crossing_figures, scales_of_maps
from mediate.report.crossing_words import CHANGES, CORNERS, crossing_headline
from mediate.report.parts import MOST_ROWS
from mediate.report.words import interval, number, share_words
from mediate.results import Reject
from mediate.results.crossing import change
from mediate.results.crossing_folder import CrossResults, write_crossed
from mediate.results.crossing_names import CHANGE_WORDS, CROSSING_WORDS
from mediate.results.maps import EffectMap
from tests.figures.records import fake_manifest
from tests.figures.test_crossing import fake_crossing, layer_map
from tests.report.parse import Page, parse
from tests.report.payloads import PAYLOADS

STEPS = ("step", "layer")


def fake(count: int = 12, groups: int = 4) -> CrossResults:
    crossing = fake_crossing(count, groups)
    manifest = fake_manifest(counts={"given": count + 1, "measured": count}, weight_bytes={"original": 8, "tuned": 8})
    models = {name: manifest["model"] | {"name": name} for name in ("before", "after")}
    manifest["model"] = {"original": models["before"], "tuned": models["after"]}
    manifest["spec"] |= {"design": "cross", "worlds": ["base"], "writer": "original"}
    maps = [
        layer_map(f"cross.{what}.{view}", item, [1.0, 2.0])
        for what in ("read", "state.z")
        for view in ("mean", "into_tuned.source")
        for item in crossing.items
    ]
    maps += [layer_map("cross.read.window3.mean", item, [1.0, 2.0], STEPS) for item in crossing.items]
    other = replace(crossing, y=crossing.y / 2, outcome="logprob_diff")
    return CrossResults(manifest, (crossing, other), tuple(maps), (Reject("x", "too_long", "shorten it", "a.jsonl:3"),))


def test_every_number_of_the_table_is_an_estimate() -> None:
    results = fake()
    page = parse(render_crossing(results))
    tables = [table for table in page.tables if table[0][0] == "what"]
    assert len(tables) == 2
    for crossing, table in zip(results.crossings, tables, strict=True):
        changes, shares = results.changes(crossing.outcome), results.shares(crossing.outcome)
        assert [row[0] for row in table[1:]] == [CROSSING_WORDS[name] for name in CORNERS | CHANGES]
        for name, row in zip(CORNERS | CHANGES, table[1:], strict=True):
            assert row[1:3] == [number(changes[name].value), interval(changes[name])]
            assert row[3].strip() == (share_words(shares[name]) if name in shares else "")
    assert set(CORNERS | CHANGES) == set(results.changes())
    items = next(table for table in page.tables if table[0][0] == "item" and table[0][2] == "world")
    found = change(results.crossings[0].y)
    assert [row[0] for row in items[1:]] == list(results.crossings[0].items)
    for place, row in enumerate(items[1:]):
        sums = [float(cell.replace("−", "-")) for cell in row[3:]]
        assert sums[2] == pytest.approx(float(found.total[place]), abs=0.01)
        assert sums[2] == pytest.approx(sums[1] - sums[0], abs=0.02)
        assert sums[2] == pytest.approx(sums[3] + sums[4], abs=0.02)
    assert "shorten it" in page.text
    assert "13 items given: 12 items measured, 1 left out." in page.text
    assert "2 of 2" in page.text  # the checks of both models


def test_the_headline_says_what_changed_and_how_it_splits() -> None:
    results = fake()
    said = crossing_headline(results)
    changes, shares = results.changes(), results.shares()
    assert number(changes["total"].value) in said
    assert f"the CoT's state comes {share_words(shares['state'])}" in said
    assert share_words(shares["rest"]) in said
    assert "12 items in 4 groups" in said
    same = replace(results.crossings[0], y=results.crossings[0].y[:, :1, :1, :1].repeat(2, 1).repeat(2, 2).repeat(2, 3))
    nothing = replace(results, crossings=(same,), maps=())
    assert "moves by 0.00 [0.00, 0.00] nats" in crossing_headline(nothing)
    assert "too little to be shared out" in crossing_headline(nothing)
    assert parse(render_crossing(nothing)).text.count("undefined") > 3


def test_pictures_by_outcome_view_and_world() -> None:
    results = fake(2, 2)
    drawn = crossing_figures(results)
    assert [each.name for each in drawn] == [
        "crossing",
        "crossing-1",
        "cross_read_window3_mean",
        "cross-components-mean",
        "cross-components-into_tuned-source",
    ]
    assert all(each.png().startswith(b"\x89PNG") for each in drawn)
    assert number(results.changes()["total"].value) in drawn[0].alt
    assert "effect averaged over both models" in drawn[2].caption
    again = replace(results, crossings=(results.crossings[0], replace(results.crossings[0], outcome="logprob_diff")))
    assert "crossing-1" not in {each.name for each in crossing_figures(again)}
    assert set(component_rows(results)["cross-components-mean"]) == {"read", "state.z"}


def test_names_are_the_same_in_terminal_table_and_figure() -> None:
    results = fake(8, 8)
    told = repr(CrossScores(results))
    figure = Canvas()
    axes = CrossScores(results).plot.changes(ax=figure.subplots())
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert set(names) <= set(CHANGE_WORDS.values())
    page = parse(render_crossing(results)).text
    for each in names:
        assert each in told
        assert each in page
    assert not any(name in told for name in CROSSING_WORDS if "_" in name)


def test_all_maps_have_one_scale_of_colours() -> None:
    results = fake(8, 8)
    (scale,) = scales_of_maps(results).values()
    plot = CrossScores(results).plot
    limits = set()
    for ax in (plot.steps(ax=Canvas().subplots()), plot.components(ax=Canvas().subplots())):
        limits.add(ax.images[0].get_clim())
    assert limits == {(-scale.limit, scale.limit)}
    te = abs(results.changes()["total"].value)
    small = replace(results, maps=tuple(replace(each, values=1e-6 * each.values) for each in results.maps))
    assert scales_of_maps(small)["logit_diff"].limit == pytest.approx(MARGIN * te)


def test_a_run_without_items_or_maps_has_a_page() -> None:
    results = fake()
    nothing = np.zeros((0, 2, 2, 2))
    empty = replace(
        results,
        crossings=tuple(replace(each, y=nothing, items=(), worlds=(), groups=()) for each in results.crossings),
        maps=(),
    )
    page = parse(render_crossing(empty))
    assert crossing_figures(empty) == ()
    assert "No item was crossed" in page.text
    assert page.left_open == []
    assert "No item was crossed" in parse(render_crossing(replace(empty, crossings=()))).text


def test_many_items_are_shortened_and_say_so() -> None:
    results = replace(fake(MOST_ROWS + 5, 20), maps=())
    page = parse(render_crossing(results))
    items = next(table for table in page.tables if table[0][0] == "item" and table[0][2] == "world")
    assert len(items) == MOST_ROWS + 1
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 5} rows" in page.text


def test_the_directory_gets_page_and_figures_and_gets_them_again(tmp_path: Path) -> None:
    results = fake(3, 3)
    write_crossed(tmp_path, results)
    page = write_report(tmp_path)
    assert page == tmp_path / "report.html"
    first = page.read_text(encoding="utf-8")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        f"{each.name}.{ending}" for each in crossing_figures(results) for ending in ("png", "svg")
    }
    assert write_report(tmp_path).read_text(encoding="utf-8") == first == render_crossing(results)
    parsed = parse(first)
    assert {each[0] for each in parsed.attributes("a", "href")} == {"#"}
    assert all(source.startswith("data:image/svg+xml") for source in parsed.attributes("img", "src"))
    assert all(parsed.attributes("img", "alt"))


def marked(text: str) -> CrossResults:
    """The same results with `text` in every field that holds text."""
    results = fake(2, 2)
    crossings = tuple(replace(each, items=(f"{text} 0", f"{text} 1"), groups=(text, "g")) for each in results.crossings)
    step = EffectMap(np.ones((1, 2)), STEPS, {"step": (0,), "layer": (0, 1)}, f"{text} 0", "g", text, "logit_diff", 1.0)
    manifest = dict(results.manifest) | {"created": text, "finished": text, "versions": {text: text}}
    manifest["spec"] = dict(results.manifest["spec"]) | {"template": text, "answer_cue": text}
    manifest["model"] = {name: {"name": text, "dtype": text} for name in ("original", "tuned")}
    return replace(
        results, manifest=manifest, crossings=crossings, maps=(step,), rejects=(Reject(text, text, text, text),)
    )


@cache
def harmless() -> Page:
    return parse(render_crossing(marked("harmless")))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_of_any_origin_stays_text(payload: str) -> None:
    poisoned, plain = parse(render_crossing(marked(payload))), harmless()
    assert poisoned.shape() == plain.shape()
    assert crossing_figures(marked(payload))[-1].name == "map0"
