"""An axis is cut where all lies near two far ends, with intervals that could not be seen, and says so."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.figures.cut import APART, GAP, AxisCut, cut_axis, cut_of, percent_tick
from mediate.stats import Estimate
from tests.figures.records import estimate

ENDS = [estimate(0.001, 0.002), estimate(0.998, 0.003)]


def test_it_is_cut_between_two_far_places_with_narrow_intervals() -> None:
    cut = cut_of(ENDS, (0.0, 1.0), least=0.01)
    assert cut is not None
    for low, high in ((each.low, each.high) for each in ENDS):
        assert any(begin < low and high < end for begin, end in (cut.low, cut.high))
    assert cut.low[0] < 0 < cut.low[1] < 0.02
    assert 0.98 < cut.high[0] < 1 < cut.high[1]
    assert cut.low[1] - cut.low[0] >= 0.01  # less than a point would make much of rounding


def test_it_is_whole_where_intervals_can_be_seen_or_values_lie_between() -> None:
    wide = [ENDS[0], estimate(0.9, 0.1)]
    between = [*ENDS, estimate(0.5, 0.002)]
    no_interval = [estimate(0.0, float("nan")), estimate(1.0, float("nan"))]
    for found in (wide, between, no_interval, []):
        assert cut_of(found, (0.0, 1.0), least=0.01) is None, found
    assert cut_of(ENDS[:1], least=0.01) is None


def test_both_parts_have_the_same_units_and_places_lead_back_to_values() -> None:
    cut = AxisCut((-0.01, 0.03), (0.97, 1.01))
    x = np.linspace(-0.1, 1.1, 241)
    np.testing.assert_allclose(cut.value(cut.place(x)), x, atol=1e-12)
    assert (np.diff(cut.place(x)) > 0).all()
    low, high = (np.diff(cut.place(np.array(ends)))[0] for ends in (cut.low, cut.high))
    assert (low, high) == (pytest.approx(0.04), pytest.approx(0.04))
    whole = np.diff(cut.place(np.array([cut.low[0], cut.high[1]])))[0]
    assert (whole - low - high) / whole == pytest.approx(GAP)


@pytest.mark.parametrize("level", [True, False])
def test_the_axis_has_its_band_its_ticks_and_its_words(level: bool) -> None:
    axes = Figure().subplots()
    axis = axes.xaxis if level else axes.yaxis
    assert cut_axis(axis, AxisCut((-0.01, 0.03), (0.97, 1.01))) == "cut from 3 % to 97 %"
    ticks = axis.get_majorticklocs()
    assert {0.0, 1.0} <= {round(float(tick), 9) for tick in ticks}
    assert not ((ticks > 0.03) & (ticks < 0.97)).any()
    assert axis.get_view_interval().tolist() == [-0.01, 1.01]
    (band,) = axes.patches
    begin, end = (band.get_x(), band.get_width()) if level else (band.get_y(), band.get_height())
    assert (begin, begin + end) == (pytest.approx(0.03), pytest.approx(0.97))
    assert band.get_hatch()


@pytest.mark.parametrize("short", [0.0005, 0.002, 0.01, 0.1])
def test_ticks_of_a_short_range_do_not_touch(short: float) -> None:
    axes = Figure().subplots()
    cut = AxisCut((-0.03, 0.1), (1.0 - short, 1.0 + short))
    cut_axis(axes.yaxis, cut)
    ticks = axes.yaxis.get_majorticklocs()
    assert ticks.max() > 0.9
    assert (np.diff(ticks) >= APART * (0.13 + 2 * short)).all()


def test_a_share_in_percent_has_no_more_digits_than_it_has() -> None:
    assert [percent_tick(each) for each in (0.0, -0.001, 0.9925, 1.0)] == ["0 %", "−0.1 %", "99.25 %", "100 %"]


def test_an_undefined_estimate_is_left_out() -> None:
    nothing = Estimate(np.nan, np.nan, np.nan, 0.95, 3, 3, "", 0, "TE is small")
    assert cut_of([nothing, *ENDS], (0.0, 1.0), least=0.01) == cut_of(ENDS, (0.0, 1.0), least=0.01)
