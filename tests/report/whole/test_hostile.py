"""Text of any origin stays text: on the page, in the notebook, in the terminal and in file names."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.figures import visible
from mediate.figures.figure import Figure
from mediate.report import Scores, terminal, write_report
from mediate.report.html import Image, page_script, shade_colour, to_html
from mediate.report.run.page import run_page
from mediate.results import Cube, EffectMap, Measured, Reject, Results, Told, write_results
from mediate.results.contrasts import Contrast
from tests.figures.records import fake_manifest, fake_results
from tests.report.parse import Page, parse
from tests.report.payloads import PAYLOADS


def poisoned_world(world: Told, text: str) -> Told:
    tokens = (text, *world.tokens[1:])
    return replace(world, question=text, answer=text, tokens=tokens, said=f"no {text}")


def poison(results: Results, text: str) -> Results:
    """The same results with `text` in every field that holds text."""
    items = tuple(
        Measured(
            f"{text}{place}",
            text,
            poisoned_world(each.base, text),
            poisoned_world(each.source, text),
            f"{text}{place % 2}",
        )
        for place, each in enumerate(results.items)
    )
    ids = tuple(item.id for item in items)
    cubes = tuple(Cube(cube.y, ids, (text,) * len(ids), f"{text}{place}") for place, cube in enumerate(results.cubes))
    names = {old.id: new.id for old, new in zip(results.items, items, strict=True)}
    maps = tuple(
        EffectMap(each.values, each.dims, each.coords, names[each.item], text, text, f"{text}0", each.te)
        for each in results.maps
    )
    rejects = tuple(
        Reject(text, text, text, text, each.part if each.part == "item" else text) for each in results.rejects
    )
    return Results(poisoned(fake_manifest(), text) | {"status": "success"}, items, cubes, maps, rejects)


def poisoned(value: Any, text: str) -> Any:
    """Every string in the manifest, and every key of the tables in it that are free."""
    if isinstance(value, dict):
        return {key: poisoned(each, text) for key, each in value.items()} | (
            {text: text} if "pattern" in value or "torch" in value else {}
        )
    if isinstance(value, list):
        return [poisoned(each, text) for each in value]
    return text if isinstance(value, str) else value


def stand_ins(text: str) -> list[Figure]:
    """Figures that say `text` and need no drawing."""
    places = ("shares", "channels", "maps", "maps")
    return [Figure("x", lambda ax: ax, text, text, section=each, outcome=f"{text}0") for each in places]


def page_of(results: Results, text: str) -> str:
    """The page of a run with stand-ins for its figures."""
    return to_html(run_page(results, stand_ins(text)), {"x": Image()})


@pytest.fixture(scope="module")
def small() -> Results:
    return fake_results(6, layers=3)


@pytest.fixture(scope="module")
def harmless(small: Results) -> Page:
    return parse(page_of(poison(small, "MARKER"), "MARKER"))


def check_inert(html: str, views_allowed: set[str]) -> str:
    page = parse(html)
    tags = {tag for tag, _ in page.elements}
    assert tags <= views_allowed
    assert page.scripts == ([page_script()] if "script" in views_allowed else [])
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("src", "href", "action", "data", "xlink:href"):
            assert (attrs.get(name) or "#").startswith(("#", "data:image/svg+xml;base64,"))
    return page.text


def unbroken(text: str) -> str:
    """Text without line breaks, which some places keep and some show by a sign."""
    return text.replace("↵", "").replace("\n", "")


PAGE_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "em", "strong", "a", "ul", "li", "div"),
    *("table", "thead", "tbody", "tr", "th", "td", "span", "figure", "img", "figcaption", "br", "pre", "code"),
    *("dl", "dt", "dd", "footer", "b", "i", "script", "header", "nav", "main", "details", "summary"),
    *("picture", "source"),
}
VIEW_TAGS = {
    *("div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "span", "br", "h4", "h5", "b", "i"),
    *("ul", "li"),
}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_page_shows_text_as_text(small: Results, harmless: Page, payload: str) -> None:
    html = page_of(poison(small, payload), payload)
    html.encode("utf-8")
    text = check_inert(html, PAGE_TAGS)
    assert parse(html).shape() == harmless.shape()
    count = harmless.text.count("MARKER")
    assert unbroken(text).count(unbroken(visible(payload))) >= count > 50
    assert all(char == "\n" or char.isprintable() or char == "\xa0" for char in text)
    assert visible(payload) in parse(html).attributes("img", "alt")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_notebook_view_and_the_terminal_show_text_as_text(small: Results, payload: str) -> None:
    bad = poison(small, payload)
    text = check_inert(Scores(bad)._repr_html_(), VIEW_TAGS)
    assert unbroken(visible(payload)) in unbroken(text)
    typed = terminal(bad)
    assert all(char == "\n" or char.isprintable() for char in typed)
    typed.encode("utf-8")


def test_the_check_would_notice_unescaped_text(small: Results) -> None:
    html = to_html(run_page(small, [])).replace("apples-000", "<img src=x onerror=alert(1)>")
    with pytest.raises(AssertionError):
        check_inert(html, PAGE_TAGS)


def test_figures_of_hostile_names_are_drawn_and_stay_in_their_folder(small: Results, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_results(folder, poison(small, "../$\\frac{$\x00<"))
    write_report(folder)
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")} == {"run"}
    assert {path.name for path in (folder / "figures").glob("*.png")} == {
        "shares.png",
        "channels.png",
        "conditions.png",
        "condition-0-steps.png",
        "condition-1-steps.png",
        "steps-map0.png",
        "share-spread.png",
        "shares-outcome1.png",
        "channels-outcome1.png",
    }
    assert not list(tmp_path.rglob("*.part"))


def test_deepest_shades_leave_black_text_legible() -> None:
    from matplotlib.colors import to_rgb

    from mediate.report.blocks import SHADES

    def luminance(colour: str) -> float:
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot(channels, [0.2126, 0.7152, 0.0722]))

    ink = luminance("#111111")
    assert min((luminance(shade_colour(shade)) + 0.05) / (ink + 0.05) for shade in SHADES) >= 4.5


def test_every_text_field_is_poisoned(small: Results) -> None:
    """The corpus covers the record: a text field that is added later must be added to `poison`."""
    bad = poison(small, "POISON")
    kept: list[str] = []
    collect(bad, kept.append)
    assert [text for text in kept if "POISON" not in text and text not in ALLOWED] == []


ALLOWED = {"item", "step", "layer", "success", "twin"}


def collect(value: Any, add: Callable[[str], None]) -> None:
    if isinstance(value, str):
        add(value)
    elif isinstance(value, dict):
        for each in value.values():
            collect(each, add)
    elif isinstance(value, Told):
        for text in (value.question, value.answer, value.tokens[0], value.said or ""):
            add(text)
    elif isinstance(value, tuple | list):
        for each in value:
            collect(each, add)
    elif isinstance(value, Contrast):
        add(value.name)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            collect(getattr(value, name), add)
