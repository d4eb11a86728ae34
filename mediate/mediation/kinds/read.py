"""Read effects: what the answer reads from a set of CoT positions in a set of layers, everything else as it was."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.alignment import check_aligned, is_aligned
from mediate.mediation.cells import Cell, cells_of, check_cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import ROW_BYTES, Contexts, laid_out, read_past
from mediate.mediation.kinds.kind import Effects, Kind, Work, effect_map, spec_cells
from mediate.mediation.kinds.swapping import Stretches, differing, swapped_past, swapped_pasts
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome, Reading, narrowed, read_off, read_off_all, reading
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.pairs.pair import World
from mediate.passes import Untouched, branch_logits, untouched
from mediate.passes.interventions import Swap
from mediate.passes.keyvalues import joined, moved
from mediate.passes.readers import read, read_in_turns
from mediate.passes.selfcheck import SWEPT
from mediate.passes.unhooked import in_use, layers_computed_whole
from mediate.results.kinds import KindName, parse_kind
from mediate.results.maps import EffectMap

# Up to this much, keys and values are copied for each cell of a pair, so that pairs can be read side by side.
SMALL_BYTES = ROW_BYTES // 16


def read_map(model: Model, contexts: Contexts, axes: Sequence[str], outcome: Outcome, *, window: int = 1) -> EffectMap:
    """Read effects over axes such as `("step", "layer")` or `("layer", "kv_head")`.

    The effect of a cell is Y[1,1,1] less the outcome when the readers, in the base run, find the source run's keys and
    values at the cell's positions, layers and heads; positive where what the base chain holds there speaks for the base
    answer. Nothing but the readers is recomputed. All cells at once give TIE = Y[1,1,1] - Y[1,0,0]; the cells' effects
    do not add up to it in general.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        axes: See `cells_of`.
        outcome: What to read off.
        window: Neighbouring layers that are swapped together.

    Raises:
        ItemError: The chains cannot be aligned.
    """
    check_aligned(contexts.pair)
    cells, coords = cells_of(model, contexts.pair, axes, component=Component.K, window=window)
    kind = KindName(parse_kind(READ.name).of, window=window)
    return effect_map(contexts.pair, str(kind), coords, read_effects(model, contexts, cells, outcome), outcome)


def read_effects(
    model: Model,
    contexts: Contexts,
    cells: Sequence[Cell],
    outcome: Outcome,
    *,
    readers: Sequence[int] | None = None,
) -> Float[np.ndarray, " cell"]:
    """The read effect of each cell, in nats; see `read_map` for the sign. A cell's units are KV heads.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        cells: Where.
        outcome: What to read off.
        readers: Which readers find the source's keys and values, counted from the first token after the chain; all of
            them by default. The others find the base's, and every reader finds what those before it have become.

    Raises:
        InputError: A cell outside the chain or the model, or a reader that does not exist.
    """
    return stretch_effects(model, *_laid_out(model, contexts, cells, outcome, readers))


def _laid_out(
    model: Model, contexts: Contexts, cells: Sequence[Cell], outcome: Outcome, readers: Sequence[int] | None = None
) -> tuple[Stretches, Reading, Sequence[Cell], Outcome, tuple[bool, ...]]:
    """What `stretch_effects` takes after the model, of a pair's own keys and values.

    Raises:
        InputError: As in `read_effects`.
    """
    pair = contexts.pair
    for cell in cells:
        check_cell(model, pair, cell)
        if cell.units is not None and not set(cell.units) <= set(range(model.facts.kv_heads)):
            raise InputError(f"item {pair.id!r}: KV heads {cell.units}; there are 0 to {model.facts.kv_heads - 1}")
    question, base = laid_out(model, contexts, 1, 1, 1)
    source = moved(model, contexts.chain(World.SOURCE, World.SOURCE), len(question))
    readout = reading(pair.readers, model.device, [outcome])
    chosen = reader_choice(pair, int(readout.ids.shape[1]), readers)
    return (question, base, source), readout, cells, outcome, chosen


def read_effects_together(
    model: Model, contexts: Sequence[Contexts], cells: Sequence[Sequence[Cell]], outcome: Outcome
) -> list[Float[np.ndarray, " cell"]]:
    """`read_effects` of each pair's cells, with the cells of many pairs side by side in one pass.

    Each cell gets keys and values of its own, so it is for models whose keys and values are small; see `are_small`.
    """
    found = [np.zeros(len(each)) for each in cells]
    rows: dict[int, list[tuple[int, list[int], Stretches]]] = {}
    for number, each in enumerate(contexts):
        question, base = laid_out(model, each, 1, 1, 1)
        source = moved(model, each.chain(World.SOURCE, World.SOURCE), len(question))
        # As in `stretch_effects`: what changes no key or value has no effect.
        moving = differing(base, source, cells[number])
        if moving:
            rows.setdefault(len(question) + len(base), []).append((number, moving, (question, base, source)))
    count = max(1, ROW_BYTES // SMALL_BYTES)
    for same in rows.values():
        for first in range(0, len(same), count):
            chunk = same[first : first + count]
            swaps = [[None, *(cells[number][place] for place in moving)] for number, moving, _ in chunk]
            readouts = [reading(contexts[number].pair.readers, model.device, [outcome]) for number, _, _ in chunk]
            by_row = [own for own, each in zip(readouts, swaps, strict=True) for _ in each]
            past = swapped_pasts([stretches for _, _, stretches in chunk], swaps)
            y = read_off_all(by_row, read_past(model, by_row, past), [outcome])[0]
            begins = np.cumsum([0, *map(len, swaps)])
            for (number, moving, _), begin, end in zip(chunk, begins, begins[1:], strict=False):
                found[number][moving] = y[begin] - y[begin + 1 : end]
    return found


def are_small(contexts: Contexts, cells: Sequence[Cell]) -> bool:
    """Whether a copy of a pair's keys and values for each cell is of no weight."""
    return contexts.of(World.BASE, World.BASE).nbytes * (1 + len(cells)) <= SMALL_BYTES


