"""Maps by step and layer: the heat map is the mean over items."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.figures import detached, plot_layers, plot_step_layer
from mediate.figures.layers import LAYERS_SIZE
from mediate.figures.steps import MOST_TICKS, STEPS_SIZE
from mediate.results import EffectMap, mean_map
from tests.figures.artists import faults
from tests.figures.records import fake_results, ragged

LONG_NAMES = (
    "attribution.zero.resid_post",
    "attribution.resample.mlp_out.ig.window3",
    "attribution.resid_pre.relp.denoising.window10",
    "cross.state.resid_post.denoising.window3.interaction.source",
    "ablate.shuffled.resid_post.window10",
)


def test_the_heat_map_is_the_mean_and_symmetric_about_0() -> None:
    maps = fake_results().maps
    mean, _, _ = mean_map(maps)
    with detached(STEPS_SIZE) as (figure, ax):
        plot_step_layer(maps, ax=ax)
        assert faults(figure) == []
    (image,) = ax.images
    np.testing.assert_allclose(image.get_array().filled(np.nan), mean)
    low, high = image.get_clim()
    assert -low == high == pytest.approx(np.nanmax(abs(mean)))
    assert image.get_cmap().name == "RdBu_r"
    assert figure.axes[1].get_ylabel() == "mean read effect\non logit_diff (nats)"
    assert [text.get_text() for text in ax.get_yticklabels()][2:4] == ["2 (n = 11)", "3 (n = 7)"]


@pytest.mark.parametrize("outcome", ["logit", "same_answer", "an_outcome_with_quite_a_long_name_of_its_own"])
@pytest.mark.parametrize("kind", LONG_NAMES)
def test_a_long_name_is_said_whole_in_lines(kind: str, outcome: str) -> None:
    maps = [replace(each, kind=kind, outcome=outcome, agreement=None) for each in fake_results().maps]
    for plot, size in ((plot_step_layer, STEPS_SIZE), (plot_layers, LAYERS_SIZE)):
        with detached(size) as (figure, ax):
            plot(maps, ax=ax)
            assert faults(figure) == []
            said = figure.axes[1].get_ylabel() if plot is plot_step_layer else ax.get_ylabel()
        plain = kind.removeprefix("cross.").removesuffix(".interaction.source")
        assert "".join(said.split()).startswith(f"mean{plain}")
        assert ("estimate of" in said.replace("\n", " ")) == kind.startswith("attribution")


def test_cells_that_no_item_has_are_left_to_the_hatching() -> None:
    left, right = ragged([1, 2], layers=3)
    right = EffectMap(
        right.values[1:], right.dims, {"step": (1,), "layer": (2, 3, 4)}, "b", "b", right.kind, right.outcome, 1.0
    )
    with detached(STEPS_SIZE) as (_, ax):
        plot_step_layer([left, right], ax=ax)
    mask = np.ma.getmaskarray(ax.images[0].get_array())
    np.testing.assert_array_equal(mask, [[False, False, False, True, True], [True, True, False, False, False]])
    assert ax.patch.get_hatch()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0 (n = 0–1)", "1 (n = 0–1)"]


def test_equal_lengths_name_n_once() -> None:
    with detached(STEPS_SIZE) as (_, ax):
        plot_step_layer(ragged([2, 2]), ax=ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0", "1"]
    assert ax.get_ylabel() == "step (n = 2 items)"


def test_a_map_of_zeros_is_drawn_in_the_middle_colour() -> None:
    (each,) = ragged([2])
    zero = EffectMap(each.values * 0, each.dims, each.coords, "a", "a", "read", "logit_diff", 0.0)
    with detached(STEPS_SIZE) as (_, ax):
        plot_step_layer([zero], ax=ax)
    assert ax.images[0].get_clim() == (-1.0, 1.0)


def test_ticks_are_thinned_to_what_can_be_read() -> None:
    with detached(STEPS_SIZE) as (figure, ax):
        plot_step_layer(ragged([40, 41], layers=90), ax=ax)
        assert faults(figure) == []
    assert len(ax.get_xticks()) <= MOST_TICKS
    assert len(ax.get_yticks()) <= MOST_TICKS
