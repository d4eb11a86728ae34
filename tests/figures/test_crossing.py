"""The picture of two checkpoints crossed: its points are the estimates, and nothing overlaps."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.components import components_data, components_size, plot_components
from mediate.figures.crossing import CROSSING_NARROW, CROSSING_SIZE, DRAWN, crossing_data, crossing_said, plot_crossing
from mediate.figures.found import estimate_words
from mediate.figures.steps import plot_step_layer
from mediate.figures.style import detached
from mediate.results.crossing import Crossing, set_changes
from mediate.results.crossing_names import CHANGE_WORDS
from mediate.results.maps import EffectMap
from tests.figures.artists import faults
from tests.figures.records import estimate


def fake_crossing(count: int = 12, groups: int = 4) -> Crossing:
    """Items whose tuned checkpoint answers better, mostly through the state; no model behind them."""
    rng = np.random.default_rng(0)
    weights = np.array([0.3, 1.6, 0.8])
    y = np.zeros((count, 2, 2, 2))
    for corner in np.ndindex(2, 2, 2):
        y[(slice(None), *corner)] = weights @ corner - 0.5 * corner[1] * corner[2]
    y += rng.normal(0, 0.4, y.shape) + rng.normal(1, 0.5, (count, 1, 1, 1))
    names = tuple(f"item-{number}" for number in range(count))
    return Crossing(y, names, ("base",) * count, tuple(f"g{number % groups}" for number in range(count)), "logit_diff")


def test_every_point_is_an_estimate_and_nothing_overlaps() -> None:
    crossing = fake_crossing()
    with detached(CROSSING_SIZE) as (figure, ax):
        plot_crossing(crossing, ax=ax)
        assert faults(figure) == []
    changes = set_changes(crossing)
    drawn = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o"]
    names = ("total", "state", "rest", "interaction", "state_in_original", "state_in_tuned")
    names += ("question", "chain", "readers")
    np.testing.assert_allclose(drawn, [changes[name].value for name in names])
    ends = [path.vertices[:, 0] for each in ax.collections for path in each.get_paths()]
    np.testing.assert_allclose(ends, [[changes[name].low, changes[name].high] for name in names])
    assert "n = 12 items, 4 groups; 95 % intervals" in ax.get_xlabel()
    assert [text.get_text() for text in ax.get_yticklabels()] == [CHANGE_WORDS[name] for name in names]
    assert ax.get_title(loc="left").startswith("The right answer gains")
    assert names == DRAWN
    frame = crossing_data(crossing)
    np.testing.assert_allclose(frame["value"], drawn)
    np.testing.assert_allclose(frame[["low", "high"]], ends)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([(2, 0.1), (1.5, 0.1), (0.5, 0.1)], "gains 2.00 nats: 1.50 with the CoT state and 0.50 with all else"),
        ([(2, 0.1), (2, 0.1), (0, 0.1)], "gains 2.00 nats, with the CoT state; that of all else cannot be told from 0"),
        ([(-2, 0.1), (0, 0.1), (-2, 0.1)],
         "loses 2.00 nats, with all else; that of the CoT state cannot be told from 0"),
        ([(1, 0.1), (3, 0.1), (-2, 0.1)],
         "gains 1.00 nats, of two that pull apart: 3.00 with the CoT state and −2.00 with all else"),
        ([(1, 0.1), (0.5, 0.9), (0.5, 0.9)], "gains 1.00 nats; how that splits cannot be told"),
        ([(0, 0.1), (3, 0.1), (-3, 0.1)], ""),
        ([(1, np.nan), (1, np.nan), (0, np.nan)], ""),
    ],
)  # fmt: skip
def test_a_sentence_says_with_what_the_change_comes(numbers: list[tuple[float, float]], said: str) -> None:
    changes = {
        name: estimate(*map(float, each)) for name, each in zip(("total", "state", "rest"), numbers, strict=True)
    }
    assert crossing_said(changes) == (f"The right answer {said}" if said else "")


def test_on_a_phone_names_and_numbers_stand_over_their_rows() -> None:
    crossing = fake_crossing()
    changes = set_changes(crossing)
    with detached(CROSSING_NARROW) as (figure, ax):
        plot_crossing(crossing, within=True, ax=ax)
        # The label below is set in lines by what lays a phone's figure out.
        assert [each for each in faults(figure) if not each.startswith("cut: 'change in")] == []
    said = [text.get_text() for text in ax.texts]
    assert said == [f"{CHANGE_WORDS[name]}: {estimate_words(changes[name])}" for name in DRAWN]
    rows = [float(line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert all(text.xy[1] < row for text, row in zip(ax.texts, rows, strict=True))


def test_one_group_has_hollow_points_and_no_intervals() -> None:
    with detached(CROSSING_SIZE) as (figure, ax):
        plot_crossing(fake_crossing(1, 1), ax=ax)
        assert faults(figure) == []
    assert not ax.collections
    assert {line.get_markerfacecolor() for line in ax.lines if line.get_marker() == "o"} == {"white"}
    assert "n = 1 item, 1 group; one group: no interval" in ax.get_xlabel()


def test_no_items_is_an_error() -> None:
    with pytest.raises(InputError, match="no item was crossed"):
        plot_crossing(Crossing(np.zeros((0, 2, 2, 2)), (), (), (), "logit_diff"))


def layer_map(kind: str, item: str, values: list[float], dims: tuple[str, ...] = ("layer",)) -> EffectMap:
    shape = [len(values)] if len(dims) == 1 else [1, len(values)]
    coords = {"layer": tuple(range(len(values)))} | ({"step": (0,)} if len(dims) == 2 else {})
    return EffectMap(np.array(values).reshape(shape), dims, coords, item, item, kind, "logit_diff", 1.0)


def test_components_are_rows_of_mean_effects() -> None:
    rows = {
        "state.mlp_out": [layer_map("a", "x", [0.0, 2.0, -1.0]), layer_map("a", "y", [1.0, 4.0, -1.0])],
        "state.attn_out": [layer_map("b", "x", [0.0, 0.0, 6.0]), layer_map("b", "y", [0.0, 0.0, 2.0])],
    }
    with detached(components_size(len(rows))) as (figure, ax):
        plot_components(rows, ax=ax)
        assert faults(figure) == []
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.5, 3, -1], [0, 0, 4]])
    assert ax.images[0].get_clim() == (-4, 4)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["state.mlp_out", "state.attn_out"]
    frame = components_data(rows)
    np.testing.assert_allclose(frame["effect"], [0.5, 3, -1, 0, 0, 4])
    assert frame["component"].tolist() == ["state.mlp_out"] * 3 + ["state.attn_out"] * 3
    with pytest.raises(InputError, match="different items"):
        plot_components(rows | {"state.z": rows["state.mlp_out"][:1]})
    with pytest.raises(InputError, match="over layers alone"):
        plot_components({"read": [layer_map("a", "x", [1.0, 2.0], ("step", "layer"))]})


def test_colours_of_a_crossed_map_speak_of_the_right_answer() -> None:
    for kind, said in (
        ("cross.read.mean.source", "towards the right answer"),
        ("cross.read.interaction.source", "more in the tuned one"),
        ("read", "towards the base answer"),
    ):
        with detached((7.2, 3.0)) as (_, ax):
            plot_step_layer([layer_map(kind, "x", [1.0, -2.0], ("step", "layer"))], ax=ax)
        assert ax.get_legend().get_texts()[0].get_text() == said
    rows = {each: [layer_map(f"cross.{each}.interaction", "x", [1.0, -2.0])] for each in ("read", "state.z")}
    with detached(components_size(len(rows))) as (_, ax):
        plot_components(rows, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "more in the tuned one",
        "more in the original",
    ]
    assert ax.get_title(loc="left") == "By component and layer, into the tuned one less into the original"
