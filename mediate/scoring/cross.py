"""Crossing two checkpoints over a set of pairs: pairs in, results and a run directory out."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from jaxtyping import Float

from mediate.clock import stage
from mediate.errors import InputError, ItemError
from mediate.holding.spec import hold_of
from mediate.mediation.cells import cells_of
from mediate.mediation.crossing import check_crossable, crossed_cube, facing, run_crossed
from mediate.mediation.crossing_maps import check_crossed_map, crossed_kinds, crossed_map
from mediate.mediation.encoding import check_fit
from mediate.mediation.outcomes import Outcome
from mediate.mediation.prepared_pair import PreparedPair
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.pairs.files import PairFile, scan_pairs
from mediate.pairs.pair import Pair, World
from mediate.passes.store import Store, array, model_spec, packed, unpacked
from mediate.results.crossing import Crossing, change
from mediate.results.crossing_folder import CrossResults, read_crossed, write_crossed
from mediate.results.kinds import parse_kind
from mediate.results.maps import EffectMap
from mediate.results.told import Reject, left_out_by
from mediate.scoring.cross_spec import CHECKPOINTS, CrossCall, CrossSpec, make_cross_spec
from mediate.scoring.given import check_set, limited
from mediate.scoring.pairs import PAIRS
from mediate.scoring.preparing import prepare
from mediate.scoring.rundir import check_free, counted, finished, holding, identity, now, written
from mediate.scoring.scored import described
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.watch import bars, tell
from mediate.watch import each as watch_each

KIND = "crossings"


def cross(
    original: Model,
    tuned: Model,
    pairs: Sequence[Pair] | str | Path,
    *,
    out: str | Path | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[CrossCall],
) -> CrossResults:
    """`mediate.cross`, which says what each argument is, with the results as they are stored.

    Raises:
        InputError: The models are no two checkpoints of one architecture, a choice or the pairs are wrong, or `out`
            holds something else.
        ItemError: Unless bad items are skipped, the first pair that cannot be measured.
    """
    for name, model in zip(CHECKPOINTS, (original, tuned), strict=True):
        if not isinstance(model, Model):
            raise InputError(f"cross: the {name} model is a {type(model).__name__}; load it first: mediate.load(...)")
    takeover, choices = hold_of(options)
    spec = make_cross_spec(**choices)
    file = scan_pairs(pairs) if isinstance(pairs, str | Path) else PairFile(tuple(pairs), ())
    folder = None if out is None else Path(out)
    with holding(folder, takeover=takeover):
        return cross_pairs(
            (original, tuned), file, spec, out=folder, store=Store() if store else None, progress=progress
        )


@stage("crossing")
def cross_pairs(
    models: tuple[Model, Model],
    file: PairFile,
    spec: CrossSpec,
    *,
    out: Path | None = None,
    store: Store | None = None,
    progress: bool = False,
) -> CrossResults:
    """`cross` with its choices made.

    Args:
        models: The original and the tuned model.
        file: The pairs, and those that could not be read, to be counted among the rejects.
        spec: How.
        out: The run directory.
        store: Where written chains and results are looked up and kept.
        progress: Whether to show bars.
    """
    started, clock = now(), time.monotonic()
    check_crossable(*models)
    for each in spec.maps:
        check_crossed_map(models, each)
    check_set(file.pairs, file.errors, spec.scoring, [model.facts.name for model in models])
    say = tell if progress else str
    file = replace(file, pairs=limited(file.pairs, spec.scoring.limit, say))
    spec = replace(spec, scoring=settled(models[spec.writing], file.pairs, spec.scoring, say))
    prompt = prompt_facts(models[spec.writing].need_tokenizer(), spec.scoring.template)
    facts: dict[str, Any] = {name: model.describe() for name, model in zip(CHECKPOINTS, models, strict=True)}
    asked = identity(spec.described(), file.pairs, facts, prompt)
    if out is not None and check_free(out, asked):
        return read_crossed(out)
    memory = {name: weight_bytes(model) for name, model in zip(CHECKPOINTS, models, strict=True)}
    manifest = asked | {"created": started, "weight_bytes": memory}
    with written(out, manifest):
        crossed, rejects = _measure(models, file, spec, store, progress=progress)
        measured = len({each.item.id for each in crossed})
        counts = counted(len(file.pairs) + len(file.errors), measured, rejects)
        results = CrossResults(
            manifest=manifest | finished(clock, counts),
            crossings=tuple(_stacked(crossed, place, outcome) for place, outcome in enumerate(spec.scoring.outcomes)),
            maps=tuple(map_ for each in crossed for map_ in each.maps),
            rejects=tuple(rejects),
        )
        if out is not None:
            write_crossed(out, results)
    return results


def weight_bytes(model: Model) -> int:
    """What a model's weights take in memory."""
    return model.facts.parameters * torch.finfo(model.dtype).bits // 8


