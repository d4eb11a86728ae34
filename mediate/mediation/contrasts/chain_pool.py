"""The chains of all items of a run, as far as one item's chain is replaced by others or held against them.

Of each group the sums of its chains' keys and values, and of all items together some positions, drawn by a seed, whose
values say where the distribution is. So no chain is kept, however many items there are.

*How far values are off the distribution*: in each layer, the Euclidean distance of a position's values (of all KV heads
together) to the nearest of up to `SAMPLE` positions of other items' chains. The median of it over the chain's positions
stands over the median, over these positions of other items, of each one's distance to the nearest other one
(leave-one-out). The number is the median over layers of that ratio: near 1 where values are as they are elsewhere. A
layer in which most drawn positions have a twin, as in the first one where values are the token's alone, has no scale
and does not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.batching import PADDING, of_like_length, side_by_side
from mediate.mediation.item import Encoded
from mediate.models.model import Model
from mediate.models.rope import depends_on_length
from mediate.passes.keyvalues import KeyValues, has_rotary, prefill, turned
from mediate.traces.trace import shared_beginning

# How many positions say where the distribution is.
SAMPLE = 2000
# Squared distances below this part of a squared length are rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """Keys (before rotary embedding) and values, summed over positions, in float64.

    Args:
        keys: Summed.
        values: Summed.
        positions: How many were summed.
    """

    keys: Float[Tensor, "layer kv_head d_key"]
    values: Float[Tensor, "layer kv_head d_value"]
    positions: int

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.keys + other.keys, self.values + other.values, self.positions + other.positions)

    def __sub__(self, other: "Sum") -> "Sum":
        return Sum(self.keys - other.keys, self.values - other.values, self.positions - other.positions)


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """What is kept of the chains of all items.

    Args:
        total: The sum over all chains.
        groups: The sum over the chains of each group.
        drawn: The values at the positions that were drawn.
        owners: The number of the item that each of these is of.
        numbers: The number of each item, by its id.
        nearest: By layer, the distance from each drawn position to the nearest other one.
        nearest_of: The item that this one is of.
        second: The distance to the nearest that is of any other item than that.
    """

    total: Sum
    groups: dict[str, Sum]
    drawn: Float[Tensor, "layer place d_all"]
    owners: Int[Tensor, " place"]
    numbers: dict[str, int]
    nearest: Float[Tensor, "layer place"]
    nearest_of: Int[Tensor, "layer place"]
    second: Float[Tensor, "layer place"]

    def elsewhere(self, group: str) -> Sum | None:
        """The sum over the chains of all other groups; None where there is no other."""
        found = self.total - self.groups[group]
        return found if found.positions else None

    def distance(
        self,
        item: Encoded,
        values: Float[Tensor, "layer kv_head pos d_value"],
        taken_from: Encoded | None = None,
    ) -> float:
        """How far values are off the distribution of other items' chains; see the module.

        NaN where fewer than two positions of other items were drawn, or no layer has a scale.

        Args:
            item: The item in which the values are put.
            values: At its chain; of one position where all are alike.
            taken_from: The item that they are taken from, whose own positions would be at distance 0.
        """
        elsewhere = self.owners != self.numbers[item.id]
        further = elsewhere if taken_from is None else elsewhere & (self.owners != self.numbers[taken_from.id])
        if int(elsewhere.sum()) < 2 or not further.any():
            return float("nan")
        ratios = []
        for layer, there in enumerate(self.drawn):
            # Positions that were nearest to one of this item's have lost it.
            own = self.nearest_of[layer] == self.numbers[item.id]
            left = torch.where(own, self.second[layer], self.nearest[layer])[elsewhere]
            scale = float(np.median(left.cpu().numpy()))
            if 0 < scale < float("inf"):
                away = _squares(_flat(values[layer]), there[further].double()).min(dim=1).values.sqrt()
                ratios.append(float(np.median(away.cpu().numpy())) / scale)
        return float(np.median(ratios)) if ratios else float("nan")


def gather_chains(model: Model, items: Sequence[Encoded], *, seed: int = 0, sample: int = SAMPLE) -> Chains:
    """Runs every item once and keeps of its chain what other items take from it; in whatever order they are given.

    Args:
        model: The hooked model.
        items: In tokens; their ids differ.
        seed: Of the positions that are drawn.
        sample: How many are drawn, where there are as many.
    """
    ordered = sorted(items, key=lambda each: each.id)
    ends = np.cumsum([0, *(len(each.trace.ids) for each in ordered)])
    places = np.sort(np.random.default_rng(seed).permutation(ends[-1])[:sample])
    groups: dict[str, Sum] = {}
    drawn: dict[int, Tensor] = {}
    for number, chain in _run_chains(model, ordered):
        group, sums = ordered[number].group, _summed(before_turning(model, chain))
        groups[group] = groups[group] + sums if group in groups else sums
        own = places[(places >= ends[number]) & (places < ends[number + 1])] - ends[number]
        drawn[number] = chain.values[:, :, torch.from_numpy(own).to(chain.values.device)].transpose(1, 2).flatten(2)
    owners = np.searchsorted(ends, places, side="right") - 1
    values = torch.cat([drawn[number] for number in range(len(ordered))], dim=1)
    numbers = {each.id: number for number, each in enumerate(ordered)}
    by_item = torch.from_numpy(owners).to(values.device)
    total = reduce(add, groups.values())
    return Chains(total, groups, values, by_item, numbers, *_left_out(values, by_item))


def before_turning(model: Model, stretch: KeyValues) -> KeyValues:
    """A stretch in float32 or finer with its keys as they were before rotary embedding, where the model has one.

    Raises:
        InputError: Its keys cannot be turned to other positions: the self-check of that failed, or its rotary
            frequencies depend on the length of the sequence.
    """
    keys = stretch.keys if stretch.keys.dtype is torch.float64 else stretch.keys.float()
    if has_rotary(model):
        if not (check := model.check("re-rotated keys")).passed:
            raise InputError(f"keys of model {model.facts.name!r} cannot be turned ({check.detail})")
        old = torch.arange(stretch.start, stretch.start + len(stretch), device=keys.device)
        keys = turned(model, keys, old, torch.zeros_like(old))
    return KeyValues(keys, stretch.values.to(keys.dtype), 0)


def at_positions(model: Model, stretch: KeyValues, like: KeyValues) -> KeyValues:
    """Keys before rotary embedding, with their values, as they would stand at the positions of another stretch.

    Args:
        model: The hooked model.
        stretch: From `before_turning`, as long as the other.
        like: Whose positions and dtype it takes.
    """
    keys = stretch.keys
    if has_rotary(model):
        new = torch.arange(like.start, like.start + len(like), device=keys.device)
        keys = turned(model, keys, torch.zeros_like(new), new)
    return KeyValues(keys.to(like.keys.dtype), stretch.values.to(like.values.dtype), like.start)


def run_chain(model: Model, item: Encoded) -> KeyValues:
    """An item's chain as it is after its own question."""
    ((_, chain),) = _run_chains(model, [item])
    return chain


