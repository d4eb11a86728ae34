"""Direct paths (path patching; Wang et al. 2022, Goldowsky-Dill et al. 2023): from a sender straight to receivers.

1. In the patched run the sender's activation is replaced by the other run's, and what every later block adds to the
   residual stream is held as it was: so receivers see the sender's change through the residual stream alone. Their
   queries, keys or values are kept.
2. In the run as it was, those queries, keys or values are put in place, and everything downstream recomputes.

Both passes go through the model's own blocks, with its own norms and projections; so it works for grouped queries, and
for norms after attention or MLP. A sender at the CoT positions has no direct path to what is read elsewhere: receivers
stand at the sender's positions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.cells import Cell, check_cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.reference_value import NOTHING, Material
from mediate.mediation.kinds.references import reference_named
from mediate.mediation.kinds.state import Direction, chain_activations, other_world, placed
from mediate.mediation.outcomes import Outcome
from mediate.mediation.sequences import Sequences, own_sequences, sequences
from mediate.models.model import Model
from mediate.models.sites import IN_ATTENTION, Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Patch, Reference, Values
from mediate.showing import fields_cell

RECEIVERS = (Component.Q, Component.K, Component.V)


@dataclass(frozen=True, slots=True)
class Receiver:
    """What takes a sender's change in.

    Args:
        component: `q`, `k` or `v`.
        layers: Ascending, each once; in those that are not after the sender nothing arrives.
        units: Heads of `q`, KV heads of `k` and `v`; None for all.

    Example:
        >>> md.Receiver(md.Component.V, layers=(1,)).component.value
        'v'
    """

    component: Component
    layers: tuple[int, ...]
    units: tuple[int, ...] | None = None

    _repr_html_ = fields_cell


@dataclass(frozen=True, slots=True)
class Paths:
    """What leads from a sender to where its change is taken in.

    Args:
        component: The kind of activation that sends.
        receivers: What receives, together.
        through_mlps: Lets the MLPs on the way recompute, as Wang et al. do, so that they pass the change on; off, only
            the residual stream does.
    """

    component: Component
    receivers: Sequence[Receiver]
    through_mlps: bool = False

    def __post_init__(self) -> None:
        wrong = next((each.component for each in self.receivers if each.component not in RECEIVERS), None)
        if wrong is not None or not self.receivers:
            raise InputError(f"receivers {wrong or '()'}; a path ends in some of {', '.join(RECEIVERS)}")


def path_effects(
    model: Model,
    pair: EncodedPair,
    paths: Paths,
    senders: Sequence[Cell],
    outcomes: Sequence[Outcome],
    direction: Direction = Direction.NOISING,
) -> Float[np.ndarray, "outcome cell"]:
    """The effect of each sender by way of the receivers alone, in nats, with the sign of a state effect.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        paths: From which activation to which receivers.
        senders: Where; each in one layer.
        outcomes: What to read off.
        direction: Into which run.

    Raises:
        InputError: A sender of several layers or outside the chain, or a component that the model does not offer.
        ItemError: The two chains cannot be aligned.
    """
    _check_senders(model, pair, senders)
    run = sequences(model, pair, direction.patched_world, outcomes)
    values = other_world(model, pair, [paths.component], direction, run)
    effects = _sent(model, run, values, paths, senders, outcomes)
    return effects if direction is Direction.NOISING else -effects


def ablated_path_effects(
    model: Model,
    item: Encoded,
    paths: Paths,
    senders: Sequence[Cell],
    outcomes: Sequence[Outcome],
    by: str,
    material: Material = NOTHING,
) -> Float[np.ndarray, "outcome cell"]:
    """The effect of each sender by way of the receivers alone, where a reference value takes the sender's place.

    Positive where what the sender says along these paths speaks for the answer, as of an ablation.

    Args:
        model: The hooked model.
        item: The item in tokens, or the pair, of which the base run is taken.
        paths: From which activation to which receivers.
        senders: Where; each in one layer.
        outcomes: What to read off.
        by: The name of a reference value; see `mediate.mediation.kinds.references`.
        material: What it is made from, where it needs anything.

    Raises:
        InputError: As `path_effects`, or as `ablation_effects` of the reference value.
    """
    _check_senders(model, item, senders)
    run = own_sequences(model, item, outcomes)
    reference = reference_named(item, by)
    if paths.component is Component.PATTERN and not reference.of_patterns:
        raise InputError(f"paths from patterns that {by} values replace: a row must sum to 1; take z in their stead")
    reference.needs(model, item, material)
    own = chain_activations(model, item.whole, run.start, [paths.component])
    values = placed(reference.make(model, item, own, material), run, by)
    return _sent(model, run, values, paths, senders, outcomes)


def _check_senders(model: Model, item: Encoded, senders: Sequence[Cell]) -> None:
    for cell in senders:
        check_cell(model, item, cell)
        if len(cell.layers) > 1:
            raise InputError(f"item {item.id!r}: a sender in layers {cell.layers}; a path begins in one layer")


def _sent(
    model: Model,
    run: Sequences,
    values: Values,
    paths: Paths,
    senders: Sequence[Cell],
    outcomes: Sequence[Outcome],
) -> Float[np.ndarray, "outcome cell"]:
    """Y as it is, less Y where the receivers take in what each sender says once it is replaced."""
    component, by = paths.component, next(iter(values))[0]
    # The chain is the same in every row, so one row shows what arrives there.
    added = [Site(model.need(each), layer) for each in _ADDED for layer in range(model.facts.layers)]
    sites = sorted({Site(model.need(each.component), layer) for each in paths.receivers for layer in each.layers})
    own = forward(model, run.ids[:1], keep=[*added, *sites], last=1).kept
    clean = branching_point(model, run, outcomes)
    effects = np.zeros((len(outcomes), len(senders)))
    for place, cell in enumerate(senders):
        held = {site: own[site] for site in added if _is_held(site, paths, cell.layers[0])}
        patches = cell.patches([component], run.start, by)
        arrived = forward(model, run.ids[:1], [patches], values, writes=held, keep=sites, last=1).kept
        found = _received(run, cell, paths, arrived, own)
        if found:
            branch = tuple(each for each, _ in found)
            values_here = {key: value for _, (key, value) in found}
            here, y = branched_outcomes(model, run, outcomes, [branch], values_here, clean)
            effects[:, place] = here - y[:, 0]
    return effects


_ADDED = (Component.ATTN_OUT, Component.MLP_OUT)


def _is_held(site: Site, paths: Paths, layer: int) -> bool:
    """Whether what a block adds is held: it comes after the sender and is not how the sender itself speaks."""
    sender = paths.component
    if site.component is Component.MLP_OUT and paths.through_mlps:
        return False
    if site.layer != layer:
        return site.layer > layer
    if sender is Component.RESID_PRE:
        return True
    in_attention = sender in (*IN_ATTENTION, Component.ATTN_OUT, Component.RESID_MID)
    return in_attention and site.component is Component.MLP_OUT


def _received(
    run: Sequences,
    cell: Cell,
    paths: Paths,
    arrived: Mapping[Site, Tensor],
    own: Mapping[Site, Tensor],
) -> list[tuple[Patch, tuple[tuple[str, Site], Tensor]]]:
    """The patches that give the receivers what arrived at the sender's positions; without those that change nothing."""
    positions = tuple(run.start + position for position in cell.positions)
    first = cell.layers[0] + (paths.component is not Component.RESID_PRE)
    found: list[tuple[Patch, tuple[tuple[str, Site], Tensor]]] = []
    for receiver in paths.receivers:
        for layer in (each for each in receiver.layers if each >= first):
            site = Site(receiver.component, layer)
            new, old = arrived[site][0], own[site][0]
            if not new[list(positions)].equal(old[list(positions)]):
                whole = new.new_full((int(run.ids.shape[1]), *new.shape[1:]), float("nan"))
                whole[list(positions)] = new[list(positions)]
                patch = Patch(site, positions, receiver.units, Reference.SOURCE)
                found.append((patch, ((Reference.SOURCE, site), whole)))
    return found
