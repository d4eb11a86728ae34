"""What a run will cost, said before it: operations, time and memory of each map, over all pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

from mediate.errors import InputError, ItemError
from mediate.mediation.batching import of_like_length
from mediate.mediation.costs import Cost, cost_of_map, runs_side_by_side, side_by_side_cost
from mediate.mediation.names import MapSpec
from mediate.mediation.prepared_item import Prepared
from mediate.models.model import Model
from mediate.pairs.pair import Item, Pair
from mediate.passes import pace
from mediate.passes.selfcheck import SWEPT
from mediate.passes.store import Store
from mediate.scoring.batches import tokens_together
from mediate.scoring.given import as_measured, fitting
from mediate.scoring.jobs import job_of
from mediate.scoring.preparing import prepare
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.showing import plural
from mediate.watch import tell


@dataclass(frozen=True, slots=True)
class Forecast:
    """One map's cost over all pairs that allow it.

    Args:
        name: The map.
        pairs: How many allow it.
        cost: The sum over pairs; of memory, the largest.
        noun: What one of them is called.
    """

    name: str
    pairs: int
    cost: Cost
    noun: str = "pair"

    def __str__(self) -> str:
        each = self.cost
        return (
            f"{self.name}: {each.cells:,} cell{'s' * (each.cells != 1)} of {plural(self.pairs, self.noun)} in "
            f"{each.sweeps:,} pass{'es' * (each.sweeps != 1)}, "
            f"{each.operations / 1e12:.3g} Tflop, about {duration(each.seconds)}, "
            f"{each.memory / 2**30:.2f} GiB beside the weights"
        )


def forecast(
    model: Model,
    pairs: Sequence[Pair] | Sequence[Item],
    spec: ScoreSpec,
    store: Store | None,
    *,
    unread: Sequence[ItemError] = (),
    progress: bool = False,
) -> tuple[Forecast, ...]:
    """The cost of each map of a run, at the pace of this machine. Missing chains are written first, and kept.

    Args:
        model: The hooked and checked model.
        pairs: What would be measured.
        spec: How.
        store: Where chains are looked up and kept.
        unread: Pairs that could not be read.
        progress: Whether to show bars while chains are written.

    Raises:
        InputError: As `score` would, or the model failed the self-check of sweeps, so that its pace is unknown.
    """
    if not model.check(SWEPT).passed:
        raise InputError(
            f"model {model.facts.name!r} failed the self-check of sweeps ({model.check(SWEPT).detail}); its maps take "
            "plain passes, one for each cell, and are not forecast"
        )
    pairs = as_measured(pairs, spec.against, tell if progress else str, spec.limit)
    job, spec = job_of(pairs, spec.against), settled(model, pairs, fitting(pairs, spec), tell if progress else str)
    items, _ = prepare(job.preparation, model, pairs, spec, store, unread=unread, progress=progress)
    return costs_of(model, items, job.preparation.maps(spec), job.noun)


def costs_of(model: Model, items: Sequence[Prepared], maps: Sequence[MapSpec], noun: str) -> tuple[Forecast, ...]:
    """The cost of each map over the items that allow it, at the pace of this machine.

    Args:
        model: The hooked model, which passed the self-check of sweeps.
        items: What would be measured, prepared.
        maps: Which maps.
        noun: What an item is called.
    """
    if not maps:
        return ()
    quick = pace(model)
    found = []
    for each in maps:
        there = {item.id: item.tokens for item in items if each in item.maps}
        costs = {name: cost_of_map(model, tokens, each, quick) for name, tokens in there.items()}
        lengths = {name: len(tokens.whole) for name, tokens in there.items()}
        groups = [[name] for name in there]
        if runs_side_by_side(each):
            groups = of_like_length(lengths, tokens_together(model))
        taken = [side_by_side_cost([costs[name] for name in group], quick) for group in groups]
        total = Cost(
            sum(cost.cells for cost in taken),
            sum(cost.sweeps for cost in taken),
            sum(cost.blocks for cost in taken),
            sum(cost.operations for cost in taken),
            sum(cost.seconds for cost in taken),
            max((cost.memory for cost in taken), default=0),
        )
        found.append(Forecast(str(each), len(costs), total, noun))
    return tuple(found)


def duration(seconds: float) -> str:
    """As a reader says it: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"
