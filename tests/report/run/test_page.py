import hashlib
import math
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

from mediate.errors import InputError
from mediate.figures.narrow import NARROW
from mediate.report import render_page, write_report
from mediate.report.blocks import Section
from mediate.report.html import ENDINGS, page_script
from mediate.report.parts import MOST_ROWS
from mediate.report.run import items
from mediate.report.run.items import MOST_CHAINS
from mediate.report.run.page import notebook
from mediate.report.words import headline, number
from mediate.results import Results, corners, item_shares, set_effects, set_shares, shapley, write_results
from mediate.results.cube import select
from tests.figures.records import fake_item_results, fake_manifest, fake_results
from tests.report.parse import Page, parse

SECTIONS = [
    *("shares", "channels", "maps", "estimates", "copying", "controls"),
    *("items", "chains", "left-out", "identities", "method", "words"),
]


@pytest.fixture(scope="module")
def results() -> Results:
    return fake_results()


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return render_page(results)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return parse(html)


@pytest.fixture(scope="module")
def few(results: Results) -> Results:
    two = of_items(results, ["apples-000", "books-002"])
    return replace(two, cubes=two.cubes[:1])


def number_in(cell: str) -> float:
    return float(cell.replace("−", "-").removesuffix("%").strip())


def numbers_in(cell: str) -> list[float]:
    return [number_in(each) for each in cell.strip(" []").split(",")]


def of_items(results: Results, keep: list[str]) -> Results:
    items = tuple(item for item in results.items if item.id in keep)
    maps = tuple(each for each in results.maps if each.item in keep)
    return replace(results, items=items, cubes=tuple(select(cube, keep) for cube in results.cubes), maps=maps)


def test_weights_that_were_quantised_are_told_wherever_the_dtype_is(results: Results) -> None:
    model = dict(results.manifest["model"], dtype="float32", weights="4-bit GGUF, Q4_1")
    quantised = replace(results, manifest={**results.manifest, "model": model})
    told = "float32 (from 4-bit GGUF, Q4_1)"
    assert told in headline(quantised)
    page = parse(render_page(quantised)).text
    assert page.count(told) == 3, "the headline, the paragraph on methods and the facts of the model"


def test_sections_come_in_their_order(page: Page) -> None:
    assert page.attributes("h2", "id") == [*SECTIONS[:8], "the-same-for-logprob_diff", *SECTIONS[8:]]
    assert page.attributes("html", "lang") == ["en"]


