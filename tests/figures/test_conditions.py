"""Conditions side by side: the mediated share with its TE."""

import pytest

from mediate.errors import InputError
from mediate.figures import detached, plot_conditions
from mediate.figures.conditions import conditions_size
from mediate.results.conditions import OfCondition
from tests.figures.artists import faults
from tests.figures.records import estimate


def found(name: str, share: float, te: float, reach: float = 0.1) -> OfCondition:
    return OfCondition(name, {"mediated": estimate(share, reach), "te": estimate(te)}, {})


def test_a_dot_a_condition_and_its_te() -> None:
    rows = [found("without", 0.9, 8.0), found("with", 0.4, -3.0, float("nan")), found("_no_share$", float("nan"), 0.02)]
    with detached(conditions_size(3)) as (figure, ax):
        plot_conditions(rows, ax=ax)
        assert faults(figure) == []
    dots = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert [float(line.get_xdata()[0]) for line in dots] == [0.9, 0.4]
    assert dots[0].get_markerfacecolor() != dots[1].get_markerfacecolor() == "white"
    assert [text.get_text() for text in ax.texts] == [
        "TE 8.00 nats, n = 40",
        "TE −3.00 nats, n = 40",
        "TE 0.02 nats, n = 40",
    ]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["without", "with", "_no_share$"]


def test_without_conditions_there_is_nothing_to_draw() -> None:
    with pytest.raises(InputError, match="give each a 'condition' in the file"):
        plot_conditions([])
