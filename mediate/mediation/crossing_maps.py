"""Where the change between two checkpoints lives: their CoT states exchanged by step, layer, head and component.

Two kinds, as between worlds:

- *read*: only what the readers see changes. They find the other checkpoint's keys and values in a cell; nothing else is
  computed anew. Costs passes over the readers' tokens.
- *state*: the other checkpoint's activation is put at CoT positions, and all that is downstream recomputes in the model
  that receives it.

Two directions, which are not mirror images of one another, both positive where the tuned activation speaks for the
right answer:

- *into_original*: Y(original with the tuned activation in the cell) - Y(original)
- *into_tuned*: Y(tuned) - Y(tuned with the original's activation in the cell)

Their mean is the cell's Shapley value in a game of two, the cell and all else, and *into_tuned* less *into_original* is
the interaction of the two. Effects of different cells do not add up. All CoT positions in all layers at once are, for
`read`, the state's two effects in `mediate.effects.crossing`.

`k` is written before rotary embedding and before a key norm where the family has one: the norm's weights then are those
of the model that receives, where `read` takes keys as the other model's norm left them.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.effects.maps import EffectMap
from mediate.errors import InputError
from mediate.mediation.cells import Cell, cells_of, check_cell
from mediate.mediation.crossing import Crossed
from mediate.mediation.maps import MapSpec, check_offered, parse_map
from mediate.mediation.outcomes import Outcome, Reading, narrowed, read_off, reading
from mediate.mediation.reads import differs, swapped_past
from mediate.mediation.sequences import sequences
from mediate.mediation.state import chain_activations, placed, replaced_effects
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.runs.engine import branch_logits
from mediate.runs.interventions import Reference
from mediate.runs.keyvalues import KeyValues, joined
from mediate.runs.lean import in_use, layers_computed_whole
from mediate.runs.reading import read
from mediate.runs.selfcheck import SWEPT
from mediate.runs.sweep import Branch, untouched

PREFIX = "cross"


class View(StrEnum):
    """What a map of two checkpoints shows; see the module's docstring."""

    INTO_ORIGINAL = "into_original"
    INTO_TUNED = "into_tuned"
    MEAN = "mean"
    INTERACTION = "interaction"


def parse_crossed_map(text: str) -> MapSpec:
    """Reads `read:step,layer` or `state.COMPONENT:layer,head`; every map is measured in both directions.

    Raises:
        InputError: No such map, or one that is not of two checkpoints.
    """
    spec = parse_map(text)
    kind = spec.kind.split(".")[0]
    if kind not in ("read", "state") or "denoising" in spec.kind:
        raise InputError(
            f"map {text!r}: between checkpoints there are read:AXES and state.COMPONENT:AXES, each in both directions"
        )
    return spec


def check_crossed_map(models: Sequence[Model], spec: MapSpec) -> None:
    """Raises InputError where one of the models does not offer what the map needs."""
    for model in models:
        check_offered(model, spec)


def crossed_reads(crossed: Crossed, cells: Sequence[Cell], outcome: Outcome) -> Float[np.ndarray, "direction cell"]:
    """The read effect of each cell, in nats: into the original model, into the tuned one.

    Args:
        crossed: From `run_crossed`.
        cells: Where; units are KV heads.
        outcome: What to read off.

    Raises:
        InputError: A cell outside the chain or the model.
    """
    kv_heads = crossed.models[0].facts.kv_heads
    for cell in cells:
        check_cell(crossed.models[0], crossed.pair, cell)
        if cell.units is not None and cell.units[-1] >= kv_heads:
            raise InputError(f"item {crossed.pair.id!r}: KV heads {cell.units}; there are 0 to {kv_heads - 1}")
    # A swap that changes no key or value has no effect; computed, it would have that of rounding.
    moving = [place for place, cell in enumerate(cells) if differs(crossed.chain(0), crossed.chain(1), cell)]
    effects = np.zeros((2, len(cells)))
    for receiver, sign in enumerate((-1, 1)):
        if moving:
            losses = _read_losses(crossed, receiver, [cells[place] for place in moving], outcome)
            effects[receiver, moving] = sign * losses + 0.0  # no minus zeros
    return effects


def _read_losses(
    crossed: Crossed, receiver: int, cells: Sequence[Cell], outcome: Outcome
) -> Float[np.ndarray, " cell"]:
    """Y of a model as it is, less Y where its readers find the other checkpoint's keys and values in a cell."""
    model = crossed.models[receiver]
    stretches = crossed.question(receiver), crossed.chain(receiver), crossed.chain(1 - receiver)
    tokens = reading(crossed.pair.readers, model.device, whole_answers=outcome is Outcome.LOGPROB_DIFF)
    shareable = model.check(SWEPT).passed and not layers_computed_whole(model, in_use(model, ()))
    return (_swept if shareable else _one_by_one)(model, stretches, tokens, cells, outcome)


Stretches = tuple[KeyValues, KeyValues, KeyValues]


