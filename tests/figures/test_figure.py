"""A figure as files: drawn once, the same bytes again, and in a phone's width with nothing cut off."""

import re
import warnings
import xml.etree.ElementTree as ElementTree
from functools import partial

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from mediate.figures.figure import MOST_MARKS, PHONE, Figure
from mediate.figures.narrow import NARROW
from mediate.figures.text import label
from tests.report.payloads import PAYLOADS

LONG = "effect on logit_diff (nats; positive: towards the base answer), of every item and of all of them together"


def figure(draw: object, **more: object) -> Figure:
    return Figure("f", draw, "alt", "caption", **more)  # type: ignore[arg-type]


def labelled(ax: Axes, *, text: str = LONG, legend: int = 4, points: int = 5) -> None:
    for place in range(legend):
        ax.plot(np.arange(points), np.full(points, place), "o", label=f"a mark of some length, {place}")
    ax.set_xlabel(text, parse_math=False)
    ax.set_ylabel(text, parse_math=False)
    ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1))


def viewed(svg: bytes) -> list[float]:
    found = re.search(rb'viewBox="([^"]+)"', svg)
    assert found
    return [float(each) for each in found[1].split()]


def test_it_is_drawn_once_for_all_files_and_each_is_the_same_again() -> None:
    drawn = []

    def draw(ax: Axes) -> None:
        drawn.append(ax)
        labelled(ax)

    kinds = ("png", "svg", "pdf", PHONE)
    files = figure(draw).files(*kinds)
    assert len(drawn) == 1
    assert files == figure(labelled).files(*kinds)
    assert [files[each][:5] for each in kinds] == [b"\x89PNG\r", b"<?xml", b"%PDF-", b"<?xml"]
    assert files["png"] == figure(labelled).png()
    assert b"<dc:date>" not in files["svg"]
    assert b"CreationDate" not in files["pdf"]


def test_on_a_phone_labels_take_more_lines_and_stay_within() -> None:
    files = figure(labelled).files("svg", PHONE)
    assert viewed(files["svg"]) == [0, 0, 7.2 * 72, 3.2 * 72]
    # As high as on a desk, and as much higher as its words take.
    *_, width, height = viewed(files[PHONE])
    assert (width, height > 3.2 * 72) == (pytest.approx(NARROW * 72), True)
    *_, width, height = viewed(figure(labelled, size_narrow=(3.0, 5.0)).files(PHONE)[PHONE])
    assert (width, height > 5.0 * 72) == (pytest.approx(3.0 * 72), True)
    wide, narrow = (files[each].decode() for each in ("svg", PHONE))
    assert wide.count(LONG) >= 1
    assert LONG not in narrow
    assert all(word in narrow for word in LONG.split())


def test_a_phones_figure_whose_legend_is_wider_than_it_is_laid_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = figure(partial(labelled, legend=6), size=(7.2, 4.2)).files(PHONE)[PHONE].decode()
    assert all(f"a mark of some length, {place}" in svg for place in range(6))


def test_many_marks_are_an_image_in_files_of_lines() -> None:
    few, many = (figure(partial(labelled, legend=1, points=n)).files("svg")["svg"] for n in (9, MOST_MARKS + 1))
    assert (b"<image" in few, b"<image" in many) == (False, True)
    assert len(many) < 60_000


@pytest.mark.parametrize("begin", range(0, len(PAYLOADS), 20))
def test_text_in_svg_is_text(begin: int) -> None:
    def draw(ax: Axes) -> None:
        for place, each in enumerate(PAYLOADS[begin : begin + 20]):
            ax.text(0, place / 20, label(each, 200), parse_math=False)

    svg = figure(draw).files("svg")["svg"]
    tags = {each.tag.split("}")[1] for each in ElementTree.fromstring(svg).iter()}
    assert not tags & {"script", "foreignObject", "a", "animate", "iframe", "image"}
    names = {name for each in ElementTree.fromstring(svg).iter() for name in each.attrib}
    assert not [name for name in names if name.startswith("on")]


def test_a_figure_may_be_drawn_otherwise_for_a_phone() -> None:
    def other(ax: Axes) -> None:
        ax.set_title("of a phone")

    made = figure(labelled, draw_narrow=other, size_narrow=(3.0, 2.0)).files("svg", PHONE)
    assert b"of a phone" not in made["svg"]
    assert b"of a phone" in made[PHONE]
    assert viewed(made[PHONE])[2:] == [3.0 * 72, 2.0 * 72]
    assert figure(labelled, draw_narrow=other).files("svg")["svg"] == figure(labelled).files("svg")["svg"]


def test_a_file_takes_one_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, real = [], Canvas.draw
    monkeypatch.setattr(Canvas, "draw", lambda *given: (drawn.append(given), real(*given)))
    with matplotlib.rc_context({"figure.constrained_layout.use": True}):
        files = figure(labelled).files("png", "svg", PHONE)
    assert len(drawn) == len(files) == 3
