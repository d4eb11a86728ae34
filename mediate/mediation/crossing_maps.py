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
`read`, the state's two effects in `mediate.results.crossing`.

`k` is written before rotary embedding and before a key norm where the family has one: the norm's weights then are those
of the model that receives, where `read` takes keys as the other model's norm left them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mediate.errors import InputError
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.cells import Cell, check_cell
from mediate.mediation.crossing import Crossed
from mediate.mediation.kinds.kind import effect_map, spec_cells
from mediate.mediation.kinds.read import stretch_effects
from mediate.mediation.kinds.state import chain_activations, placed
from mediate.mediation.maps import check_offered
from mediate.mediation.names import MapSpec, at_home
from mediate.mediation.names import parse_crossed_map as parse_crossed_map
from mediate.mediation.outcomes import Outcome, reading
from mediate.mediation.sequences import sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.pairs.pair import World
from mediate.passes.interventions import Reference
from mediate.results.kinds import View as View
from mediate.results.maps import EffectMap

BothWays = Float[np.ndarray, "direction cell"]
"""The effect of each cell, in nats: into the original model, into the tuned one."""


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
    effects = np.zeros((2, len(cells)))
    for receiver, sign in enumerate((-1, 1)):
        model = crossed.models[receiver]
        stretches = crossed.question(receiver), crossed.chain(receiver), crossed.chain(1 - receiver)
        readout = reading(crossed.pair.readers, model.device, [outcome])
        effects[receiver] = sign * stretch_effects(model, stretches, readout, cells, outcome) + 0.0  # no minus zeros
    return effects


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
    ids, start = pair.context(World.BASE, World.BASE), len(pair.questions[World.BASE])
    kept = [chain_activations(model, ids, start, components) for model in crossed.models]
    for component in components:
        size = int(kept[0][Site(component, 0)].shape[0 if component is Component.PATTERN else 1])
        wrong = next((cell.units for cell in cells if cell.units is not None and cell.units[-1] >= size), None)
        if wrong is not None:
            raise InputError(f"item {pair.id!r}: units {wrong} of {component}; there are 0 to {size - 1}")
    effects = np.zeros((2, len(cells)))
    for receiver, sign in enumerate((-1, 1)):
        model = crossed.models[receiver]
        run = sequences(model, pair, World.BASE, [outcome])
        # The other checkpoint's activations take the place that the other world's have elsewhere.
        own, other = (placed(kept[each], run, Reference.SOURCE) for each in (receiver, 1 - receiver))
        patches = [cell.patches(components, run.start, Reference.SOURCE) for cell in cells]
        clean = branching_point(model, run, [outcome])
        here, y = branched_outcomes(model, run, [outcome], patches, other, clean, own)
        effects[receiver] = sign * (here - y[0]) + 0.0  # no minus zeros
    return effects


def views(effects: Float[np.ndarray, "2 cell"]) -> dict[View, Float[np.ndarray, " cell"]]:
    """The two directions, their mean and the interaction."""
    return {
        View.INTO_ORIGINAL: effects[0],
        View.INTO_TUNED: effects[1],
        View.MEAN: effects.mean(axis=0),
        View.INTERACTION: effects[1] - effects[0],
    }


def read_both_ways(crossed: Crossed, spec: MapSpec, cells: Sequence[Cell], outcome: Outcome) -> BothWays:
    """`crossed_reads` of a map."""
    return crossed_reads(crossed, cells, outcome)


def state_both_ways(crossed: Crossed, spec: MapSpec, cells: Sequence[Cell], outcome: Outcome) -> BothWays:
    """`crossed_states` of a map's component."""
    return crossed_states(crossed, [spec.component], cells, outcome)


def crossed_kinds(spec: MapSpec, *, source: bool = False) -> tuple[str, ...]:
    """The kinds of a map's four views, in the order in which they are measured; of the source world, where wanted."""
    return tuple(str(replace(spec.name, view=view, source=source)) for view in View)


def crossed_map(crossed: Crossed, spec: MapSpec, outcome: Outcome, total: float) -> tuple[EffectMap, ...]:
    """One map in its four views; their kinds are `cross.KIND.VIEW`.

    Args:
        crossed: From `run_crossed`.
        spec: From `parse_crossed_map`.
        outcome: What to read off.
        total: The item's total change, which goes into the records as their `te`.
    """
    cells, coords = spec_cells(crossed.models[0], crossed.pair, spec)
    effects = views(at_home(spec.name.of.crossed)(crossed, spec, cells, outcome))
    return tuple(
        effect_map(crossed.pair, kind, coords, values, outcome, total)
        for kind, values in zip(crossed_kinds(spec), effects.values(), strict=True)
    )
