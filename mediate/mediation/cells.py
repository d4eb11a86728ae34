"""Cells: which part of a chain, in which part of the network, one effect is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from mediate.errors import InputError
from mediate.mediation.item import Encoded
from mediate.models.model import Model
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site
from mediate.passes.interventions import Patch
from mediate.results.kinds import AXES as AXES


@dataclass(frozen=True, slots=True)
class Cell:
    """Some positions of the chain in some layers.

    Args:
        positions: CoT positions, counted from the start of the chain. Ascending, each once.
        layers: The layers. Ascending, each once.
        units: Heads of `q`, `z` and `pattern`, KV heads of `k` and `v`, neurons of `mlp_post`; None for all. Ascending,
            each once.
    """

    positions: tuple[int, ...]
    layers: tuple[int, ...]
    units: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for what, places in (("positions", self.positions), ("layers", self.layers), ("units", self.units)):
            if places is None:
                continue
            if not places:
                raise InputError(f"a cell without {what}; name at least one")
            if list(places) != sorted(set(places)) or places[0] < 0:
                raise InputError(f"a cell of {what} {places}; give each once, ascending, counted from 0")

    def patches(self, components: Sequence[Component], start: int, by: str) -> tuple[Patch, ...]:
        """The cell's patches in a sequence whose chain begins at position `start`."""
        positions = tuple(start + position for position in self.positions)
        return tuple(
            Patch(Site(component, layer), positions, self.units, by)
            for component in components
            for layer in self.layers
        )


def check_cell(model: Model, pair: Encoded, cell: Cell) -> None:
    """Raises InputError where a cell leaves the base chain or the model."""
    length = len(pair.trace.ids)
    for what, places, most in (("positions", cell.positions, length), ("layers", cell.layers, model.facts.layers)):
        if places[-1] >= most:
            raise InputError(f"item {pair.id!r}: {what} {places}; there are 0 to {most - 1}")


def cells_of(
    model: Model,
    pair: Encoded,
    axes: Sequence[str],
    *,
    component: Component | None = None,
    window: int = 1,
) -> tuple[list[Cell], dict[str, tuple[int, ...]]]:
    """The cells of a map in row order of its axes, and the labels along them.

    Args:
        model: The hooked model.
        pair: Whose base chain gives the steps and positions.
        axes: Any of `AXES`; what is not named is taken as a whole. Not both of `step` and `position`, nor of `head` and
            `kv_head`.
        component: What is replaced; decides which heads there are.
        window: How many neighbouring layers, centred on the label and cut off at the ends, are taken together.

    Raises:
        InputError: Unknown axes or ones that exclude each other, heads of a component that has none, or a window below
            1.
    """
    names = [name for name in AXES if name in axes]
    heads = "kv_head" if component in BY_KV_HEAD else "head" if component in BY_HEAD else None
    if sorted(names) != sorted(axes) or not names or {"step", "position"} <= set(names):
        raise InputError(
            f"axes {', '.join(axes) or 'none'}; name some of {', '.join(AXES)}, step or position, once each"
        )
    wrong = [name for name in names if name in ("head", "kv_head") and name != heads]
    if wrong:
        raise InputError(f"axis {wrong[0]}: {component} has {f'the axis {heads}' if heads else 'no heads'}")
    if window < 1:
        raise InputError(f"a window of {window} layers; give at least 1")
    length, layers = len(pair.trace.ids), model.facts.layers
    places: list[tuple[int, ...]] = [tuple(range(length))]
    if "step" in names:
        places = [tuple(range(*span)) for span in pair.trace.step_spans]
    elif "position" in names:
        places = [(position,) for position in range(length)]
    depths: list[tuple[int, ...]] = [tuple(range(layers))]
    if "layer" in names:
        first = (window - 1) // 2
        depths = [tuple(range(max(0, layer - first), min(layers, layer - first + window))) for layer in range(layers)]
    units: list[tuple[int, ...] | None] = [None]
    if heads in names:
        units = [(head,) for head in range(model.facts.kv_heads if heads == "kv_head" else model.facts.heads)]
    counts = {"step": len(places), "position": len(places), "layer": layers, "head": len(units), "kv_head": len(units)}
    cells = [Cell(*parts) for parts in product(places, depths, units)]
    return cells, {name: tuple(range(counts[name])) for name in names}