def test_the_page_needs_nothing_from_outside_and_runs_nothing(page: Page) -> None:
    assert page.scripts == [page_script()]
    assert not {"link", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    assert {each[0] for each in page.attributes("a", "href")} == {"#"}
    sources = page.attributes("img", "src") + page.attributes("source", "srcset")
    assert all(src.startswith("data:image/svg+xml;base64,") for src in sources)
    assert not [attrs for _, attrs in page.elements if "style" in attrs], "the policy would block inline styles"
    assert "url(" not in page.styles[0]
    assert "@import" not in page.styles[0]


def test_the_policy_admits_this_style_and_this_script_alone(page: Page) -> None:
    (style,), (script,) = page.styles, page.scripts
    policy = next(
        attrs["content"] or "" for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    for source, text in (("style-src", style), ("script-src", script)):
        digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{source} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_every_class_on_the_page_has_a_style(page: Page) -> None:
    used = {name for _, attrs in page.elements for name in (attrs.get("class") or "").split()}
    styled = set(re.findall(r"\.([a-z][\w-]*)", page.styles[0]))
    assert used - styled <= {"token", "channel"}


def test_shares_on_the_page_are_the_computed_ones(results: Results, page: Page) -> None:
    table = page.tables[0]
    shares, effects = set_shares(results.cubes[0]), set_effects(results.cubes[0])
    assert [row[0] for row in table[1:]] == list(shares)
    for name, share, ends, effect, effect_ends in table[1:]:
        mean = effects["tie" if name == "mediated" else name]
        assert number_in(share) == pytest.approx(100 * shares[name].value, abs=0.051)
        assert numbers_in(ends) == pytest.approx([100 * shares[name].low, 100 * shares[name].high], abs=0.051)
        assert number_in(effect) == pytest.approx(mean.value, abs=0.0051)
        assert numbers_in(effect_ends) == pytest.approx([mean.low, mean.high], abs=0.0051)


def test_classical_effects_on_the_page_are_the_computed_ones(results: Results, page: Page) -> None:
    effects = corners(results.cubes[0].y)._asdict()
    shown = {row[0].lower(): number_in(row[1]) for row in page.tables[1][1:]}
    assert shown == {name: pytest.approx(values.mean(), abs=0.0051) for name, values in effects.items()}


def test_a_page_of_items_names_necessity_sufficiency_and_blind() -> None:
    results = fake_item_results()
    page, effects = parse(render_page(results)), set_effects(results.cubes[0])
    rows = {row[0]: row[1:] for row in page.tables[1][1:]}
    for each in results.cubes[0].contrast.named:
        mean, ends, formula = rows[each.name]
        assert number_in(mean) == pytest.approx(effects[each.name].value, abs=0.0051)
        assert numbers_in(ends) == pytest.approx([effects[each.name].low, effects[each.name].high], abs=0.0051)
        assert formula == each.definition
    assert "What the answer loses when it reads the same words of the chain, computed without sight" in page.text
    short = {row[0]: row for row in parse(notebook(results)).tables[0]}
    assert number_in(short["blind"][3]) == pytest.approx(effects["blind"].value, abs=0.0051)
    assert "blind" not in parse(notebook(fake_results())).text


def test_rows_of_items_are_the_computed_ones(results: Results, page: Page) -> None:
    table = next(table for table in page.tables if "base answer" in table[1])
    cube = results.cubes[0]
    values, shares = shapley(cube.y), item_shares(cube)
    assert [row[0] for row in table[2:]] == list(cube.items)
    for place, row in enumerate(table[2:]):
        item = results.items[place]
        own = " (model: 9)" if place == 2 else ""
        assert row[1:4] == [item.group, item.base.answer, item.source.answer + own]
        assert [number_in(cell) for cell in row[5:8]] == pytest.approx(values[place], abs=0.0051)
        if np.isnan(shares[place]).any():
            assert row[8] == "undefined: |TE| ≤ 0.1"
        else:
            assert [number_in(cell) for cell in row[8:12]] == pytest.approx(100 * shares[place], abs=0.51)
        stated = item.base.states_answer
        assert row[-2] == ("no" if stated is None else f"step {item.base.steps[stated]}")
    assert sum("undefined" in cell for row in table for cell in row) == 1


def test_the_headline_has_the_numbers_their_basis_and_the_model(results: Results, page: Page) -> None:
    shares = {name: round(100 * share.value) for name, share in set_shares(results.cubes[0]).items()}
    assert f"{shares['mediated']}\xa0% [" in page.text
    assert (
        f"{shares['text']}\xa0% is text, {shares['latent']}\xa0% latent and {shares['direct']}\xa0% direct" in page.text
    )
    assert "n\xa0=\xa012 items in 5 groups; smollm2-135m-instruct, float32." in page.text


def test_copying_is_flagged(page: Page) -> None:
    assert "In 9 of 12 items the base chain itself states the answer" in page.text


def test_what_was_left_out_is_counted_and_listed(results: Results, page: Page) -> None:
    assert "15 items given: 12 items measured, 3 left out; of measured items, 1 map left out." in page.text
    counts = next(table for table in page.tables if table[0] == ["reason", "left out", "times"])
    assert counts[1:] == [
        ["not_solved", "item", "2"],
        ["equal_answers", "item", "1"],
        ["steps_differ", "read:step,layer", "1"],
    ]
    listed = next(table for table in page.tables if table[0][-1] == "place")
    assert [row[3] for row in listed[1:]] == [reject.reason for reject in results.rejects]


def test_tokens_have_the_shade_of_their_steps_effect(results: Results, page: Page) -> None:
    layer = int(np.argmax(sum(abs(each.values).sum(axis=0) for each in results.maps)))
    assert f"in layer {layer} alone" in page.text
    assert "apples-000" in page.text
    effects = next(each for each in results.maps if each.item == "apples-000").values[:, layer]
    for step, effect in enumerate(effects):
        sign = "+" if effect > 0 else ""
        assert f"{step} {sign}{effect:.2f}".replace("-", "−") in page.text
    assert "coins-001 (no map)" in page.text
    told = [told for item in results.items[:MOST_CHAINS] for _, told in item.worlds]
    stating = sum(each.states_answer is not None for each in told)
    assert sum("states" in (attrs.get("class") or "").split() for _, attrs in page.elements) == stating > 7


def test_images_are_of_a_desks_and_of_a_phones_width_and_described(page: Page) -> None:
    wide, narrow = (
        [float(re.search(rb'viewBox="0 0 ([\d.]+)', b64decode(each.split(",")[1]))[1]) for each in sources]
        for sources in (page.attributes("img", "src"), page.attributes("source", "srcset"))
    )
    assert len(wide) == len(narrow) == 7
    assert min(wide) >= 7 * 72
    assert set(narrow) == {NARROW * 72}
    alts = page.attributes("img", "alt")
    assert alts[0].startswith("Shares of the total effect on logit_diff: direct ")
    assert re.search(r"the largest is at step −1, layer 18, \d\.\d\d nats", alts[3])


def test_rendering_again_gives_the_same_page(results: Results, html: str) -> None:
    assert render_page(results) == html


def test_rendering_ignores_the_users_settings_and_opens_no_figure(few: Results) -> None:
    plain, before = render_page(few), pyplot.get_fignums()
    with pyplot.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert render_page(few) == plain
    assert pyplot.get_fignums() == before


def test_undefined_shares_are_the_word_with_its_reason(results: Results) -> None:
    page = parse(render_page(of_items(results, ["stones-004"])))
    assert (
        "The shares of direct, text and latent are undefined: the mean total effect, 0.02, is within 0.1 of 0"
        in page.text
    )
    assert [row[1:3] for row in page.tables[0][1:]] == [["undefined", "no interval"]] * 4
    assert "shares: undefined (the mean total effect, 0.02, is within 0.1 of 0)" in page.text
    assert "items whose own share is undefined (|TE| ≤ 0.1 nats): 1" in page.text


def test_one_group_has_no_interval_and_says_why(results: Results) -> None:
    page = parse(render_page(of_items(results, ["apples-000", "apples-005"])))
    assert "shares: no interval (one group: nothing to resample)" in page.text
    assert [row[2] for row in page.tables[0][1:]] == ["no interval"] * 4


def test_a_run_that_measured_nothing_has_a_page_that_says_so(results: Results) -> None:
    page = parse(render_page(replace(results, items=(), cubes=(), maps=())))
    assert "No item of the 15 given was measured, so there is no share to report; 3 left out" in page.text
    assert page.attributes("h2", "id") == SECTIONS
    assert "img" not in {tag for tag, _ in page.elements}


def test_cubes_of_no_items_read_back_as_nothing_measured(results: Results) -> None:
    empty = replace(results, items=(), cubes=tuple(select(cube, []) for cube in results.cubes), maps=())
    assert render_page(empty) == render_page(replace(results, items=(), cubes=(), maps=()))


def test_a_bare_manifest_gives_dashes() -> None:
    page = parse(render_page(Results({})))
    model = next(table for table in page.tables if table[0][0] == "name")
    assert [row[1] for row in model] == ["–"] * 11
    assert "The run records no checks of the model at load." in page.text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([], "This run was asked for no maps."),
        (["read:step,layer"], "No map over step and layer was measured."),
        (None, "No map over step and layer was measured."),  # the usual one, which no pair allowed
    ],
)
def test_without_maps_the_section_says_why(few: Results, asked: list[str], words: str) -> None:
    manifest = fake_manifest(spec={"maps": asked})
    page = parse(render_page(replace(few, manifest=manifest, maps=())))
    assert words in page.text
    assert "Without maps over steps or positions the chains have no colour." in page.text


