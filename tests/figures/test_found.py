"""Titles say what was found where an interval leaves out 0, and plainly what is drawn where it does not."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.figures.found import about, clear, headed, item_name, lines_of, peak, place_words
from mediate.results import EffectMap
from tests.figures.maps_of import made_maps
from tests.figures.records import estimate


def test_a_peak_that_is_clear_is_named_with_its_interval() -> None:
    said = peak(made_maps("read", ("step", "layer")))
    assert said.startswith("Read effect is largest at step 3, layer 2: 5.")
    assert "[4." in said
    assert said.endswith("nats, n = 12")


def test_what_may_be_nothing_has_a_plain_title() -> None:
    turned = [
        EffectMap(
            each.values * (-1) ** place,
            *(getattr(each, name) for name in ("dims", "coords", "item", "group")),
            "read",
            "logit_diff",
            1.0,
        )
        for place, each in enumerate(made_maps("read", ("step", "layer")))
    ]
    assert peak(turned) == about(turned) == "Mean read effect, n = 12 items"
    assert peak(turned[:1]) == "Read effect, n = 1 item"


def test_a_name_that_is_asked_for_by_begins_a_title_as_it_is() -> None:
    assert peak(made_maps("state.resid_pre", ("step", "layer"))).startswith("state.resid_pre effect is largest at ")
    assert about(made_maps("read.through", ("step", "layer"))[:1]) == "read.through effect, n = 1 item"
    assert about(made_maps("step_graph.read", ("step", "result"))[:1]).startswith("Step graph's read effect")


def test_only_an_interval_without_0_is_clear() -> None:
    assert clear(estimate(0.5))
    assert clear(estimate(-0.5))
    assert not clear(estimate(0.05))
    assert not clear(estimate(0.5, np.nan))
    assert not clear(estimate(np.nan))


def test_places_are_words() -> None:
    assert place_words("step", -1) == "the last step"
    assert place_words("result", -1) == "result of the last step"
    assert place_words("step", -2) == "step −2"
    assert place_words("kv_head", 3) == "KV head 3"


def test_a_title_is_in_lines_that_the_figure_holds() -> None:
    figure = Figure((4.0, 3.0))
    axes = figure.subplots()
    headed(axes, "one word after another " * 6 + "$x$")
    assert max(map(len, axes.get_title(loc="left").split("\n"))) <= 40
    assert not axes.title.get_parse_math() or axes.get_title(loc="left")


@pytest.mark.parametrize("inches", np.linspace(2.0, 5.0, 31))
def test_no_line_of_a_title_ends_between_a_number_and_its_unit(inches: float) -> None:
    said = lines_of(
        "Half by 99.9 % or more, the middle by 98.8 to 100.4 %, 1.20 nats [0.80 nats, 2.5 nats], n = 40", inches
    )
    assert said.replace("\n", " ").endswith("n = 40")
    assert not re.search(r"\d\n%|\d\nnats|n\n=|=\n", said)
    assert "\xa0" not in said


def test_an_item_in_a_title_is_its_id_or_where_that_says_nothing_its_question() -> None:
    asked = "A bakery bakes 12 trays with 8 rolls each and throws 20 of them away. How many are left?"
    assert item_name("bakery", asked) == "bakery"
    assert (
        item_name("2", asked)
        == item_name("item", asked)
        == "“A bakery bakes 12 trays with 8 rolls each and throws 20…”"
    )
    assert (item_name("2"), item_name("item")) == ("item 2", "item")
    assert item_name("2", "x" * 80) == f"“{'x' * 56}…”"