def stretch_effects(
    model: Model,
    stretches: Stretches,
    readout: Reading,
    cells: Sequence[Cell],
    outcome: Outcome,
    chosen: Sequence[bool] | None = None,
) -> Float[np.ndarray, " cell"]:
    """Y as it is, less Y where the chosen readers, all by default, find the other keys and values in a cell."""
    # A swap that changes no key or value has no effect; computed, it would have that of rounding.
    moving = differing(*stretches[1:], cells)
    there = [cells[place] for place in moving]
    effects = np.zeros(len(cells))
    if not moving:
        return effects
    chosen = [True] * int(readout.ids.shape[1]) if chosen is None else chosen
    shareable = model.check(SWEPT).passed and not layers_computed_whole(model, in_use(model, ()))
    if not (all(chosen) and shareable):
        effects[moving] = _in_turns(model, stretches, readout, there, outcome, chosen)
        return effects
    # All readers find the source's: none of the keys and values is copied for a cell.
    readout, wanted = narrowed(readout, [outcome])
    run = _branching_off(model, stretches, readout, wanted)
    theirs = joined([stretches[0], stretches[2]])
    swaps = [_swap(cell, len(stretches[0])) for cell in there]
    y = np.zeros(len(there))
    for place, logits in branch_logits(model, run, swaps, last=readout.last, other=theirs, tokens=wanted):
        y[place] = read_off(readout, logits, outcome)
    effects[moving] = read_off(readout, run.logits, outcome) - y
    return effects


def _branching_off(
    model: Model, stretches: Stretches, readout: Reading, wanted: Int[Tensor, " token"] | None
) -> Untouched:
    """The readers after the chain as it is, with that as a past that all rows share."""
    ours = joined([stretches[0], stretches[1]])
    ids = torch.cat([readout.ids.new_zeros(len(readout.ids), len(ours)), readout.ids], dim=1)
    return untouched(model, ids, len(ours), len(ours), last=readout.last, past=ours, tokens=wanted)


def _swap(cell: Cell, begin: int) -> tuple[Swap]:
    """The swap of a cell, in positions of the whole sequence."""
    return (Swap(cell.layers, tuple(begin + position for position in cell.positions), cell.units),)


def _in_turns(
    model: Model,
    stretches: Stretches,
    readout: Reading,
    cells: Sequence[Cell],
    outcome: Outcome,
    chosen: Sequence[bool],
) -> Float[np.ndarray, " cell"]:
    """The effects when some readers, or all, find the source's: each cell has keys and values of its own."""
    question, base, source = stretches
    plain = swapped_past(question, base, source, [None] * len(readout.ids))
    here = read_off(readout, read(model, readout.ids, plain, last=readout.last), outcome)
    per_pass = max(1, ROW_BYTES // ((question.nbytes + base.nbytes) * len(readout.ids)))
    effects = np.zeros(len(cells))
    for begin in range(0, len(cells), per_pass):
        chunk = range(begin, min(begin + per_pass, len(cells)))
        past = swapped_past(question, base, source, [cells[place] for place in chunk for _ in readout.ids])
        ids = readout.ids.repeat(len(chunk), 1)
        unswapped = [(keys.repeat(len(chunk), 1, 1, 1), values.repeat(len(chunk), 1, 1, 1)) for keys, values in plain]
        logits = read_in_turns(model, ids, (unswapped, past), chosen, last=readout.last)
        there = logits.reshape(len(chunk), len(readout.ids), *logits.shape[1:])
        effects[list(chunk)] = [here - read_off(readout, each, outcome) for each in there]
    return effects


def reader_choice(pair: Encoded, count: int, readers: Sequence[int] | None) -> tuple[bool, ...]:
    """Whether each of `count` readers is chosen.

    Raises:
        InputError: None is, or one does not exist.
    """
    wanted = set(range(count)) if readers is None else set(readers)
    if not wanted or not wanted <= set(range(count)):
        raise InputError(f"item {pair.id!r}: readers {tuple(sorted(wanted))}; there are 0 to {count - 1}")
    return tuple(reader in wanted for reader in range(count))


def _measure(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, seed: int) -> Effects:
    check_aligned(contexts.pair)
    cells, _ = spec_cells(model, contexts.pair, spec)
    return Effects(stretch_effects(model, *_laid_out(model, contexts, cells, outcome)))


def _together(model: Model, contexts: Sequence[Contexts], spec: MapSpec, outcome: Outcome) -> dict[int, Effects]:
    """Of the pairs whose chains can be aligned and whose keys and values are small."""
    cells = {number: spec_cells(model, each.pair, spec)[0] for number, each in enumerate(contexts)}
    small = [number for number, each in enumerate(contexts) if is_aligned(each.pair) and are_small(each, cells[number])]
    found = read_effects_together(model, [contexts[each] for each in small], [cells[each] for each in small], outcome)
    return {number: Effects(effects) for number, effects in zip(small, found, strict=True)}


def _work(model: Model, pair: EncodedPair, spec: MapSpec) -> Work:
    cells, _ = spec_cells(model, pair, spec)
    return Work(len(cells), passes=0, read=cells)


READ = Kind("read", _measure, _work, together=_together)
