"""Shares over the sizes of models: every estimate at its size, for one line and for ten."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures import (
    LadderLine,
    detached,
    plot_ladder,
)
from mediate.figures.ladder import LADDER_SIZE, short_size
from tests.figures.artists import faults
from tests.figures.records import estimate

SIZES = (3_400_000, 14_000_000, 51_000_000, 135_000_000, 360_000_000)


@pytest.mark.parametrize("count", [1, 2, 4, 10])
def test_a_ladder_shows_every_estimate_at_its_size(count: int) -> None:
    lines = [
        LadderLine(f"arm {place}", SIZES, tuple(estimate(0.1 * place + 0.05 * k) for k in range(5)))
        for place in range(count)
    ]
    with detached(LADDER_SIZE) as (figure, ax):
        plot_ladder(lines, quantity="mediated share", percent=True, ax=ax)
        assert faults(figure) == []
    assert ax.get_xscale() == "log"
    drawn = {line.get_label(): line for line in ax.lines}
    for line in lines:
        np.testing.assert_allclose(drawn[line.name].get_ydata(), [each.value for each in line.estimates])
        np.testing.assert_allclose(drawn[line.name].get_xdata(), SIZES, rtol=0.4)
    assert (
        len(
            {
                (line.get_color() if isinstance(line.get_color(), str) else tuple(line.get_color()), line.get_marker())
                for line in drawn.values()
            }
        )
        >= count
    )
    bars = [each.get_segments()[0] for each in ax.collections]
    assert len(bars) == 5 * count
    assert len({bar[0, 0] for bar in bars}) == 5 * count  # no interval lies over another
    assert [text.get_text() for text in ax.get_xticklabels()] == ["3.4M", "14M", "51M", "135M", "360M"]
    assert ax.get_xlabel() == "parameters (log scale); 95 % intervals; n = 40 items"
    assert {text.get_text() for text in ax.texts} == {line.name for line in lines}


def test_sizes_that_are_close_share_a_name_and_keep_their_ticks() -> None:
    sizes = (135_000_000, 137_000_000, 360_000_000)
    line = LadderLine("one", sizes[::-1], (estimate(0.3), estimate(0.2), estimate(0.1)))
    with detached(LADDER_SIZE) as (figure, ax):
        plot_ladder([line], quantity="x", ax=ax)
        assert faults(figure) == []
    assert [text.get_text() for text in ax.get_xticklabels()] == ["135M", "", "360M"]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), sizes)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.1, 0.2, 0.3])


def test_undefined_models_are_counted_and_those_without_an_interval_hollow() -> None:
    line = LadderLine("arm", SIZES[:3], (estimate(-0.3), estimate(np.nan), estimate(0.1, np.nan)))
    with detached(LADDER_SIZE) as (figure, ax):
        plot_ladder([line], quantity="x", ax=ax)
        assert faults(figure) == []
    assert [text.get_text() for text in ax.texts] == ["arm (1 undefined)"]
    assert [each.get_markerfacecolor() for each in ax.lines if len(each.get_xdata()) == 1] == ["white"]
    assert any(list(each.get_ydata()) == [0, 0] for each in ax.lines)
    with pytest.raises(InputError, match="no ladder to draw"):
        plot_ladder([LadderLine("arm", SIZES[:1], (estimate(np.nan),))], quantity="x")


@pytest.mark.parametrize(
    ("parameters", "text"),
    [(999, "999"), (25_000, "25k"), (134_515_008, "135M"), (999_600_000, "1B"), (1_540_000_000, "1.54B")],
)
def test_sizes_are_short(parameters: int, text: str) -> None:
    assert short_size(parameters) == text


@pytest.mark.parametrize(("sizes", "count"), [((1, 2), 1), ((), 0), ((0,), 1)])
def test_a_ladder_line_checks_itself(sizes: tuple[int, ...], count: int) -> None:
    with pytest.raises(ValueError, match="line 'a'"):
        LadderLine("a", sizes, (estimate(0.1),) * count)