def test_maps_without_a_number_are_named_and_not_dropped(few: Results) -> None:
    nothing = {"dims": ("step", "result"), "coords": {"step": (0,), "result": (0,)}, "values": np.full((1, 1), np.nan)}
    empty = tuple(replace(each, kind="step_graph.read", outcome="result_logit_diff", **nothing) for each in few.maps)
    page = parse(render_page(replace(few, maps=empty)))
    assert "Also measured: step_graph.read over step, result, of which no cell has a number" in page.text


def test_the_spec_of_the_run_sets_threshold_level_and_seed(results: Results) -> None:
    some = of_items(results, ["apples-000", "books-002", "cards-003"])
    manifest = fake_manifest(spec={"min_te": 5.0, "level": 0.5, "seed": 9})
    page = parse(render_page(replace(some, manifest=manifest)))
    share = set_shares(some.cubes[0], min_te=5.0, level=0.5, seed=9)["text"]
    assert "intervals: 50\xa0% symmetric bootstrap-t over groups, seed 9" in page.text
    assert "(|TE| ≤ 5 nats): 1" in page.text
    shown = page.tables[0][2][2]
    if math.isnan(share.low):
        assert shown == "no interval"
    else:
        assert numbers_in(shown) == pytest.approx([100 * share.low, 100 * share.high], abs=0.051)


