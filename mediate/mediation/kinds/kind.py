"""A kind of map as one record: how it is measured, what it needs, and what it costs.

A kind is a file of this folder that ends in its record; the other files measure what is not asked for as a map. What is
known of a kind without torch, from the spelling of its name to the words for its numbers, is its line in
`mediate.results.kinds.KINDS`, which says where the record lives.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mediate.mediation.alignment import check_aligned
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.names import MapSpec, Outcome, at_home
from mediate.models.model import Model
from mediate.results.agreement import Agreement
from mediate.results.kinds import KindFacts, KindName, parse_kind
from mediate.results.maps import EffectMap

# A backward pass takes about twice a forward pass: gradients of what goes in, with weights that take none, and the
# patterns again.
BACKWARD = 2

Coords = dict[str, tuple[int, ...]]
"""The labels along each axis of a map, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """What was measured of a map's cells.

    Args:
        values: In nats, positive towards the base answer; the cells in row order of the map's axes.
        agreement: Of estimates, how far they agree with exact patching.
        joint: The effect of all cells at once, where it was measured with them; else None.
    """

    values: Float[np.ndarray, "..."]
    agreement: Agreement | None = None
    joint: float | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What measuring a map takes at most: cells in which nothing differs are not run.

    Args:
        cells: Of the map.
        passes: Over a whole sequence, before any cell; a backward pass counts as `BACKWARD`.
        branches: Cells from each of which on a sequence is run anew.
        read: Cells for each of which the readers alone are run anew.
    """

    cells: int
    passes: int
    branches: Sequence[Cell] = ()
    read: Sequence[Cell] = ()


def spec_cells(model: Model, pair: Encoded, spec: MapSpec) -> tuple[list[Cell], Coords]:
    """The cells of a map in row order of its axes, and the labels along them."""
    return cells_of(model, pair, spec.axes, component=spec.component, window=spec.name.window)


def with_all_at_once(model: Model, pair: Encoded, spec: MapSpec) -> list[Cell]:
    """The cells of a map, and last the one that is all of them together: the whole chain in all layers."""
    cells, _ = spec_cells(model, pair, spec)
    return [*cells, Cell(tuple(range(len(pair.trace.ids))), tuple(range(model.facts.layers)))]


def and_joint(found: Float[np.ndarray, " cell"]) -> Effects:
    """What was measured of cells from `with_all_at_once`."""
    return Effects(found[:-1], joint=float(found[-1]))


def labels_of_cells(model: Model, pair: Encoded, spec: MapSpec) -> Coords:
    """The labels along a map's axes, those of its cells."""
    return spec_cells(model, pair, spec)[1]


def needs_nothing(model: Model, spec: MapSpec) -> None:
    """Any model will do."""


def fits_aligned(pair: EncodedPair, spec: MapSpec, place: str) -> None:
    """Raises ItemError where the two chains cannot be laid on each other."""
    check_aligned(pair, place)


def fits_any(pair: EncodedPair, spec: MapSpec, place: str) -> None:
    """Any pair will do."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How maps of one kind are measured.

    Args:
        name: As in its `KindFacts`.
        measure: Measures one map of one pair; the last argument is the seed of whatever is drawn. Raises InputError
            where the model does not offer it, ItemError where the pair does not allow it. None where no map of the kind
            takes a twin.
        work: What that takes, of an encoded pair or item, without running the model.
        needs: Raises InputError where a model does not offer what such a map needs, of any pair.
        fits: Raises ItemError, with the pair's place in its file, where a pair does not allow such a map.
        labels: The labels along the axes.
        of_item: Measures one map that takes no twin, of an item or a pair's base; the last argument is what reference
            values are made from. None where every map takes a twin.
        together: Measures a map of several pairs side by side, by the pair's place; of those alone for which that is
            worth while. None where it never is.
    """

    name: str
    measure: Callable[[Model, Contexts, MapSpec, Outcome, int], Effects] | None
    work: Callable[[Model, Any, MapSpec], Work]
    needs: Callable[[Model, MapSpec], None] = needs_nothing
    fits: Callable[[EncodedPair, MapSpec, str], None] = fits_aligned
    labels: Callable[[Model, Encoded, MapSpec], Coords] = labels_of_cells
    of_item: Callable[[Model, Encoded, MapSpec, Outcome, Material], Effects] | None = None
    together: Callable[[Model, Sequence[Contexts], MapSpec, Outcome], dict[int, Effects]] | None = None


def kind_of(facts: KindFacts) -> Kind:
    """The record that measures a kind, imported from where it lives."""
    found = at_home(facts.home)
    assert isinstance(found, Kind), f"{facts.home} is no kind"
    assert found.name == facts.name, f"{facts.home} is not the kind {facts.name!r}"
    return found


def effect_map(
    pair: Encoded,
    kind: KindName | str,
    coords: Mapping[str, tuple[int, ...]],
    effects: Effects | Float[np.ndarray, "..."],
    outcome: Outcome,
    te: float = float("nan"),
) -> EffectMap:
    """The record of one pair's map, however it was measured.

    A kind whose cells have outcomes of their own is put down under the name of these, and has no total effect.

    Args:
        pair: Whose map it is.
        kind: Its kind, taken apart or as it is stored.
        coords: The labels along the axes.
        effects: Of the cells, in row order of the axes.
        outcome: What was read off.
        te: The pair's total effect on it, in nats; NaN where it is not known.
    """
    found = effects if isinstance(effects, Effects) else Effects(effects)
    name = parse_kind(kind) if isinstance(kind, str) else kind
    own, shape = name.of.outcome, [len(labels) for labels in coords.values()]
    return EffectMap(
        values=found.values.reshape(shape),
        dims=tuple(coords),
        coords=coords,
        item=pair.id,
        group=pair.group,
        kind=str(kind),
        outcome=own or str(outcome),
        te=float("nan") if own else te,
        agreement=found.agreement,
        joint=found.joint,
    )
