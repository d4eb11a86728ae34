"""The loss of a tuning, step by step."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.style import FAINT, INK, canvas, detached

LOSS_SIZE = (5.2, 3.0)
# A running mean over this share of the steps is drawn where there are enough of them.
_WINDOW, _FEWEST = 0.05, 40


def plot_loss(
    losses: Sequence[Mapping[str, int | float]], *, title: str = "", unit: str = "", ax: Axes | None = None
) -> Axes:
    """The training loss of each step, and with 40 steps or more the running mean of a twentieth of them.

    The loss is in nats a token, and with DPO in nats a pair. It is of the batch before each step, so it falls with
    the examples seen again, and says nothing of held-out ones.

    Args:
        losses: A record a step with `step` and `loss`, as in `loss.jsonl`.
        title: Of the axes.
        unit: What the loss is of, as the arm says (`Arm.unit`). By default a `pair` where the records have margins, as
            DPO's have, and else a `token`.
        ax: Where to draw; new axes by default.

    Raises:
        InputError: No records.
    """
    if not losses:
        raise InputError("no losses to draw; tune for at least one step")
    found = loss_data(losses)
    steps, values, means = (found[name].to_numpy() for name in ("step", "loss", "mean"))
    with canvas(ax, LOSS_SIZE) as axes:
        if len(values) < _FEWEST:
            axes.plot(steps, values, color=INK, marker="o", markersize=3)
        else:
            axes.plot(steps, values, color=FAINT, linewidth=0.7, label="step")
            there = np.isfinite(means)
            axes.plot(steps[there], means[there], color=INK, label=f"mean of {_window(len(values))} steps")
            axes.legend()
        of = unit or ("pair" if any("rewards/margins" in each for each in losses) else "token")
        axes.set_xlabel("step")
        axes.set_ylabel(f"training loss (nats a {of})")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(title, parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    return axes


def loss_data(losses: Sequence[Mapping[str, int | float]]) -> pd.DataFrame:
    """What `plot_loss` draws: a row a step with its `loss`, and the running `mean` up to it, NaN without one."""
    values = np.array([each["loss"] for each in losses], dtype=np.float64)
    means = np.full(len(values), np.nan)
    if len(values) >= _FEWEST:
        window = _window(len(values))
        means[window - 1 :] = running_mean(values, window)
    steps = np.array([each["step"] for each in losses], dtype=np.float64)
    return pd.DataFrame({"step": steps, "loss": values, "mean": means})


def _window(count: int) -> int:
    return max(2, round(_WINDOW * count))


def write_loss(path: Path, losses: Sequence[Mapping[str, int | float]], *, title: str = "", unit: str = "") -> None:
    """Draws the loss into a PNG file."""
    with detached(LOSS_SIZE) as (figure, axes):
        plot_loss(losses, title=title, unit=unit, ax=axes)
        figure.savefig(path, dpi=144)


def running_mean(values: Float[np.ndarray, " step"], window: int) -> Float[np.ndarray, " window_end"]:
    """The mean of each `window` neighbours, as many fewer than the values as a window exceeds one step."""
    return np.convolve(values, np.full(window, 1 / window), mode="valid")
