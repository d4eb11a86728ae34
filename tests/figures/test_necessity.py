"""Necessity and sufficiency of several models: their points are the estimates."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.necessity import necessity_data, necessity_size, plot_necessity
from mediate.figures.style import INK, detached
from tests.figures.artists import faults
from tests.figures.records import estimate


def test_points_are_the_estimates() -> None:
    found = {
        name: {"te": estimate(9.0), "necessity": estimate(value), "sufficiency": estimate(4.0)}
        for name, value in (("base", 6.0), ("decorative", 0.05))
    }
    with detached(necessity_size(2)) as (figure, ax):
        plot_necessity(found, outcome="logit", ax=ax)
        assert faults(figure) == []
    drawn = [
        float(line.get_xdata()[0])
        for line in ax.lines
        if line.get_color() == INK and line.get_marker() == "o" and len(line.get_xdata())
    ]
    assert drawn == [6.0, 0.05]
    assert ax.get_title(loc="left") == "The answer needs its chain in 1 of 2 models"
    assert len(necessity_data(found)) == 6
    gone = {"a": dict.fromkeys(("te", "necessity", "sufficiency"), estimate(np.nan))}
    with pytest.raises(InputError, match="no model has"):
        plot_necessity(gone, outcome="logit")
