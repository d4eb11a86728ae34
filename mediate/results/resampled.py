"""Steps of a chain resampled: what each decides of the final answer, and how firmly it comes back. Needs no model.

Resampling importance is that of Thought Anchors (arXiv 2506.19143): chains are sampled from before a step and from
after it, and their final answers are compared. Counterfactual importance keeps those from before it whose own step has
another value. Resilience is that of Thought Branches (ICLR 2026): how often a step's value has to be resampled away
until it does not come back.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas

NAN = float("nan")
# Deals of the pooled answers that `distance_by_chance` is a mean over.
DEALS = 200


@dataclass(frozen=True, slots=True)
class Resampled:
    """One step of one item's chain, resampled. All shares are of sampled chains, all distances between 0 and 1.

    Args:
        item: The item's id.
        group: The item's group.
        step: The step, counted from 0.
        steps: How many steps the chain has.
        value: What the step comes to: `mediate.traces.step_values.step_value`.
        samples: Chains that were sampled from before the step, and as many from after it.
        right_kept: The share of chains from after the step whose answer is the measured one.
        right_resampled: The same of chains from before it, so that the step is resampled.
        importance: `right_kept - right_resampled`: positive where the step speaks for the measured answer.
        distance: Total variation distance of the final answers of both; what does not parse is an answer of its own.
        distance_by_chance: What that would be on average if the step decided nothing: the same answers dealt at random.
        differing: The share of resampled steps that have another value.
        right_differing: As `right_resampled`, of those alone; NaN where there are none, and so are the next three.
        counterfactual: `right_kept - right_differing`.
        counterfactual_distance: As `distance`, of those alone.
        counterfactual_by_chance: As `distance_by_chance`, likewise.
        resilience: How often the value had to be resampled away until it stood nowhere in what followed, a mean over
            samples; where it still came back at the last round, that round counts, so it is then a lower bound.
        returning: The share of samples in which it still came back at the last round.
        right_absent: As `right_resampled`, of chains from which the value had gone for good; NaN where there are none.
        unparsed: Chains from before the step without an answer that parses.
        endless: Those of them that never came to an end.
        code: A short word on why the step could not be resampled; else empty.
        reason: The same in a sentence.
    """

    item: str
    group: str
    step: int
    steps: int
    value: str = ""
    samples: int = 0
    right_kept: float = NAN
    right_resampled: float = NAN
    importance: float = NAN
    distance: float = NAN
    distance_by_chance: float = NAN
    differing: float = NAN
    right_differing: float = NAN
    counterfactual: float = NAN
    counterfactual_distance: float = NAN
    counterfactual_by_chance: float = NAN
    resilience: float = NAN
    returning: float = NAN
    right_absent: float = NAN
    unparsed: int = 0
    endless: int = 0
    code: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.step < self.steps:
            raise ValueError(f"item {self.item!r}: step {self.step} of {self.steps}")
        if bool(self.code) != bool(self.reason) or bool(self.code) == bool(self.samples):
            raise ValueError(f"item {self.item!r}: step {self.step} needs either samples or a reason for none")

    @property
    def made(self) -> bool:
        """Whether the step could be resampled."""
        return not self.code


def distance(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Total variation distance of two samples of answers: half the sum of |p - q|; NaN where one is empty."""
    if not one or not other:
        return NAN
    p, q = Counter(one), Counter(other)
    return 0.5 * sum(abs(p[each] / len(one) - q[each] / len(other)) for each in p.keys() | q.keys())


def distance_by_chance(one: Sequence[Hashable], other: Sequence[Hashable], *, seed: int = 0) -> float:
    """The mean distance of two samples of these sizes that are dealt from both, at random.

    Two samples of one distribution are not alike: of 20 answers each, half of them right, it is about 0.13.
    """
    if not one or not other:
        return NAN
    numbers = {each: number for number, each in enumerate(dict.fromkeys([*one, *other]))}
    pooled = np.array([numbers[each] for each in (*one, *other)])
    if len(numbers) == 1:
        return 0.0
    rng = np.random.default_rng(seed)
    dealt = rng.permuted(np.tile(pooled, (DEALS, 1)), axis=1)
    p, q = (
        np.stack([(part == number).mean(axis=1) for number in numbers.values()])
        for part in (dealt[:, : len(one)], dealt[:, len(one) :])
    )
    return float(0.5 * abs(p - q).sum(axis=0).mean())


def resampled_table(found: Sequence[Resampled]) -> "pandas.DataFrame":
    """A row an item and step; the columns are the fields of `Resampled`."""
    import pandas as pd

    names = [each.name for each in fields(Resampled)]
    return pd.DataFrame([{name: getattr(each, name) for name in names} for each in found], columns=names)


def resampled_from_table(table: "pandas.DataFrame") -> tuple[Resampled, ...]:
    """The inverse of `resampled_table`."""
    names = [each.name for each in fields(Resampled)]
    rows = table[names].to_dict("records")
    return tuple(Resampled(**{str(name): value for name, value in row.items()}) for row in rows)
