"""The record of how the models of a ladder are trained and examined."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from mediate.models.model import Model
from mediate.models.shipped import After, Ladder

# Beside the weights: how a model was trained.
TRAINED = "training.json"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast a reference reasoner is trained.

    Args:
        steps: Optimiser steps.
        rows: Problems in a batch.
        learning_rate: At its highest.
    """

    steps: int
    rows: int
    learning_rate: float


@runtime_checkable
class Training(Protocol):
    """Batches by their number, each made when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> dict[str, Tensor]: ...


# Written out for a run of training: how often what occurs, and the like.
Records = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the models of a ladder are trained and examined; `mediate.reference.recipes.RECIPES` lists one for each.

    Args:
        ladder: What the models are.
        diets: What each after is trained on, as a dataclass: as data, it is written beside the weights.
        schedules: How long each is trained, by after and size.
        batches: From a diet, a tokenizer, a schedule and a seed, all batches of a training.
        in_order: Whether batches are taken in their order; else the trainer shuffles them.
        examine: From a model, a number of problems and a seed, its marks: dataclasses.
        card: The text of the card, from a record for each model.
        files: Of the marks and of the card.
        optimiser: From a model, `learning_rate`, `weight_decay` and `betas`; None for AdamW.
        falling: The share of steps, at the end, over which the learning rate falls to 0 along a cosine; None for all.
        before: The recipe of what rungs go on from; None where they begin from scratch.
    """

    ladder: Ladder
    diets: Mapping[After, Any]
    schedules: Mapping[After, Mapping[str, Schedule]]
    batches: Callable[[Any, Any, Schedule, tuple[int, ...]], Training]
    examine: Callable[[Model, int, int], tuple[Any, ...]]
    card: Callable[[Records], str]
    files: tuple[str, str]
    in_order: bool = False
    optimiser: Callable[..., Any] | None = None
    falling: float | None = None
    before: "Recipe | None" = None

    def goes_on_from(self, after: After) -> "Recipe | None":
        """The recipe of the weights that a model begins with, where it is not a rung's own or from scratch."""
        return self.before if after is After.BASE else None
