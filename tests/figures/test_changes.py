"""Paired changes: dots are the groups, the estimate and its verdict stand beside, and the margin is seen."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.changes import RunChange, changes_data, changes_size, plot_changes
from mediate.figures.style import detached
from tests.figures.artists import faults
from tests.figures.records import estimate

CHANGES = [
    RunChange("a-model-with-quite-a-long-name-decorative", np.array([-0.9, -1.0, np.nan]), estimate(-0.95), "changed"),
    RunChange("needed", np.array([0.01, -0.01, 0.0]), estimate(0.0, 0.001), "unchanged"),
]


def test_dots_are_the_groups_and_the_margin_is_shaded() -> None:
    with detached(changes_size(2)) as (figure, ax):
        plot_changes(CHANGES, quantity="mediated share of TE", reference="base", margin=0.05, ax=ax)
        assert faults(figure) == []
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (-5.0, 5.0)
    clouds = [line.get_xdata() for line in ax.lines if line.get_marker() == "."]
    np.testing.assert_allclose(clouds[0], [-90, -100])
    assert [each.get_text() for each in ax.texts] == [
        "−95.0 [−105.0, −85.0]\nchanged",
        "0.00 [−0.10, 0.10]\nunchanged",
    ]
    assert ax.get_title(loc="left") == "Against base: changed in 1, unchanged in 1 of 2 runs"
    assert changes_data(CHANGES)["verdict"].tolist() == ["changed", "unchanged"]


def test_undefined_changes_are_the_word() -> None:
    gone = RunChange("x", np.full(2, np.nan), estimate(np.nan), "cannot tell")
    with detached(changes_size(2)) as (_, ax):
        plot_changes([CHANGES[1], gone], quantity="x", reference="base", margin=0.05, ax=ax)
    assert ax.texts[-1].get_text() == "undefined"
    with pytest.raises(InputError, match="no run has a defined change"):
        plot_changes([gone], quantity="x", reference="base", margin=0.05)