def test_a_long_run_shows_the_first_rows_and_says_how_many_there_are() -> None:
    results = replace(fake_results(MOST_ROWS + 5, layers=2), maps=())
    page = parse(render_page(results, []))
    table = next(table for table in page.tables if "base answer" in table[1])
    assert len(table) == MOST_ROWS + 2
    assert "The first 200 of 205 items; all of them are in results/cube.parquet, and here where" in page.text
    (rest,) = (data for name, data in page.data.items() if name != "explorer-data")
    assert [row[0] for row in rest["rows"]] == [item.id for item in results.items[MOST_ROWS:]]
    assert rest["rows"][0][4] == number(results.cubes[0].y[MOST_ROWS, 1, 1, 1] - results.cubes[0].y[MOST_ROWS, 0, 0, 0])
    assert "rest" not in parse(notebook(results)).text
    assert f"The first {MOST_CHAINS} of 205 items, not chosen by result. With script enabled" in page.text
    assert len(page.data["explorer-data"]["items"]) == MOST_ROWS + 5


def shown_chains(results: Results) -> list[str]:
    section = items.chains_section(results)
    return [each.heading for each in section.blocks if isinstance(each, Section)]


def test_fewer_chains_are_shown_where_they_are_long_and_none_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    results = replace(fake_results(6, layers=2), maps=())
    whole = sum(len(told.tokens) for item in results.items[:3] for _, told in item.worlds)
    monkeypatch.setattr(items, "MOST_TOKENS", whole)
    assert shown_chains(results) == [item.id for item in results.items[:3]]
    monkeypatch.setattr(items, "MOST_TOKENS", 1)
    assert len(shown_chains(results)) == 1


def test_the_report_is_written_beside_the_results(results: Results, html: str, tmp_path: Path) -> None:
    write_results(tmp_path, results)
    path = write_report(tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == html
    names = (
        "channels",
        "channels-logprob_diff",
        "layers-read",
        "share-spread",
        "shares",
        "shares-logprob_diff",
        "steps-read",
    )
    files = [f"{name}.{ending}" for name in names for ending in ENDINGS]
    assert {each.name for each in (tmp_path / "figures").iterdir()} == set(files)
    shown = [b64decode(src.split(",")[1]) for src in parse(html).attributes("img", "src")]
    assert sorted(shown) == sorted(each.read_bytes() for each in (tmp_path / "figures").glob("*.svg"))
    assert all(Image.open(each).width >= 7 * 150 for each in (tmp_path / "figures").glob("*.png"))


def test_a_figure_is_written_in_the_formats_that_are_asked_for(few: Results, tmp_path: Path) -> None:
    write_results(tmp_path, few)
    write_report(tmp_path, ("svg", "pdf"))
    assert {each.suffix for each in (tmp_path / "figures").iterdir()} == {".svg", ".pdf"}


def test_an_unfinished_run_has_no_report(results: Results, tmp_path: Path) -> None:
    write_results(tmp_path, replace(results, manifest=fake_manifest(status="started")))
    with pytest.raises(InputError, match="status is 'started'"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()