def _run_chains(model: Model, items: Sequence[Encoded]) -> Iterator[tuple[int, KeyValues]]:
    """Each item's chain with the item's place; those of like length side by side, what all begin with run once."""
    common = shared_beginning([each.whole for each in items])
    common = common[: min(len(each.question) for each in items)]
    past = prefill(model, torch.tensor([common], device=model.device))[0] if common else None
    lengths = {number: len(each.whole) - len(common) for number, each in enumerate(items)}
    padding = 0.0 if depends_on_length(model.plain.config) else PADDING
    for numbers in of_like_length(lengths, side_by_side(model), padding):
        width = max(lengths[number] for number in numbers)
        rows = [[*items[number].whole[len(common) :], *[0] * (width - lengths[number])] for number in numbers]
        runs = prefill(model, torch.tensor(rows, device=model.device), past=past)
        for number, run in zip(numbers, runs, strict=True):
            yield number, run.part(len(items[number].question), len(items[number].whole))


def _summed(stretch: KeyValues) -> Sum:
    return Sum(stretch.keys.double().sum(dim=2), stretch.values.double().sum(dim=2), len(stretch))


def _left_out(
    drawn: Float[Tensor, "layer place d_all"], owners: Int[Tensor, " place"]
) -> tuple[Float[Tensor, "layer place"], Int[Tensor, "layer place"], Float[Tensor, "layer place"]]:
    """Each drawn position's distance to the nearest other, whose that is, and to the nearest of any other item's.

    With these, leaving out an item's positions takes no distance anew.
    """
    nearest, nearest_of, second = [], [], []
    for layer in drawn:
        squares = _squares(layer.double(), layer.double()).fill_diagonal_(float("inf"))
        first = squares.min(dim=1)
        whose = owners[first.indices]
        squares[owners[None, :] == whose[:, None]] = float("inf")
        nearest.append(first.values.sqrt())
        nearest_of.append(whose)
        second.append(squares.min(dim=1).values.sqrt())
    return torch.stack(nearest), torch.stack(nearest_of), torch.stack(second)


def _squares(one: Float[Tensor, "row d_all"], other: Float[Tensor, "column d_all"]) -> Float[Tensor, "row column"]:
    """Squared Euclidean distances, 0 where they are rounding; in float64, as the sum cancels."""
    lengths = (one**2).sum(dim=1)
    squares = lengths[:, None] + (other**2).sum(dim=1)[None, :] - 2 * one @ other.T
    return squares.masked_fill(squares <= ROUNDING * lengths[:, None], 0.0)


def _flat(values: Float[Tensor, "kv_head pos d_value"]) -> Float[Tensor, "pos d_all"]:
    return values.transpose(0, 1).flatten(1).double()