def _swept(
    model: Model, stretches: Stretches, tokens: Reading, cells: Sequence[Cell], outcome: Outcome
) -> Float[np.ndarray, " cell"]:
    """All cells side by side, none of the keys and values copied for a cell."""
    question, own, other = stretches
    ours, theirs = joined([question, own]), joined([question, other])
    tokens, wanted = narrowed(tokens, [outcome])
    ids = torch.cat([tokens.ids.new_zeros(len(tokens.ids), len(ours)), tokens.ids], dim=1)
    run = untouched(model, ids, len(ours), len(ours), last=tokens.last, past=ours, tokens=wanted)
    branches = [
        Branch(swap=(cell.layers, tuple(len(question) + place for place in cell.positions), cell.units))
        for cell in cells
    ]
    y = np.zeros(len(cells))
    for place, logits in branch_logits(model, run, branches, last=tokens.last, other=theirs, tokens=wanted):
        y[place] = read_off(tokens, logits, outcome)
    losses: Float[np.ndarray, " cell"] = read_off(tokens, run.logits, outcome) - y
    return losses


def _one_by_one(
    model: Model, stretches: Stretches, tokens: Reading, cells: Sequence[Cell], outcome: Outcome
) -> Float[np.ndarray, " cell"]:
    """The slow twin, and the way of a model that may not be swept: each cell has keys and values of its own."""

    def outcome_of(cell: Cell | None) -> float:
        past = swapped_past(*stretches, [cell] * len(tokens.ids))
        return read_off(tokens, read(model, tokens.ids, past, last=tokens.last), outcome)

    here = outcome_of(None)
    return np.array([here - outcome_of(cell) for cell in cells])


def crossed_states(
    crossed: Crossed, components: Sequence[Component], cells: Sequence[Cell], outcome: Outcome
) -> Float[np.ndarray, "direction cell"]:
    """The state effect of each cell, in nats: into the original model, into the tuned one.

    A cell whose activations are equal in both models changes nothing, and has an effect of exactly 0.

    Args:
        crossed: From `run_crossed`.
        components: What is replaced in every cell, together, such as `[k, v]`.
        cells: Where.
        outcome: What to read off.

    Raises:
        InputError: A cell outside the chain or the model, or a component that a model does not offer.
    """
    pair = crossed.pair
    for cell in cells:
        check_cell(crossed.models[0], pair, cell)
    ids, start = pair.context(1, 1), len(pair.questions[1])
    kept = [chain_activations(model, ids, start, components) for model in crossed.models]
    for component in components:
        size = int(kept[0][Site(component, 0)].shape[0 if component is Component.PATTERN else 1])
        wrong = next((cell.units for cell in cells if cell.units is not None and cell.units[-1] >= size), None)
        if wrong is not None:
            raise InputError(f"item {pair.id!r}: units {wrong} of {component}; there are 0 to {size - 1}")
    moving = [place for place, cell in enumerate(cells) if _moves(cell, *kept)]
    there = [cells[place] for place in moving]
    effects = np.zeros((2, len(cells)))
    for receiver, sign in enumerate((-1, 1)) if moving else ():
        model = crossed.models[receiver]
        run = sequences(model, pair, 1, [outcome])
        # The other checkpoint's activations take the place that the other world's have elsewhere.
        own, other = (placed(kept[each], run, Reference.SOURCE) for each in (receiver, 1 - receiver))
        losses = replaced_effects(model, run, components, there, [outcome], other, own, Reference.SOURCE)[0]
        effects[receiver, moving] = sign * losses + 0.0  # no minus zeros
    return effects


def _moves(cell: Cell, one: Mapping[Site, Tensor], other: Mapping[Site, Tensor]) -> bool:
    """Whether any activation of the cell differs; heads beside it in the same site do not count."""
    units = list(cell.units) if cell.units is not None else slice(None)
    for site in one:
        if site.layer not in cell.layers:
            continue
        own, others = one[site], other[site]
        if site.component is Component.PATTERN:  # its heads come before its positions
            own, others = own.transpose(0, 1), others.transpose(0, 1)
        positions = list(cell.positions)
        if not torch.equal(own[positions][:, units], others[positions][:, units]):
            return True
    return False


def views(effects: Float[np.ndarray, "2 cell"]) -> dict[View, Float[np.ndarray, " cell"]]:
    """The two directions, their mean and the interaction."""
    return {
        View.INTO_ORIGINAL: effects[0],
        View.INTO_TUNED: effects[1],
        View.MEAN: effects.mean(axis=0),
        View.INTERACTION: effects[1] - effects[0],
    }


def crossed_map(crossed: Crossed, spec: MapSpec, outcome: Outcome, total: float) -> tuple[EffectMap, ...]:
    """One map in its four views; their kinds are `cross.KIND.VIEW`.

    Args:
        crossed: From `run_crossed`.
        spec: From `parse_crossed_map`.
        outcome: What to read off.
        total: The item's total change, which goes into the records as their `te`.
    """
    pair, model = crossed.pair, crossed.models[0]
    cells, coords = cells_of(model, pair, spec.axes, component=spec.component, window=spec.window)
    if spec.kind.startswith("read"):
        effects = crossed_reads(crossed, cells, outcome)
    else:
        effects = crossed_states(crossed, [spec.component], cells, outcome)
    shape = [len(labels) for labels in coords.values()]
    return tuple(
        EffectMap(
            values.reshape(shape),
            tuple(coords),
            coords,
            pair.id,
            pair.group,
            f"{PREFIX}.{spec.kind}.{view}",
            outcome.value,
            total,
        )
        for view, values in views(effects).items()
    )
