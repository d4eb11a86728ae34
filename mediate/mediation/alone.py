"""Methods that look at one run as it is, which of a pair is the base: the same of a pair and of an item by itself.

`PreparedPair` and `PreparedItem` have them as methods of their own.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.ablation import Ablated, ablation_effects
from mediate.mediation.kinds.adaptive import Adaptive, Search, adaptive_knockout_map
from mediate.mediation.kinds.knockout import deletion_effect, knockout_by_reader, knockout_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.models.sites import parse_component
from mediate.results.cube import total_effect

Y = Float[np.ndarray, "outcome 2 2 2"]
PerCell = Float[np.ndarray, "outcome cell"]


@runtime_checkable
class Subject(Protocol):
    """What these methods take: a pair or an item on its way to its numbers."""

    @property
    def model(self) -> Model:
        """The hooked and checked model."""
        ...

    @property
    def tokens(self) -> Any:
        """The pair or item in tokens."""
        ...

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What is read off; a method that reads one takes the first."""
        ...

    @property
    def seed(self) -> int:
        """Of whatever is drawn."""
        ...

    @property
    def material(self) -> Material:
        """What reference values are made from, beside the chain itself."""
        ...

    def encoded(self) -> Encoded:
        """What is in tokens, with the readers that its outcomes take."""
        ...

    def total(self) -> float:
        """The total effect on the first outcome, in its unit."""
        ...


def total_of(y: Y) -> float:
    """The total effect on the first outcome of a cube, in its unit."""
    return float(total_effect(y[:1])[0])


def cells(self: Subject, axes: str = "step", component: str = "") -> list[Cell]:
    """Cells over axes such as `step,layer`, in row order; what is not named is taken as a whole.

    Args:
        self: The pair or item.
        axes: As in a map's name.
        component: What is replaced there, which decides what heads there are; none without.

    Raises:
        InputError: No such axes.
    """
    heads_of = parse_component(component) if component else None
    return cells_of(self.model, self.tokens, tuple(axes.split(",")), component=heads_of)[0]


def knockout(
    self: Subject,
    cells: Sequence[Cell] | None = None,
    readers: Sequence[int] | None = None,
    *,
    renormalised: bool = True,
) -> PerCell:
    """Knockout effects of cells (by default of steps) for each outcome, for all readers or some."""
    return knockout_effects(
        self.model, self.encoded(), _wanted(self, cells), self.outcomes, readers=readers, renormalised=renormalised
    )


def by_reader(self: Subject, cells: Sequence[Cell] | None = None) -> Float[np.ndarray, "outcome reader cell"]:
    """Which of the positions after the chain read it: knockout effects of cells (by default of steps) for each alone.

    Readers are counted from the first token after the chain. Their effects do not add up: what one cannot read another
    may have read for it.
    """
    return knockout_by_reader(self.model, self.encoded(), _wanted(self, cells), self.outcomes)


def deletion(self: Subject) -> Float[np.ndarray, " outcome"]:
    """The effect of leaving the chain out, for each outcome."""
    return deletion_effect(self.model, self.encoded(), self.outcomes)


def ablation(
    self: Subject,
    components: Sequence[str],
    by: str,
    cells: Sequence[Cell] | None = None,
    *,
    others: Sequence[Subject] = (),
    filler: int | None = None,
) -> Ablated:
    """Effects of ablating cells (by default steps) for each outcome.

    Args:
        self: The pair or item.
        components: What is replaced in each cell, together, such as `["k", "v"]`.
        by: What is put in its place: `zero`, `mean`, `resample`, `filler`, `shuffled` or `noise`, or another of
            `mediate.mediation.kinds.references.REFERENCES`.
        cells: Where.
        others: Items whose chains a mean or another item's chain is taken from.
        filler: The token that a chain of filler repeats.
    """
    return ablation_effects(
        self.model,
        self.encoded(),
        [parse_component(each) for each in components],
        _wanted(self, cells),
        self.outcomes,
        by,
        reference_material(self, others, filler),
    )


def adaptive_knockouts(self: Subject, *, threshold: float = 0.05) -> Adaptive:
    """Knockout effects by position and layer where they are large; exact there, bounded elsewhere.

    `threshold` is a part of |TE| on the first outcome.
    """
    return adaptive_knockout_map(
        self.model, self.encoded(), self.outcomes[0], self.total(), Search(threshold, seed=self.seed)
    )


def reference_material(self: Subject, others: Sequence[Subject] = (), filler: int | None = None) -> Material:
    """What reference values are made from: what a run gave the item, or others in its place."""
    if others:
        return Material([each.tokens for each in others], filler, self.seed, nearest=others[0].tokens)
    return replace(self.material, filler=filler, seed=self.seed)


def _wanted(self: Subject, cells: Sequence[Cell] | None) -> Sequence[Cell]:
    return cells_of(self.model, self.tokens, ("step",))[0] if cells is None else cells
