"""Crossing two checkpoints over a set of pairs: pairs in, results and a run directory out."""

import json
import time
from collections import Counter
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
from mediate.mediation.cells import cells_of
from mediate.mediation.encoding import EncodedPair, check_fit
from mediate.mediation.kinds.crossing import check_crossable, crossed_cube, facing, run_crossed
from mediate.mediation.kinds.crossing_maps import check_crossed_map, crossed_kinds, crossed_map
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.pairs.files import PairFile, scan_pairs
from mediate.pairs.pair import Pair
from mediate.passes.store import Store, array, model_spec
from mediate.results.crossing import WORLDS, Crossing, change
from mediate.results.crossing_folder import CrossResults, read_crossed, write_crossed
from mediate.results.kinds import parse_kind
from mediate.results.maps import EffectMap
from mediate.results.told import Reject
from mediate.scoring.cross_spec import CHECKPOINTS, CrossOptions, CrossSpec, make_cross_spec
from mediate.scoring.given import check_set
from mediate.scoring.measure import described
from mediate.scoring.plan import make_plan
from mediate.scoring.rundir import SCHEMA, check_free, now, versions, written
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec, pairs_fingerprint
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
    **options: Unpack[CrossOptions],
) -> CrossResults:
    """Places what changed between two checkpoints of one architecture: in the CoT's state, or in what reads it.

    Both models are held at once; the manifest says how much memory their weights take.

    Args:
        original: The checkpoint before tuning, from `mediate.load`.
        tuned: The checkpoint after it.
        pairs: Pairs, or the path of a file of them.
        out: A run directory to write; one that holds this very run, finished, is read back.
        store: Whether written chains and results are looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Those of `CrossSpec`, and of `ScoreSpec` all that it has not.

    Raises:
        InputError: The models are no two checkpoints of one architecture, a choice or the pairs are wrong, or `out`
            holds something else.
        ItemError: Unless bad items are skipped, the first pair that cannot be measured.
    """
    for name, model in zip(CHECKPOINTS, (original, tuned), strict=True):
        if not isinstance(model, Model):
            raise InputError(f"cross: the {name} model is a {type(model).__name__}; load it first: mediate.load(...)")
    spec = make_cross_spec(**options)
    file = scan_pairs(pairs) if isinstance(pairs, str | Path) else PairFile(tuple(pairs), ())
    folder = None if out is None else Path(out)
    return cross_pairs((original, tuned), file, spec, out=folder, store=Store() if store else None, progress=progress)


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
    check_set(file.pairs, file.errors, spec.scoring)
    say = tell if progress else str
    spec = replace(spec, scoring=settled(models[spec.writing], file.pairs, spec.scoring, say))
    identity = {
        "schema": SCHEMA,
        "spec": spec.described(),
        "pairs": pairs_fingerprint(file.pairs),
        "model": {name: model.describe() for name, model in zip(CHECKPOINTS, models, strict=True)},
        "versions": versions(),
        "prompt": prompt_facts(models[spec.writing].need_tokenizer(), spec.scoring.template),
    }
    if out is not None and check_free(out, identity):
        return read_crossed(out)
    memory = {name: weight_bytes(model) for name, model in zip(CHECKPOINTS, models, strict=True)}
    manifest = identity | {"created": started, "weight_bytes": memory}
    if out is None:
        return _measure(models, file, spec, store, manifest, clock, progress=progress)
    with written(out, manifest):
        results = _measure(models, file, spec, store, manifest, clock, progress=progress)
        write_crossed(out, results)
    return results