@dataclass(frozen=True, slots=True, eq=False)
class _Crossed:
    """An item with what was measured of it in one world."""

    item: PreparedPair
    world: World
    y: Float[np.ndarray, "outcome 2 2 2"]
    maps: tuple[EffectMap, ...]


def _measure(
    models: tuple[Model, Model], file: PairFile, spec: CrossSpec, store: Store | None, *, progress: bool
) -> tuple[list[_Crossed], list[Reject]]:
    """What was measured, each item in its worlds, and what was left out."""
    items, left_out = prepare(
        PAIRS, models[spec.writing], file.pairs, spec.scoring, store, unread=file.errors, progress=progress
    )
    found, rejects = list[_Crossed](), list(left_out)
    fitting = list(_fitting(models[1 - spec.writing], items, spec.scoring, rejects))
    for item in watch_each(fitting, "crossing pairs", "pair", shown=progress):
        with bars(progress):
            these = [_measure_world(models, item, World[name.upper()], spec, store) for name in spec.worlds]
        if all(np.isfinite(each.y).all() for each in these):
            found += these
        else:
            rejects.append(Reject(item.id, "nonfinite", "the models' logits are NaN or infinite; try another dtype"))
    return found, rejects


def _fitting(
    model: Model, items: Sequence[PreparedPair], scoring: ScoreSpec, rejects: list[Reject]
) -> Iterator[PreparedPair]:
    """The items that the other checkpoint can take too; they may differ in the length of their contexts."""
    for item in items:
        try:
            check_fit(model, item.tokens, item.pair.place)
        except ItemError as error:
            error.written = item.tokens.written or scoring.chains is not None
            if scoring.stops_at(error):
                raise
            rejects.append(left_out_by(error))
        else:
            yield item


def _measure_world(
    models: tuple[Model, Model], item: PreparedPair, world: World, spec: CrossSpec, store: Store | None
) -> _Crossed:
    """One world of an item; from the store where it was measured before."""
    entry = {
        "models": [model_spec(model) for model in models],
        "pair": described(item.tokens),
        "world": str(world),
        "outcomes": [each.stored_as for each in spec.scoring.outcomes],
        "maps": [str(each) for each in spec.maps],
    }
    kept = store.read(KIND, entry, partial(_stored, models[0], item, world, spec)) if store is not None else None
    if kept is not None:
        return kept
    outcomes = spec.scoring.outcomes
    crossed = run_crossed(*models, facing(item.tokens, world))
    y = crossed_cube(crossed, outcomes)
    maps: list[EffectMap] = []
    if np.isfinite(y).all():
        total = float(change(y[:1]).total[0])
        for each in spec.maps:
            maps += crossed_map(crossed, each, outcomes[0], total)
    if world is World.SOURCE:
        maps = [replace(each, kind=str(replace(parse_kind(each.kind), source=True))) for each in maps]
    if store is not None and np.isfinite(y).all():
        labels = [
            {"dims": each.dims, "coords": each.coords, "kind": each.kind, "outcome": each.outcome, "te": each.te}
            for each in maps
        ]
        arrays = {"y": y} | {f"map{place}": each.values for place, each in enumerate(maps)}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()}
        store.put(KIND, entry, tensors | {"json": packed(labels)})
    return _Crossed(item, world, y, tuple(maps))


def _stored(
    model: Model, item: PreparedPair, world: World, spec: CrossSpec, kept: Mapping[str, torch.Tensor]
) -> _Crossed:
    """What was stored of one world of an item.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    labels = unpacked(kept, "json")
    maps = tuple(
        EffectMap(
            values=kept[f"map{place}"].numpy(),
            dims=tuple(each["dims"]),
            coords={name: tuple(axis) for name, axis in each["coords"].items()},
            item=item.id,
            group=item.pair.group,
            kind=each["kind"],
            outcome=each["outcome"],
            te=each["te"],
        )
        for place, each in enumerate(labels)
    )
    pair = facing(item.tokens, world)
    wanted = [
        (kind, tuple(axes.items()))
        for each in spec.maps
        for axes in [cells_of(model, pair, each.axes, component=each.component)[1]]
        for kind in crossed_kinds(each, source=world is World.SOURCE)
    ]
    if [(each.kind, tuple((name, each.coords[name]) for name in each.dims)) for each in maps] != wanted:
        raise ValueError("its maps are not those of this pair")
    y = array(kept, "y", (len(spec.scoring.outcomes), 2, 2, 2))
    if not np.isfinite(y).all():
        raise ValueError("its outcomes are no numbers")
    return _Crossed(item, world, y, maps)


def _stacked(crossed: Sequence[_Crossed], place: int, outcome: Outcome) -> Crossing:
    y = np.stack([each.y[place] for each in crossed]) if crossed else np.zeros((0, 2, 2, 2))
    items, groups = tuple(each.item.id for each in crossed), tuple(each.item.pair.group for each in crossed)
    return Crossing(y, items, tuple(str(each.world) for each in crossed), groups, str(outcome))
