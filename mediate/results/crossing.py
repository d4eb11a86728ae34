"""The cube of two checkpoints, Y[q, c, r]: whose state the answer reads, and whose weights read it.

Both checkpoints are run on the same tokens. `Y[q, c, r]` is the outcome when checkpoint r runs the readers and finds
the question's keys and values of checkpoint q and, at the CoT positions, those of checkpoint c. Index 0 is the
*original* checkpoint and 1 the *tuned* one (before and after fine-tuning; *base* and *source* are worlds). `Y[0,0,0]`
and `Y[1,1,1]` are the two models as they are.

With the CoT's keys and values as the *state* and all else, the weights that read and the question's keys and values
that they computed, as the *rest*, the corners are `Y_rs = Y[r, s, r]`, rest first:

- total change = Y11 - Y00
- the state's effect in the original model = Y01 - Y00 (tuned state into the original), in the tuned model = Y11 - Y10
- the rest's effect with the original's state = Y10 - Y00, with the tuned one's = Y11 - Y01
- interaction = Y11 - Y10 - Y01 + Y00
- the Shapley split of two: state = mean of its two effects, rest = mean of its two; they sum to the total change

The three factors apart (question, chain, readers) have Shapley values too, which also sum to the total change. The
chain's differs from the state's: it counts the orders in which the question changes before the readers, or after them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from mediate.results.cube import CELL_COLUMNS, CELLS, IDENTITY_TOLERANCE, MIN_TE, shapley
from mediate.results.kinds import WORLDS as WORLDS
from mediate.stats import Estimate, bootstrap_mean, bootstrap_ratio

if TYPE_CHECKING:
    import pandas

FACTORS = ("question", "chain", "readers")


class Change(NamedTuple):
    """The two-way split of what changed between the checkpoints, in nats; see the module's docstring."""

    total: Float[np.ndarray, " item"]
    state_in_original: Float[np.ndarray, " item"]
    state_in_tuned: Float[np.ndarray, " item"]
    rest_with_original_state: Float[np.ndarray, " item"]
    rest_with_tuned_state: Float[np.ndarray, " item"]
    interaction: Float[np.ndarray, " item"]
    state: Float[np.ndarray, " item"]
    rest: Float[np.ndarray, " item"]


def change(y: Float[np.ndarray, "item 2 2 2"]) -> Change:
    """The two-way split of Y[q, c, r], where the question goes with the readers."""
    y00, y01, y10, y11 = y[:, 0, 0, 0], y[:, 0, 1, 0], y[:, 1, 0, 1], y[:, 1, 1, 1]
    state, rest = (y01 - y00, y11 - y10), (y10 - y00, y11 - y01)
    return Change(
        total=y11 - y00,
        state_in_original=state[0],
        state_in_tuned=state[1],
        rest_with_original_state=rest[0],
        rest_with_tuned_state=rest[1],
        interaction=state[1] - state[0],
        state=(state[0] + state[1]) / 2,
        rest=(rest[0] + rest[1]) / 2,
    )


def check_splits(y: Float[np.ndarray, "item 2 2 2"]) -> None:
    """Raises ArithmeticError on a row where the two-way or the three-way split does not sum to the total change."""
    found = change(y)
    scale = np.maximum(1.0, abs(y).max(axis=(1, 2, 3)))
    for name, total in (("state + rest", found.state + found.rest), ("the three factors", shapley(y).sum(axis=1))):
        wrong = np.flatnonzero(~(abs(total - found.total) <= IDENTITY_TOLERANCE * scale))
        if len(wrong):
            row = int(wrong[0])
            raise ArithmeticError(
                f"row {row}: {name} is {float(total[row])!r}, and the total change is {float(found.total[row])!r}"
            )


