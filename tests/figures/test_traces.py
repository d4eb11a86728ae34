"""The figures of scored traces show the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.errors import InputError
from mediate.figures.traces import REJECTED, plot_trace, plot_traces
from mediate.results.trace_scores import TraceRule
from tests.results.test_trace_scores import ONE, OTHER, traced


def test_rejected_tokens_stand_out() -> None:
    trace = traced([0.5, 0.001, 0.25], [1, 30, 2], "$a", steps=[0, 0, 1])
    axes = plot_trace(trace, ax=Figure().subplots())
    heights = {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in axes.patches}
    assert np.allclose([heights[place] for place in (0, 1, 2)], trace.surprisal)
    red = [bar for bar in axes.patches if bar.get_facecolor()[:3] == pytest.approx((0.835, 0.369, 0), abs=0.01)]
    assert REJECTED == "#D55E00"
    assert [bar.get_height() for bar in red] == [pytest.approx(-np.log(0.001))]
    assert axes.get_title() == "item $a: 1 of 3 tokens rejected"
    assert [line.get_xdata()[0] for line in axes.lines] == [1.5]
    assert [each.get_text() for each in axes.get_xticklabels()] == ["x"] * 3


def test_a_long_trace_has_no_texts() -> None:
    axes = plot_trace(traced([0.5] * 200, [1] * 200), ax=Figure().subplots())
    assert axes.get_xlabel() == "token"
    assert not any(each.get_text() == "x" for each in axes.get_xticklabels())


def test_traces_without_a_ratio_are_hollow() -> None:
    sure = traced([0.999], [1], "s")
    axes = plot_traces([ONE, OTHER, sure], TraceRule(cap=3), ax=Figure().subplots())
    filled, hollow = axes.lines
    assert np.allclose(filled.get_xdata(), [2 * np.log(2), np.log(2)])
    assert np.allclose(filled.get_ydata(), [2, 1])
    assert np.allclose(hollow.get_xdata(), -np.log(0.999))
    assert hollow.get_label() == "below 0.01 nats: no ratio"
    assert axes.get_ylabel() == "mean rank (capped at 3)"


def test_no_traces_are_refused() -> None:
    with pytest.raises(InputError, match="no traces"):
        plot_traces([])
