"""Controls: effects that must be nothing, or little, if the measurement is what it says."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from mediate.stats import Estimate, bootstrap_mean

if TYPE_CHECKING:
    import pandas


class Control(StrEnum):
    """What is done in place of the real intervention.

    `self_source`: the chain's keys and values are replaced by the base run's own. `after_readers`: positions after the
    answer are replaced. Both are exactly 0. `random_positions`: the readers find the source's keys and values at CoT
    positions drawn at random among those whose words are the same in both worlds, as many as differ. `same_answer`: the
    chain is that of another item with the same answer. `shuffled_steps`: the chain's own steps in another order.
    `random_weights`: the same pair in a model of the same shape whose weights are random.

    Of items by themselves: `hide_nothing`, a mask that hides nothing, and `hide_after`, one that hides what comes after
    the answer, are exactly 0. `random_hidden`: as many CoT tokens are hidden as last state the answer, drawn at random
    from the rest of the chain (of a chain that does not state it, and in runs from before, as many as the last step
    has). `self_other`, of items that are held against others: the item held against itself, exactly 0.
    """

    SELF_SOURCE = "self_source"
    AFTER_READERS = "after_readers"
    RANDOM_POSITIONS = "random_positions"
    SAME_ANSWER = "same_answer"
    SHUFFLED_STEPS = "shuffled_steps"
    RANDOM_WEIGHTS = "random_weights"
    HIDE_NOTHING = "hide_nothing"
    HIDE_AFTER = "hide_after"
    RANDOM_HIDDEN = "random_hidden"
    SELF_OTHER = "self_other"

    @property
    def exact(self) -> bool:
        """Whether the effect must be 0, bit by bit."""
        return self in (
            Control.SELF_SOURCE,
            Control.AFTER_READERS,
            Control.HIDE_NOTHING,
            Control.HIDE_AFTER,
            Control.SELF_OTHER,
        )


@dataclass(frozen=True, slots=True)
class Controlled:
    """One control of one item.

    Args:
        item: The item's id.
        group: The item's group.
        control: Which control.
        outcome: The name of the outcome.
        effect: Of the control, in nats; of random positions the mean size over draws, of random weights that model's
            TE. NaN where the control was refused.
        beside: The real effect that it stands beside, in nats: of random positions, that of the positions whose words
            differ; of random CoT tokens hidden, that of those that state the answer; of random weights TE; else TIE.
        p: Of random positions or tokens: the share of draws, the real one included, with an effect of at least its
            size.
        rank: Of random weights: the rank correlation of the two models' read effects by step and layer, of items by
            themselves of their knockout effects; NaN where a run has no such map.
        draws: How many draws the effect is a mean over.
        reason: Why the control was refused: it is vacuous here, or the item has not what it needs. Else empty.
    """

    item: str
    group: str
    control: Control
    outcome: str
    effect: float = float("nan")
    beside: float = float("nan")
    p: float = float("nan")
    rank: float = float("nan")
    draws: int = 1
    reason: str = ""

    def __post_init__(self) -> None:
        if np.isfinite(self.effect) == bool(self.reason):
            raise ValueError(f"item {self.item!r}: {self.control} needs either an effect or a reason for none")


@dataclass(frozen=True, slots=True)
class ControlSummary:
    """A control over the items on which it was run.

    Args:
        control: Which control.
        n: Items on which it was measured.
        refused: Items on which it was not.
        largest: The largest |effect|, in nats.
        size: Mean |effect|, in nats, with its interval.
        beside: Mean size of the real effect that it stands beside, in nats, with its interval.
        rank: Of random weights: the mean rank correlation, with its interval.
        p: Of random positions: the median of the items' p; else NaN.
        reasons: Why it was refused, each reason once.
    """

    control: Control
    n: int
    refused: int
    largest: float
    size: Estimate
    beside: Estimate
    rank: Estimate
    p: float
    reasons: tuple[str, ...]

    @property
    def held(self) -> bool | None:
        """Whether what must hold holds; None where the control is a number to be read, or was not measured."""
        if not self.n:
            return None
        if self.control.exact:
            return self.largest == 0
        return None


def summarise(found: Sequence[Controlled], *, seed: int = 0, level: float = 0.95) -> tuple[ControlSummary, ...]:
    """Each control over its items, in the order of `Control`."""
    return tuple(
        _summary(control, [each for each in found if each.control is control], seed, level)
        for control in Control
        if any(each.control is control for each in found)
    )


def _summary(control: Control, found: Sequence[Controlled], seed: int, level: float) -> ControlSummary:
    measured = [each for each in found if not each.reason]

    def mean(values: Sequence[float]) -> Estimate:
        there = [place for place, value in enumerate(values) if np.isfinite(value)]
        groups = [measured[place].group for place in there]
        return bootstrap_mean(np.array(values, dtype=np.float64)[there], groups, seed=seed, level=level)

    return ControlSummary(
        control=control,
        n=len(measured),
        refused=len(found) - len(measured),
        largest=max((abs(each.effect) for each in measured), default=float("nan")),
        size=mean([abs(each.effect) for each in measured]),
        beside=mean([abs(each.beside) for each in measured]),
        rank=mean([each.rank for each in measured]),
        p=float(np.median([each.p for each in measured])) if measured else float("nan"),
        reasons=tuple(dict.fromkeys(each.reason for each in found if each.reason)),
    )


def control_table(controls: Sequence[Controlled]) -> "pandas.DataFrame":
    """A row an item and control."""
    import pandas as pd

    rows = [asdict(each) | {"control": each.control.value} for each in controls]
    return pd.DataFrame(rows, columns=[each.name for each in fields(Controlled)])


def controls_from_table(table: "pandas.DataFrame") -> tuple[Controlled, ...]:
    """The inverse of `control_table`."""
    return tuple(
        Controlled(**(row | {"control": Control(row["control"]), "draws": int(row["draws"])}))  # type: ignore[arg-type]
        for row in table.to_dict("records")
    )
