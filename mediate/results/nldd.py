"""NLDD: by how much the answer's lead decays when a step is wrong and the chain ends with it, a step at a time.

The normalised logit-difference decay as it is defined (see `docs/numbers.md`): the answer's lead is
`LD = 1/T sum over its tokens t of (logit of t - largest other logit) / sigma`, sigma being the standard deviation of
all logits there, and `NLDD_k = 100 (LD_clean - LD_k) / |LD_clean|`. The definition corrupts step k and then cuts the
chain off, so that it holds two things in one; what cutting it there does with the step right stands beside it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from mediate.stats import Estimate, bootstrap_mean

if TYPE_CHECKING:
    import pandas

# The decay is undefined where the lead after the whole chain is not above this in size, in standard deviations.
LEAST_LEAD = 0.1


def decay(clean: float, corrupted: float) -> float:
    """NLDD, in per cent of the clean lead's size: above 0 where the lead shrinks, above 100 where it turns.

    NaN where the clean lead is not above `LEAST_LEAD` in size.
    """
    return 100 * (clean - corrupted) / abs(clean) if abs(clean) > LEAST_LEAD else float("nan")


@dataclass(frozen=True, slots=True)
class Decay:
    """The leads of one item's measured answer around one step; in standard deviations of the logits.

    Args:
        item: The item's id.
        group: The item's group.
        step: Which step is wrong, counted from 0.
        steps: How many steps the chain has.
        clean: The lead after the whole chain.
        corrupted: After the chain up to that step, whose result is wrong by one digit; NaN where it cannot be.
        truncated: After the chain up to that step as it is.
        code: A short word on why there is none; else empty.
        reason: The same in a sentence.
    """

    item: str
    group: str
    step: int
    steps: int
    clean: float = float("nan")
    corrupted: float = float("nan")
    truncated: float = float("nan")
    code: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if bool(self.code) != bool(self.reason) or bool(self.code) != bool(np.isnan(self.corrupted)):
            raise ValueError(f"item {self.item!r}: step {self.step} needs either a lead or a reason for none")

    @property
    def nldd(self) -> float:
        """The decay by the definition: the step wrong and the chain cut off after it."""
        return decay(self.clean, self.corrupted)

    @property
    def cut(self) -> float:
        """The decay by cutting the chain off there alone."""
        return decay(self.clean, self.truncated)


@dataclass(frozen=True, slots=True)
class Decayed:
    """NLDD over the items of a set, each at the step at which it is largest.

    Args:
        peak: The largest NLDD of an item's steps, averaged over items.
        cut: There, the decay by cutting the chain off alone.
        horizon: The reasoning horizon k*, that step's place of all, from above 0 to 1, averaged over items.
        undefined: Items whose clean lead is too small.
        refused: Steps that could not be made wrong, by the reason's short word.
    """

    peak: Estimate
    cut: Estimate
    horizon: Estimate
    undefined: int
    refused: dict[str, int]


def decayed(found: Sequence[Decay], *, seed: int = 0, level: float = 0.95) -> Decayed:
    """NLDD over a set; of steps that tie, the first is the horizon."""
    made: dict[str, list[Decay]] = {}
    for each in found:
        if not each.code:
            made.setdefault(each.item, []).append(each)
    peaks = [max(rows, key=lambda row: row.nldd) for rows in made.values() if not np.isnan(rows[0].nldd)]
    groups = [each.group for each in peaks]

    def mean(values: list[float]) -> Estimate:
        return bootstrap_mean(np.array(values, dtype=float), groups, seed=seed, level=level)

    return Decayed(
        peak=mean([each.nldd for each in peaks]),
        cut=mean([each.cut for each in peaks]),
        horizon=mean([(each.step + 1) / each.steps for each in peaks]),
        undefined=len(made) - len(peaks),
        refused=dict(Counter(each.code for each in found if each.code)),
    )


def decay_table(found: Sequence[Decay]) -> "pandas.DataFrame":
    """A row an item and step, with `nldd` and `cut` in per cent after the leads."""
    import pandas as pd

    names = [each.name for each in fields(Decay)]
    names[names.index("code") : names.index("code")] = ["nldd", "cut"]
    return pd.DataFrame([{name: getattr(each, name) for name in names} for each in found], columns=names)


def decays_from_table(table: "pandas.DataFrame") -> tuple[Decay, ...]:
    """The inverse of `decay_table`."""
    rows = table[[each.name for each in fields(Decay)]].to_dict("records")
    return tuple(Decay(**{str(name): value for name, value in row.items()}) for row in rows)
