"""Exact state maps that spend their passes where the effects are: coarse blocks first, then what large ones hold.

A block is a stretch of positions by a stretch of layers, patched together. No effect of a block bounds those of its
cells: they can cancel, or hide each other. So what was left out is not called small; it comes with what is known of it:
the joint effect of each block, and an upper bound, from cells drawn at random and measured exactly, on how many of the
left-out cells are above the threshold after all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float
from scipy.stats import beta

from mediate.errors import InputError
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.kind import effect_map
from mediate.mediation.kinds.knockout import KNOCKOUT, knockout_effects
from mediate.mediation.kinds.state import STATE, Direction, state_effects
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.results.kinds import KindName, parse_kind
from mediate.results.maps import EffectMap

# Positions and layers of the first blocks.
COARSE = 8
_LEVEL = 0.95
# Cells of a block may pull in opposite ways: one is looked into from this part of the threshold on.
LOOK_INTO = 0.25

# Positions and layers, half-open.
Block = tuple[tuple[int, int], tuple[int, int]]
# Gives the joint effect of each block.
BlockEffects = Callable[[Sequence[Block]], Float[np.ndarray, " block"]]
# Gives the effect of each cell.
CellEffects = Callable[[Sequence[Cell]], Float[np.ndarray, " cell"]]


@dataclass(frozen=True, slots=True, eq=False)
class Adaptive:
    """An exact map over position and layer, with gaps, and what is known of the gaps.

    Args:
        map: Effects of the cells that were measured; NaN elsewhere.
        threshold: In nats: the effects that are looked for. Blocks whose joint effect is not above `LOOK_INTO` of it
            were not looked into.
        runs: Blocks and cells that were patched, the drawn ones included; a full map takes one for every cell.
        left_out: Cells in blocks that were not looked into, the drawn ones included.
        largest_block: The largest joint effect of such a block, in nats, without its sign.
        drawn: How many of these cells were drawn and measured.
        above: How many of the drawn are above the threshold.
        bound: With 95 % confidence, at most this share of the left-out cells is above the threshold (Clopper and
            Pearson 1934, one-sided); 0 where none is left out.
    """

    map: EffectMap
    threshold: float
    runs: int
    left_out: int
    largest_block: float
    drawn: int
    above: int
    bound: float


@dataclass(frozen=True, slots=True)
class Search:
    """What an adaptive map looks for, and how what it leaves out is sampled.

    Args:
        threshold: Effects above this share of |TE| are looked for.
        draws: Left-out cells to measure, at most all.
        seed: Of the drawing.
    """

    threshold: float = 0.05
    draws: int = 60
    seed: int = 0


USUAL = Search()


def adaptive_state_map(
    model: Model,
    pair: EncodedPair,
    component: Component,
    outcome: Outcome,
    te: float,
    search: Search = USUAL,
    *,
    direction: Direction = Direction.NOISING,
) -> Adaptive:
    """State effects over position and layer, looking for those that are above a share of the total effect.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        component: What is replaced.
        outcome: What to read off.
        te: The pair's total effect, in nats.
        search: What to look for.
        direction: Into which run.

    Raises:
        InputError: A threshold that is not above 0, or a total effect of 0 or NaN, of which there is no share.
        ItemError: The two chains cannot be aligned.
    """

    def measured(cells: Sequence[Cell]) -> Float[np.ndarray, " cell"]:
        effects: Float[np.ndarray, " cell"] = state_effects(model, pair, [component], cells, [outcome], direction)[0]
        return effects

    kind = KindName(parse_kind(STATE.name).of, component, direction=direction, adaptive=True)
    return _searched(model, pair, kind, measured, outcome, te, search)


def adaptive_knockout_map(model: Model, item: Encoded, outcome: Outcome, te: float, search: Search = USUAL) -> Adaptive:
    """Knockout effects over position and layer, looking for those that are above a share of the total effect.

    Args:
        model: The hooked model.
        item: The item in tokens, or the pair, of which the base run is taken.
        outcome: What to read off.
        te: The item's total effect, in the outcome's unit.
        search: What to look for.

    Raises:
        InputError: As `adaptive_state_map`, or the model allows no knockout.
    """

    def measured(cells: Sequence[Cell]) -> Float[np.ndarray, " cell"]:
        effects: Float[np.ndarray, " cell"] = knockout_effects(model, item, cells, [outcome])[0]
        return effects

    kind = KindName(parse_kind(KNOCKOUT.name).of, adaptive=True)
    return _searched(model, item, kind, measured, outcome, te, search)


def _searched(
    model: Model,
    item: Encoded,
    kind: KindName,
    cell_effects: CellEffects,
    outcome: Outcome,
    te: float,
    search: Search,
) -> Adaptive:
    """The map of one kind of effect over position and layer, where it is above a share of the total effect."""
    limit = search.threshold * abs(te)
    if not limit > 0:
        raise InputError(
            f"item {item.id!r}: a threshold of {search.threshold} times a total effect of {te}; give one above 0"
        )
    length, layers = len(item.trace.ids), model.facts.layers
    values: Float[np.ndarray, "position layer"] = np.full((length, layers), np.nan)

    def measured(blocks: Sequence[Block]) -> Float[np.ndarray, " block"]:
        return cell_effects([Cell(tuple(range(*positions)), tuple(range(*depths))) for positions, depths in blocks])

    left, runs, largest = _look(measured, values, limit)
    cells = [cell for positions, depths in left for cell in product(range(*positions), range(*depths))]
    drawn = _draw(measured, values, cells, search)
    above = int((abs(drawn) > limit).sum())
    coords = {"position": tuple(range(length)), "layer": tuple(range(layers))}
    return Adaptive(
        effect_map(item, str(kind), coords, values, outcome, te),
        limit,
        runs + len(drawn),
        len(cells),
        largest,
        len(drawn),
        above,
        share_bound(above, len(drawn), len(cells)),
    )


def _look(
    measured: BlockEffects, values: Float[np.ndarray, "position layer"], limit: float
) -> tuple[list[Block], int, float]:
    """Fills in the cells of blocks that are looked into, which is by their halves until they are single cells.

    Returns:
        The blocks that were left out, how many blocks and cells were measured, and the largest effect of those left
        out, in nats, without its sign.
    """
    length, layers = values.shape
    blocks: list[Block] = list(product(_stretches(0, length, COARSE), _stretches(0, layers, COARSE)))
    left: list[Block] = []
    runs, largest = 0, 0.0
    while blocks:
        effects = measured(blocks)
        runs += len(blocks)
        inside: list[Block] = []
        for block, effect in zip(blocks, effects, strict=True):
            (first, last), (low, high) = block
            if last - first == high - low == 1:
                values[first, low] = effect
            elif abs(effect) > LOOK_INTO * limit:
                inside += product(_halves(first, last), _halves(low, high))
            else:
                left.append(block)
                largest = max(largest, abs(float(effect)))
        blocks = inside
    return left, runs, largest


def _draw(
    measured: BlockEffects,
    values: Float[np.ndarray, "position layer"],
    cells: Sequence[tuple[int, int]],
    search: Search,
) -> Float[np.ndarray, " cell"]:
    """Fills in some of the cells that were left out, drawn at random, and returns their effects."""
    chosen = np.random.default_rng(search.seed).permutation(len(cells))[: search.draws]
    drawn = [cells[place] for place in chosen]
    if not drawn:
        return np.zeros(0)
    effects = measured([((position, position + 1), (layer, layer + 1)) for position, layer in drawn])
    values[tuple(zip(*drawn, strict=True))] = effects
    return effects


def share_bound(above: int, drawn: int, of: int) -> float:
    """With 95 % confidence, at most this share of `of` things is such as `above` of the `drawn` ones were."""
    if drawn == of:
        return above / of if of else 0.0
    if above == drawn:
        return 1.0
    return float(beta.ppf(_LEVEL, above + 1, drawn - above))


def _stretches(start: int, stop: int, size: int) -> list[tuple[int, int]]:
    return [(first, min(first + size, stop)) for first in range(start, stop, size)]


def _halves(start: int, stop: int) -> list[tuple[int, int]]:
    middle = (start + stop + 1) // 2
    return [each for each in ((start, middle), (middle, stop)) if each[0] < each[1]]
