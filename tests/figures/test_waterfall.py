"""From Y000 to Y111: each bar begins where the one before it ends, and they sum to the total effect."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.style import CHANNEL_COLOURS, detached
from mediate.figures.waterfall import WATERFALL_SIZE, plot_waterfall, waterfall_data
from mediate.results import CHANNELS, set_effects
from mediate.results.cube import select
from tests.figures.artists import faults
from tests.figures.records import fake_results


def test_bars_lead_from_one_end_to_the_other() -> None:
    cube = fake_results().cubes[0]
    found = waterfall_data(cube).set_index("name")
    assert found.loc["Y000", "effect"] + found.loc[list(CHANNELS), "effect"].sum() == pytest.approx(
        found.loc["Y111", "effect"]
    )
    np.testing.assert_allclose(
        found.loc["text", ["effect", "low", "high"]].astype(float),
        [getattr(set_effects(cube)["text"], end) for end in ("value", "low", "high")],
    )
    with detached(WATERFALL_SIZE) as (figure, ax):
        plot_waterfall(cube, ax=ax)
        assert faults(figure) == []
    starts = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    np.testing.assert_allclose(starts, found[["start", "effect"]])
    assert [bar.get_facecolor()[:3] for bar in ax.patches[1:4]] == [
        tuple(int(CHANNEL_COLOURS[name][place : place + 2], 16) / 255 for place in (1, 3, 5)) for name in CHANNELS
    ]
    assert ax.get_title(loc="left").startswith("Text adds most: ")


def test_one_item_has_no_interval_and_a_plain_title() -> None:
    cube = select(fake_results().cubes[0], ["apples-000"])
    with detached(WATERFALL_SIZE) as (_, ax):
        plot_waterfall(cube, ax=ax)
    assert ax.get_title(loc="left") == "From the source run to the base run"
    assert "no interval" in ax.get_xlabel()
    with pytest.raises(InputError, match="no item was measured"):
        plot_waterfall(select(cube, []))
