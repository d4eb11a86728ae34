"""The loss curve shows the numbers that it is given."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.errors import InputError
from mediate.figures.loss import plot_loss, running_mean, write_loss


def records(count: int, **more: float) -> list[dict[str, int | float]]:
    return [{"step": step, "loss": 5.0 / step, **more} for step in range(1, count + 1)]


def test_a_short_curve_is_its_points() -> None:
    axes = plot_loss(records(6), title="lora $5", ax=Figure().subplots())
    (line,) = axes.lines
    assert np.allclose(line.get_xdata(), range(1, 7))
    assert np.allclose(line.get_ydata(), [5.0 / step for step in range(1, 7)])
    assert axes.get_ylabel() == "training loss (nats a token)"
    assert axes.get_title() == "lora $5"


def test_a_long_one_has_a_running_mean_at_the_end_of_each_window() -> None:
    axes = plot_loss(records(60), ax=Figure().subplots())
    raw, mean = axes.lines
    assert len(raw.get_xdata()) == 60
    assert mean.get_label() == "mean of 3 steps"
    assert mean.get_xdata()[0] == 3
    assert mean.get_ydata()[0] == pytest.approx((5 + 2.5 + 5 / 3) / 3)
    assert np.allclose(running_mean(np.arange(6.0), 2), np.arange(5.0) + 0.5)


def test_a_preference_is_in_nats_a_pair() -> None:
    axes = plot_loss(records(3, **{"rewards/margins": 0.1}), ax=Figure().subplots())
    assert axes.get_ylabel() == "training loss (nats a pair)"


def test_no_losses_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no losses"):
        plot_loss([])
    write_loss(tmp_path / "loss.png", records(4))
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