@dataclass(frozen=True, slots=True)
class Crossing:
    """One outcome of a set of items in all eight combinations of two checkpoints.

    Args:
        y: Axes item, q, c, r (`FACTORS` in order); index 1 is the tuned checkpoint. In nats, positive towards the right
            answer of the item's world.
        items: The item ids.
        worlds: The world of each item's run, `base` or `source`; an item has at most one row in each.
        groups: The group of each item, which the bootstrap resamples.
        outcome: The name of the outcome.

    Raises:
        ArithmeticError: A split does not sum to the total change.
        ValueError: Labels and values disagree, or a value is not finite.
    """

    y: Float[np.ndarray, "item 2 2 2"]
    items: tuple[str, ...]
    worlds: tuple[str, ...]
    groups: tuple[str, ...]
    outcome: str

    def __post_init__(self) -> None:
        counts = {len(self.y), len(self.items), len(self.worlds), len(self.groups)}
        if self.y.shape[1:] != (2, 2, 2) or len(counts) != 1:
            raise ValueError(
                f"crossing {self.y.shape}: {len(self.items)} items, {len(self.worlds)} worlds, "
                f"{len(self.groups)} groups"
            )
        if not set(self.worlds) <= set(WORLDS):
            raise ValueError(f"worlds {sorted(set(self.worlds))}; there are {', '.join(WORLDS)}")
        if len(set(zip(self.items, self.worlds, strict=True))) != len(self.items):
            raise ValueError(f"outcome {self.outcome!r}: an item occurs twice in one world")
        if not np.isfinite(self.y).all():
            raise ValueError(f"outcome {self.outcome!r}: a cell is NaN or infinite")
        check_splits(self.y)

    def to_frame(self) -> "pandas.DataFrame":
        """A row an item and world: item, world, group, outcome, y000 ... y111 in the order q, c, r, and the splits."""
        return crossing_table([self])


def set_changes(crossing: Crossing, *, seed: int = 0, level: float = 0.95) -> dict[str, Estimate]:
    """Means over items, in nats, with intervals over resampled groups.

    Keys are the four corners (`original`, `tuned`, `original_with_tuned_state`, `tuned_with_original_state`), the
    fields of `Change`, and `FACTORS` for the three-way Shapley values.
    """
    y = crossing.y
    values = {
        "original": y[:, 0, 0, 0],
        "original_with_tuned_state": y[:, 0, 1, 0],
        "tuned_with_original_state": y[:, 1, 0, 1],
        "tuned": y[:, 1, 1, 1],
        **change(y)._asdict(),
        **dict(zip(FACTORS, shapley(y).T, strict=True)),
    }
    return {name: bootstrap_mean(each, crossing.groups, seed=seed, level=level) for name, each in values.items()}


def change_shares(
    crossing: Crossing, *, min_change: float = MIN_TE, seed: int = 0, level: float = 0.95
) -> dict[str, Estimate]:
    """Shares of the set's total change: ratios of sums over items, with intervals over resampled groups.

    Keys are `state`, `rest` (two-way) and `FACTORS` (three-way). Undefined (NaN, with a reason) where the size of the
    mean total change is not above `min_change`, in nats.
    """
    found = change(crossing.y)
    values = {"state": found.state, "rest": found.rest} | dict(zip(FACTORS, shapley(crossing.y).T, strict=True))
    return {
        name: bootstrap_ratio(
            each, found.total, crossing.groups, min_mean_denominator=min_change, seed=seed, level=level
        )
        for name, each in values.items()
    }


def crossing_table(crossings: Sequence[Crossing]) -> "pandas.DataFrame":
    """A row an item, world and outcome, as `Crossing.to_frame`."""
    import pandas as pd

    columns = ["item", "world", "group", "outcome", *CELL_COLUMNS, *Change._fields, *FACTORS]
    frames = []
    for each in crossings:
        labels: Mapping[str, object] = {
            "item": each.items,
            "world": each.worlds,
            "group": each.groups,
            "outcome": each.outcome,
        }
        cells = {name: each.y[:, q, c, r] for name, (q, c, r) in zip(CELL_COLUMNS, CELLS, strict=True)}
        split = change(each.y)._asdict() | dict(zip(FACTORS, shapley(each.y).T, strict=True))
        frames.append(pd.DataFrame({**labels, **cells, **split}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def crossings_from_table(table: "pandas.DataFrame") -> tuple[Crossing, ...]:
    """The inverse of `crossing_table`; the splits are worked out anew."""
    found = []
    for outcome, rows in table.groupby("outcome", sort=False):
        y = rows[list(CELL_COLUMNS)].to_numpy(dtype=np.float64).reshape(-1, 2, 2, 2)
        found.append(Crossing(y, tuple(rows["item"]), tuple(rows["world"]), tuple(rows["group"]), str(outcome)))
    return tuple(found)