def weight_bytes(model: Model) -> int:
    """What a model's weights take in memory."""
    return model.facts.parameters * torch.finfo(model.dtype).bits // 8


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What was measured of one item in one world."""

    item: str
    world: str
    group: str
    y: Float[np.ndarray, "outcome 2 2 2"]
    maps: tuple[EffectMap, ...]


def _measure(
    models: tuple[Model, Model],
    file: PairFile,
    spec: CrossSpec,
    store: Store | None,
    manifest: Mapping[str, Any],
    clock: float,
    *,
    progress: bool,
) -> CrossResults:
    scoring = spec.scoring
    plan = make_plan(models[spec.writing], file.pairs, scoring, store, unread=file.errors, progress=progress)
    rejects, found = list(plan.rejects), list[_Found]()
    fitting = list(_fitting(models[1 - spec.writing], plan.encoded, file.pairs, scoring, rejects))
    for tokens in watch_each(fitting, "crossing pairs", "pair", shown=progress):
        with bars(progress):
            these = [_measure_world(models, tokens, world, spec, store) for world in spec.worlds]
        if all(np.isfinite(each.y).all() for each in these):
            found += these
        else:
            rejects.append(Reject(tokens.id, "nonfinite", "the models' logits are NaN or infinite; try another dtype"))
    by_reason = Counter(reject.code for reject in rejects)
    counts = {
        "given": len(file.pairs) + len(file.errors),
        "measured": len({each.item for each in found}),
        "rejected": sum(by_reason.values()),
        "by_reason": dict(by_reason),
    }
    done = {"status": "success", "finished": now(), "seconds": round(time.monotonic() - clock, 3), "counts": counts}
    return CrossResults(
        manifest=dict(manifest) | done,
        crossings=tuple(_stacked(found, place, outcome) for place, outcome in enumerate(scoring.outcomes)),
        maps=tuple(each for one in found for each in one.maps),
        rejects=tuple(rejects),
    )


def _fitting(
    model: Model, encoded: Sequence[EncodedPair], pairs: Sequence[Pair], scoring: ScoreSpec, rejects: list[Reject]
) -> Iterator[EncodedPair]:
    """The pairs that the other checkpoint can take too; they may differ in the length of their contexts."""
    places = {pair.id: pair.place for pair in pairs}
    for tokens in encoded:
        try:
            check_fit(model, tokens, places[tokens.id])
        except ItemError as error:
            error.written = tokens.written or scoring.chains is not None
            if scoring.stops_at(error):
                raise
            rejects.append(Reject(error.item, error.code, error.reason, error.place))
        else:
            yield tokens


def _measure_world(
    models: tuple[Model, Model], tokens: EncodedPair, world: str, spec: CrossSpec, store: Store | None
) -> _Found:
    """One world of a pair; from the store where it was measured before."""
    entry = {
        "models": [model_spec(model) for model in models],
        "pair": described(tokens),
        "world": world,
        "outcomes": [str(each) for each in spec.scoring.outcomes],
        "maps": [str(each) for each in spec.maps],
    }
    kept = store.read(KIND, entry, partial(_stored, models[0], tokens, world, spec)) if store is not None else None
    if kept is not None:
        return kept
    outcomes = spec.scoring.outcomes
    crossed = run_crossed(*models, facing(tokens, WORLDS.index(world)))
    y = crossed_cube(crossed, outcomes)
    maps: list[EffectMap] = []
    if np.isfinite(y).all():
        total = float(change(y[:1]).total[0])
        for each in spec.maps:
            maps += crossed_map(crossed, each, outcomes[0], total)
    if world == "source":
        maps = [replace(each, kind=str(replace(parse_kind(each.kind), source=True))) for each in maps]
    if store is not None and np.isfinite(y).all():
        labels = [
            {"dims": each.dims, "coords": each.coords, "kind": each.kind, "outcome": each.outcome, "te": each.te}
            for each in maps
        ]
        arrays = {"y": y} | {f"map{place}": each.values for place, each in enumerate(maps)}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()}
        store.put(KIND, entry, tensors | {"json": torch.tensor(list(json.dumps(labels).encode()), dtype=torch.uint8)})
    return _Found(tokens.id, world, tokens.group, y, tuple(maps))


def _stored(model: Model, tokens: EncodedPair, world: str, spec: CrossSpec, kept: Mapping[str, torch.Tensor]) -> _Found:
    """What was stored of one world of a pair.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    labels = json.loads(bytes(array(kept, "json", (None,)).tolist()))
    maps = tuple(
        EffectMap(
            values=kept[f"map{place}"].numpy(),
            dims=tuple(each["dims"]),
            coords={name: tuple(axis) for name, axis in each["coords"].items()},
            item=tokens.id,
            group=tokens.group,
            kind=each["kind"],
            outcome=each["outcome"],
            te=each["te"],
        )
        for place, each in enumerate(labels)
    )
    pair = facing(tokens, WORLDS.index(world))
    wanted = [
        (kind, tuple(axes.items()))
        for each in spec.maps
        for axes in [cells_of(model, pair, each.axes, component=each.component)[1]]
        for kind in crossed_kinds(each, source=world == "source")
    ]
    if [(each.kind, tuple((name, each.coords[name]) for name in each.dims)) for each in maps] != wanted:
        raise ValueError("its maps are not those of this pair")
    y = array(kept, "y", (len(spec.scoring.outcomes), 2, 2, 2))
    if not np.isfinite(y).all():
        raise ValueError("its outcomes are no numbers")
    return _Found(tokens.id, world, tokens.group, y, maps)


def _stacked(found: Sequence[_Found], place: int, outcome: Outcome) -> Crossing:
    y = np.stack([each.y[place] for each in found]) if found else np.zeros((0, 2, 2, 2))
    items, worlds, groups = (tuple(getattr(each, name) for each in found) for name in ("item", "world", "group"))
    return Crossing(y, items, worlds, groups, str(outcome))
