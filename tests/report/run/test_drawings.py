"""What is drawn by name: each figure has its table, the same maps as the page, and says what to ask for."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.errors import InputError
from mediate.report import Scores
from mediate.report.drawing import Drawing
from mediate.report.run.drawings import Plots
from mediate.results import Results
from mediate.results.controls import Control, Controlled
from tests.figures.maps_of import made_maps
from tests.figures.records import fake_results

NAMES = [name for name in vars(Plots) if isinstance(getattr(Plots(fake_results(1)), name, None), Drawing)]


@pytest.fixture(scope="module")
def results() -> Results:
    """Results with a map of every sort, controls and cut chains."""
    found = fake_results()
    asked = (
        ("read", ("step", "layer")), ("read", ("position", "layer")), ("knockout", ("step",)),
        ("state.mlp_out", ("layer",)), ("state.z", ("layer", "head")), ("attribution.z", ("layer", "head")),
        ("graft", ("step",)), ("interaction", ("step", "later")), ("step_graph.read", ("step", "result")),
    )  # fmt: skip
    maps = [
        replace(each, item=item.id)
        for kind, dims in asked
        for each, item in zip(made_maps(kind, dims), found.items, strict=True)
    ]
    controls = tuple(
        Controlled(each.id, each.group, Control.SHUFFLED_STEPS, "logit_diff", 0.5, 3.0) for each in found.items
    )
    return replace(found, maps=tuple(maps), controls=controls, cut=found.cubes[:1])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("sensitivity", "conditions")])
def test_each_figure_is_drawn_and_has_its_table(results: Results, name: str) -> None:
    drawing = getattr(Scores(results).plot, name)
    if name == "attribution":
        ax = drawing(figure=Figure((7, 5), layout="constrained"))
        assert drawing(ax=Figure((7, 5)).subplots()).has_data()
    else:
        ax = Figure((7, 4), layout="constrained").subplots()
        assert drawing(ax=ax) is ax
    assert ax.has_data() or ax.patches
    assert ax.get_title(loc="left") or name == "attribution"
    table = drawing.data()
    assert len(table)
    assert len(set(table.columns)) == len(table.columns)
    assert drawing.__doc__


def test_there_is_a_figure_for_each_name() -> None:
    assert set(NAMES) >= {
        "shares", "waterfall", "channels", "spread", "before_answer", "controls", "sensitivity", "steps", "layers",
        "by_step", "components", "heads", "positions", "attribution", "graph", "arcs", "grafts", "interactions",
        "agreement",
    }  # fmt: skip


def test_the_table_is_what_is_drawn(results: Results) -> None:
    plot = Scores(results).plot
    ax = plot.heads(ax=Figure().subplots())
    frame = plot.heads.data()
    np.testing.assert_allclose(ax.images[0].get_array().ravel(), frame["effect"])
    ends = plot.steps.data(align="end")
    assert ends["step"].max() == -1
    assert plot.steps.data(align="start")["step"].min() == 0


def test_an_items_attribution_is_over_tokens_where_there_are_such_maps(results: Results) -> None:
    plot = Scores(results).plot
    item = results.items[2].id
    frame = plot.attribution.data(item)
    (tokens,) = (each for each in results.maps if each.item == item and each.dims == ("position", "layer"))
    np.testing.assert_allclose(frame.dropna()["effect"], tokens.values.ravel())
    with pytest.raises(InputError, match="no read map of item 'nobody'"):
        plot.attribution("nobody")


def test_what_is_not_there_says_what_to_ask_for() -> None:
    plot = Scores(replace(fake_results(), maps=(), controls=(), cut=())).plot
    for draw, words in (
        (plot.heads, "state.z:layer,head"),
        (plot.positions, "read:position,layer"),
        (plot.attribution, "read:position,layer"),
        (plot.components, "state.mlp_out:layer"),
        (plot.by_step, "knockout:step"),
        (plot.arcs, "step_graph.read:step,result"),
        (plot.agreement, "attribution.resid_pre:step,layer"),
        (plot.controls, "control_pairs=8"),
        (plot.before_answer, "could be cut"),
    ):
        with pytest.raises(InputError, match=words):
            draw()
