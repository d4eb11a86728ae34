"""The viewer of items in a real browser: what it shows is what was measured, by mouse and by keyboard."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from mediate.report.comparison.comparison import compare
from mediate.report.comparison.page import comparison_page
from mediate.report.html import Image, to_html
from mediate.report.run.explorer import STEPS
from mediate.report.run.page import run_page
from mediate.results import EffectMap, Measured, Results, Told, total_effect
from mediate.results.agreement import Agreement
from tests.compare.asked import FEW
from tests.figures.records import fake_item_results, fake_results
from tests.report.browser import WIDTHS, Opened, opened
from tests.report.payloads import PAYLOADS

GRAPH = "step_graph.read"


def with_maps(results: Results) -> Results:
    """A run with maps over steps, positions, heads, a step graph with gaps, and estimates."""
    rng, more = np.random.default_rng(3), list[EffectMap]()
    trust = Agreement(0.75, 0.9, 0.1, 1.0, 0.9, 32, 8, 0)
    for item in results.items:
        steps, tokens = len(set(item.base.steps)), len(item.base.tokens)
        te = float(total_effect(results.cube().y)[results.cube().items.index(item.id)])
        graph = np.where(np.triu(np.ones((steps, steps)), 1) > 0, rng.normal(size=(steps, steps)), np.nan)
        for kind, dims, values, outcome in (
            ("read", ("position", "layer"), rng.normal(size=(tokens, 4)), "logit_diff"),
            ("state.z", ("layer", "head"), rng.normal(size=(4, 3)), "logit_diff"),
            (GRAPH, ("step", "result"), graph, "result_logit_diff"),
            ("attribution.resid_pre", ("step", "layer"), rng.normal(size=(steps, 4)), "logit_diff"),
        ):
            coords = {name: tuple(range(size)) for name, size in zip(dims, values.shape, strict=True)}
            own = trust if kind.startswith("attribution") else None
            more.append(EffectMap(values, dims, coords, item.id, item.group, kind, outcome, te, own))
    return replace(results, maps=(*results.maps, *more))


RESULTS = with_maps(fake_results(8, layers=4))


def page_of(results: Results, folder: Path) -> Path:
    path = folder / "report.html"
    path.write_text(to_html(run_page(results, []), {}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(RESULTS, tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def shown(browser: Any, written: Path) -> Iterator[Opened]:
    with opened(browser, written) as found:
        yield found
        assert (found.asked, found.said) == ([], [])


def map_of(item: str, kind: str, dims: tuple[str, ...]) -> EffectMap:
    return next(each for each in RESULTS.maps if (each.item, each.kind, each.dims) == (item, kind, dims))


def reading(shown: Opened) -> str:
    return str(shown.page.locator("#explorer .reading").inner_text())


def number_in(text: str) -> float:
    found = re.search(r"([+−]?[\d.]+) nats", text)
    assert found, text
    return float(found[1].replace("−", "-"))


def close(shown: float, wanted: float, largest: float) -> bool:
    """Whether a number is within half a step of what it was in, and half of the last digit."""
    return abs(shown - wanted) <= largest / STEPS / 2 * 1.01 + 0.005


def test_it_opens_on_the_first_item_with_its_texts_and_effects(shown: Opened) -> None:
    page, item = shown.page, RESULTS.items[0]
    assert page.locator("#explorer h3 bdi").inner_text() == item.id
    for told in (item.base, item.source):
        assert told is not None
        assert page.get_by_text(told.question, exact=True).locator("visible=true").count() >= 1
    chains = [text.replace("↵\n", "\n") for text in page.locator("#explorer .chain").all_inner_texts()]
    assert all(step.strip() in chains[0] for step in "".join(item.base.tokens).split("\n"))
    te = page.locator("#explorer table.table tbody tr").first.locator("td").first.inner_text()
    assert float(te.replace("−", "-")) == pytest.approx(float(total_effect(RESULTS.cube().y)[0]), abs=0.006)
    assert not page.locator("div.unscripted").is_visible()


@pytest.mark.parametrize("kind", ["read", "attribution.resid_pre"])
def test_every_cell_of_a_map_is_what_was_measured(shown: Opened, kind: str) -> None:
    shown.page.get_by_label("Map", exact=True).select_option(f"{kind}:step,layer")
    exact = map_of(RESULTS.items[0].id, kind, ("step", "layer")).values
    rows = shown.page.locator("#explorer .grid").first.locator("tbody tr")
    assert rows.count() == len(exact)
    for place, row in enumerate(exact):
        texts = rows.nth(place).locator("td").all_inner_texts()
        assert all(
            close(float(text.replace("−", "-")), value, abs(exact).max())
            for text, value in zip(texts, row.tolist(), strict=True)
        )


def test_step_and_layer_are_chosen_by_the_keyboard_and_said(shown: Opened) -> None:
    page, item = shown.page, RESULTS.items[0]
    exact, te = map_of(item.id, "read", ("step", "layer")), float(total_effect(RESULTS.cube().y)[0])
    chain = page.get_by_role("listbox").first
    chain.focus()
    for _ in exact.coords["step"]:
        page.keyboard.press("ArrowLeft")
    for _ in exact.coords["layer"]:
        page.keyboard.press("ArrowUp")
    for step, layer, key in ((0, 0, "ArrowRight"), (1, 0, "ArrowDown"), (1, 1, "")):
        said = reading(shown)
        assert f"step {step}, layer {layer}: " in said
        value = exact.values[step, layer]
        assert close(number_in(said), value, abs(exact.values).max())
        share = re.search(r"([−\d]+) % of TE", said)
        assert share
        assert float(share[1].replace("−", "-")) == pytest.approx(
            100 * value / te, abs=0.5 + 100 * abs(exact.values / te).max() / STEPS
        )
        assert page.get_by_label("layer", exact=True).get_attribute("aria-valuetext") == f"layer {layer}"
        chosen = chain.get_attribute("aria-activedescendant")
        assert page.locator(f"#{chosen}").get_attribute("aria-selected") == "true"
        if key:
            page.keyboard.press(key)
    grid = page.get_by_role("grid").first
    grid.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert "step 0, layer 2: " in reading(shown)
    slider = page.get_by_label("layer", exact=True)
    slider.focus()
    page.keyboard.press("End")
    assert "step 0, layer 3: " in reading(shown)
    assert "layer=3" in page.url


def test_tokens_are_coloured_and_chosen_one_by_one_by_a_map_over_positions(shown: Opened) -> None:
    page, item = shown.page, RESULTS.items[0]
    page.get_by_label("Map", exact=True).select_option("read:position,layer")
    exact = map_of(item.id, "read", ("position", "layer"))
    options = page.get_by_role("listbox").first.get_by_role("option")
    assert options.count() == len(item.base.tokens)
    options.nth(3).click()
    layer = int(page.locator("#explorer output").first.inner_text())
    assert f"token 3 “{item.base.tokens[3].strip()}”, layer {layer}: " in reading(shown)
    assert close(number_in(reading(shown)), exact.values[3, layer], abs(exact.values).max())
    options.nth(5).hover()
    tip = page.locator("#explorer .tip").inner_text()
    assert tip.startswith("token 5 “")
    assert close(number_in(tip), exact.values[5, layer], abs(exact.values).max())


def test_a_map_that_tells_no_steps_apart_is_shown_and_the_chain_has_no_colour(shown: Opened) -> None:
    page = shown.page
    page.get_by_label("Map", exact=True).select_option("state.z:layer,head")
    exact = map_of(RESULTS.items[0].id, "state.z", ("layer", "head"))
    page.locator("#explorer .grid").first.locator("tbody tr").nth(2).locator("td").nth(1).click()
    assert "layer 2, head 1: " in reading(shown)
    assert close(number_in(reading(shown)), exact.values[2, 1], abs(exact.values).max())
    assert page.locator('#explorer [role="option"]').count() == 0


def test_an_estimate_is_never_shown_alone(shown: Opened) -> None:
    shown.page.get_by_label("Map", exact=True).select_option("attribution.resid_pre:step,layer")
    text = shown.page.locator("#explorer").inner_text()
    assert "a gradient estimate, not exact patching, of the effect" in text
    assert "Against exact patching, over all items: ranking only 8." in text
    assert "an estimate; against exact patching, of this item: ranking only, rank correlation 0.75" in reading(shown)


def test_edges_of_the_step_graph_are_drawn_and_told(shown: Opened) -> None:
    page, item = shown.page, RESULTS.items[0]
    exact = map_of(item.id, GRAPH, ("step", "result")).values
    page.get_by_label("Map", exact=True).select_option(f"{GRAPH}:step,result")
    assert page.locator("#explorer .nan").count() > 0
    page.get_by_label("edges of the step graph").check()
    page.get_by_role("listbox").first.get_by_role("option").nth(1).click()
    told = page.get_by_text(re.compile(r"step 1 is fed by step 0"))
    assert f"step 0 ({exact[0, 1]:+.2f}"[:-1].replace("-", "−") in told.inner_text()
    assert page.locator("#explorer svg path").count() == 1 + len(exact) - 2
    page.get_by_label("edges of the step graph").uncheck()
    assert page.locator("#explorer svg").count() == 0


def test_items_are_found_leafed_through_and_opened_from_elsewhere(shown: Opened) -> None:
    page, ids = shown.page, [item.id for item in RESULTS.items]
    name = page.locator("#explorer h3 bdi")
    page.get_by_role("button", name="Next item").click()
    assert name.inner_text() == ids[1]
    page.get_by_label("Item", exact=True).select_option(ids[4])
    assert name.inner_text() == ids[4]
    find = page.get_by_label("Find an item")
    find.fill(ids[6].upper())
    page.keyboard.press("Enter")
    assert name.inner_text() == ids[6]
    page.evaluate("id => document.dispatchEvent(new CustomEvent('mediate:open-item', { detail: { id } }))", ids[2])
    assert name.inner_text() == ids[2]
    assert page.evaluate("document.activeElement.id") == "explorer-heading"
    page.get_by_role("link", name=ids[5], exact=True).first.click()
    assert name.inner_text() == ids[5]


def test_an_address_opens_item_map_and_layer(browser: Any, written: Path) -> None:
    item = RESULTS.items[3].id
    with opened(browser, written, at=f"#item={item}&map=attribution.resid_pre&layer=2") as shown:
        assert shown.page.locator("#explorer h3 bdi").inner_text() == item
        assert shown.page.get_by_label("Map", exact=True).input_value() == str(
            shown.page.get_by_label("Map", exact=True)
            .locator("option", has_text="attribution.resid_pre")
            .get_attribute("value")
        )
        assert ", layer 2: " in reading(shown)
        shown.page.evaluate("location.hash = '#item=nothing'")
        assert shown.page.locator("#explorer h3 bdi").inner_text() == item
        assert shown.said == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_accessible_and_no_wider_than_its_window(browser: Any, written: Path, width: str, dark: bool) -> None:
    for kind in ("read:position,layer", f"{GRAPH}:step,result"):
        at = f"#item={RESULTS.items[1].id}&map={quote(kind)}"
        with opened(browser, written, width=WIDTHS[width], dark=dark, at=at) as shown:
            shown.page.get_by_label("edges of the step graph").check()
            assert shown.violations() == []
            assert shown.overflow() <= 0
            assert (shown.asked, shown.said) == ([], [])


def test_without_a_script_the_first_chains_are_there(browser: Any, written: Path) -> None:
    with opened(browser, written, script=False) as shown:
        assert shown.page.locator(".unscripted .chain:visible").count() == 16
        assert "this page shows every item here" in shown.page.locator(".unscripted").inner_text()


def test_print_has_the_first_chains_in_place_of_the_viewer(shown: Opened) -> None:
    shown.page.emulate_media(media="print")
    assert shown.page.locator("div.unscripted .chain:visible").count() == 16
    assert not shown.page.locator("#explorer").is_visible()


def test_hostile_texts_stay_text(browser: Any, tmp_path: Path) -> None:
    cubes, few = fake_results(len(PAYLOADS)).cubes, list[Measured]()
    for place, text in enumerate(PAYLOADS):
        told = Told(text, text, (text, text), (0, 1), 1, True, said=f"{text}!")
        few.append(Measured(f"{text}{place}", text, told, told, text))
    ids, groups = tuple(item.id for item in few), tuple(item.group for item in few)
    results = Results(RESULTS.manifest, tuple(few), tuple(replace(each, items=ids, groups=groups) for each in cubes))
    with opened(browser, page_of(results, tmp_path)) as shown:
        following = shown.page.get_by_role("button", name="Next item")
        for _ in PAYLOADS:
            following.click()
        assert (
            shown.page.locator("#explorer :is(script, img, iframe, object, embed, form, style, a, base)").count() == 0
        )
        assert (shown.asked, shown.said) == ([], [])


@pytest.mark.parametrize(
    "results",
    [
        replace(RESULTS, maps=()),
        fake_item_results(3),
        replace(fake_results(1), maps=()),
        Results(RESULTS.manifest, rejects=RESULTS.rejects),
    ],
    ids=["no maps", "items alone", "one item", "nothing measured"],
)
def test_runs_with_little_in_them_are_shown_or_say_so(browser: Any, tmp_path: Path, results: Results) -> None:
    with opened(browser, page_of(results, tmp_path)) as shown:
        if not results.items:
            assert shown.page.get_by_text("No item was measured").count() > 0
        elif not results.maps:
            assert "No map of this item: its chain has no colour." in shown.page.locator("#explorer").inner_text()
        else:
            assert "hiding that step" in shown.page.locator("#explorer").inner_text()
        assert (shown.asked, shown.said) == ([], [])


def test_right_to_left_texts_emoji_and_long_chains(browser: Any, tmp_path: Path) -> None:
    tokens = ("שלום ", "עולם ", "🙂 ", "👩 ", "né\n") * 1600
    told = Told("كم تفاحة؟ 🍎", "٧", tokens, tuple(place // 20 for place in range(len(tokens))), 7, True)
    coords = {"position": tuple(range(len(tokens))), "layer": tuple(range(60))}
    values = np.random.default_rng(0).normal(size=(len(tokens), 60))
    cubes = fake_results(1).cubes
    item = replace(fake_results(1).items[0], base=told, source=told)
    one = EffectMap(values, ("position", "layer"), coords, item.id, item.group, "read", "logit_diff", 1.0)
    with opened(browser, page_of(Results(RESULTS.manifest, (item,), cubes, (one,)), tmp_path)) as shown:
        page = shown.page
        chain = page.get_by_role("listbox")
        assert chain.get_by_role("option").count() == len(tokens)
        assert page.evaluate("getComputedStyle(document.querySelector('#explorer .chain')).direction") == "rtl"
        assert chain.get_by_role("option").nth(2).inner_text().strip() == "🙂"
        chain.focus()
        places = [int(re.search(r"token (\d+) ", reading(shown))[1])]  # type: ignore[index]
        for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
            page.keyboard.press(key)
            places.append(int(re.search(r"token (\d+) ", reading(shown))[1]))  # type: ignore[index]
        assert np.diff(places).tolist() == [1, 1, -1]  # on is to the left, as the text is read
        assert "tokens " in page.locator("#explorer").inner_text()
        assert page.locator("#explorer .grid tbody tr").count() == 60
        for box in ("#explorer .chain", "#explorer .box"):
            assert page.evaluate(IN_SIGHT, box)
        assert close(number_in(reading(shown)), *expected(reading(shown), values))
        assert shown.overflow() <= 0
        assert (shown.asked, shown.said) == ([], [])


IN_SIGHT = """name => {
  const box = document.querySelector(name), whole = box.getBoundingClientRect();
  const part = box.querySelector('[aria-selected="true"]').getBoundingClientRect();
  return part.top >= whole.top - 1 && part.bottom <= whole.bottom + 1;
}"""


def expected(said: str, values: Any) -> tuple[float, float]:
    found = re.search(r"token (\d+) .*layer (\d+):", said)
    assert found
    return float(values[int(found[1]), int(found[2])]), float(abs(values).max())


def test_marks_that_begin_a_token_stand_over_a_circle(browser: Any, tmp_path: Path) -> None:
    told = Told("q", "7", ("ne", "\u0301", " 👩", "\ufe0f ", "o\u0308"), (0, 0, 0, 0, 0), None, True)
    first = fake_results(1)
    item = replace(first.items[0], base=told, source=told)
    with opened(browser, page_of(Results(RESULTS.manifest, (item,), first.cubes), tmp_path)) as shown:
        parts = shown.page.locator("#explorer .chain").first.locator(".token")
        assert parts.all_text_contents() == ["ne", "◌\u0301", " 👩", "◌\ufe0f ", "o\u0308"]
        widths = [each.bounding_box()["width"] for each in parts.all()]
        assert min(widths) > 3  # each can be seen and pressed
        assert (shown.asked, shown.said) == ([], [])


def test_every_control_has_a_name_and_is_seen_to_have_the_focus(shown: Opened) -> None:
    page = shown.page
    page.get_by_label("Map", exact=True).select_option("read:position,layer")
    page.locator("#explorer-find").focus()
    seen = []
    for _ in range(30):
        if not page.evaluate("document.activeElement.closest('#explorer') !== null"):
            break
        seen.append(page.evaluate(FOCUSED))
        page.keyboard.press("Tab")
    assert len(seen) >= 9
    assert all(each["name"] for each in seen), seen
    assert all(each["outline"] >= 2 for each in seen), seen
    assert len({each["name"] for each in seen}) == len(seen)


FOCUSED = """() => {
  const each = document.activeElement, style = getComputedStyle(each);
  const labels = [...(each.labels ?? [])].map((label) => label.textContent);
  const own = each.matches("button") && each.textContent;
  const name = [each.getAttribute("aria-label"), ...labels, own].filter(Boolean)[0];
  return { name, outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth) };
}"""


def test_two_runs_have_one_scale(browser: Any, tmp_path: Path) -> None:
    """The same number has the same colour under each run, and the deepest belongs to the larger."""
    scaled = replace(RESULTS, maps=tuple(replace(each, values=each.values / 4) for each in RESULTS.maps))
    compared = compare(RESULTS, scaled, labels=["large", "small"], **FEW)
    path = tmp_path / "comparison.html"
    page = comparison_page(compared.compared)
    path.write_text(to_html(page, {each.name: Image() for each in page.figures()}), encoding="utf-8")
    with opened(browser, path, at=f"#item={RESULTS.items[0].id}&map=read:step,layer") as shown:
        grids = shown.page.locator("#explorer .grid").all()
        assert len(grids) == 2
        known: dict[str, set[str]] = {}
        deepest = []
        for grid in grids:
            shades = []
            for cell in grid.locator("td").all():
                known.setdefault(cell.inner_text(), set()).add(cell.get_attribute("class") or "")
                shades.append(abs(int((cell.get_attribute("class") or "e0")[1:])))
            deepest.append(max(shades))
        assert all(len(shades) == 1 for shades in known.values())
        assert deepest[1] <= deepest[0] / 4 + 1
        assert shown.page.locator("#explorer .scale").count() == 1
        assert (shown.asked, shown.said) == ([], [])
