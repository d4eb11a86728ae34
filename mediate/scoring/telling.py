"""What a run says: its results from its scored items, and what its manifest holds at first and at the end."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mediate.errors import ItemError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import tokenised_apart
from mediate.mediation.prepared_item import Prepared, PreparedItem
from mediate.mediation.prepared_pair import PreparedPair, Y
from mediate.mediation.procedures import PreparedT, Reads
from mediate.pairs.pair import World
from mediate.results.contrasts import TWIN, Contrast
from mediate.results.controls import Controlled
from mediate.results.cube import Cube
from mediate.results.folder import Results
from mediate.results.maps import EffectMap
from mediate.results.spread import AgainstOthers
from mediate.results.told import Measured, Reject, Told, told_of
from mediate.scoring.measured_answers import is_own, keeps_bridge, response_counts
from mediate.scoring.rundir import counted, finished
from mediate.scoring.scored import Scored
from mediate.scoring.spec import ScoreSpec
from mediate.traces.trace import decode

# The axes of effects that are ranked against those in random weights.
RANKED = ("step", "layer")


def opening(started: str, given: int, items: Sequence[Prepared]) -> dict[str, Any]:
    """What a manifest says of a run that begins, beside its identity.

    Args:
        started: When.
        given: How many pairs there were.
        items: What will be measured of them.
    """
    first = items[0]
    ids = first.tokens.whole + first.tokens.readers.cue
    told = {
        "created": started,
        "counts": {"given": given, "planned": len(items)},
        "prompt_example": decode(first.model.tokenizer, ids),
    }
    if first.model.steering is None:
        return told
    # Chains that are given a steered model only reads; those that it writes itself were steered, too.
    written = [each for item in items for each in _chains_written(item)]
    return told | {"steered_chains": {"given": written.count(False), "written": written.count(True)}}


def _chains_written(item: Prepared) -> list[bool]:
    """Of each chain of an item, whether the model wrote it."""
    tokens = item.tokens
    return [trace.written for trace in (tokens.traces if isinstance(tokens, EncodedPair) else (tokens.trace,))]


def ended(
    manifest: Mapping[str, Any], since: float, items: Sequence[Prepared], results: Results, spec: ScoreSpec
) -> dict[str, Any]:
    """The manifest of a run that is done.

    Args:
        manifest: From `opening`.
        since: The monotonic clock when it began.
        items: All items that were to be measured.
        results: What was found of them.
        spec: The choices of the run.
    """
    uncut = Counter(item.cut.code for item in items if isinstance(item.cut, ItemError))
    there = {each.id for each in results.items}
    counts = counted(manifest["counts"]["given"], len(there), results.rejects) | {
        "maps_left_out": sum(reject.is_map for reject in results.rejects),
        "controlled": len({each.item for each in results.controls}),
        "not_cut": dict(uncut),
    }
    measured = [item for item in items if item.id in there]
    alone = [each for each in measured if isinstance(each, PreparedItem)]
    if any(isinstance(each, PreparedItem) for each in items):
        kept = [each for each in alone if keeps_bridge(each.item, spec)]
        counts["responses"] = response_counts([(item.item, item.answer) for item in alone], results.rejects, spec) | {
            "tokenised_apart": sum(
                tokenised_apart(each.model.need_tokenizer(), each.item, each.answer, each.tokens) for each in kept
            )
        }
    return dict(manifest) | finished(since, counts) | _writer(measured, spec)


def results_of(
    found: Sequence[Scored[Any] | Reject], spec: ScoreSpec, manifest: Mapping[str, Any], contrast: Contrast = TWIN
) -> Results:
    """The results of some items of a run.

    Args:
        found: What was measured of each, or why it was left out.
        spec: The choices of the run.
        manifest: What is said of the run.
        contrast: What the items are held against.
    """
    scored = [each for each in found if isinstance(each, Scored)]
    late = [each.left_out if isinstance(each, Scored) else (each,) for each in found]
    return Results(
        manifest=manifest,
        items=tuple(_measured(each.item, spec) for each in scored),
        cubes=_stacked([(each.item, each.y) for each in scored], spec, contrast),
        maps=tuple(map_ for each in scored for map_ in each.maps),
        rejects=tuple(reject for some in late for reject in some),
        cut=_stacked(
            [(each.item, each.before_answer) for each in scored if each.before_answer is not None], spec, contrast
        ),
        controls=tuple(control for each in scored for control in each.controls),
        others=tuple(each for one in scored for each in _against_others(one, spec)),
        replaced=tuple(row for each in scored for row in each.replaced),
        off=tuple(row for each in scored for row in each.off),
        ranked=tuple(_ranked(each.item, each.reads) for each in scored if each.reads is not None),
    )


def _ranked(item: Prepared, reads: Reads) -> EffectMap:
    """An item's effects that those in random weights are ranked against, as a map, which has a table."""
    steps, layers = reads.shape
    coords = {"step": tuple(range(steps)), "layer": tuple(range(layers))}
    return EffectMap(reads, RANKED, coords, item.id, item.tokens.group, "knockout", str(item.outcomes[0]))


def controlled_in(results: Results, items: Sequence[PreparedT]) -> list[Scored[PreparedT]]:
    """Those of some items that were controlled, with what the control of random weights stands beside.

    Args:
        results: What was found, of these items and of others.
        items: In tokens.
    """
    controls, cube = defaultdict[str, list[Controlled]](list), results.cubes[0]
    for each in results.controls:
        controls[each.item].append(each)
    ranked = {each.item: each.values for each in results.ranked}
    place = {item: number for number, item in enumerate(cube.items)}
    return [
        Scored(
            item,
            cube.y[[place[item.id]]],
            None,
            controls=tuple(controls[item.id]),
            reads=ranked.get(item.id),
        )
        for item in items
        if item.id in controls
    ]


def _writer(measured: Sequence[Prepared], spec: ScoreSpec) -> dict[str, Any]:
    """Who wrote chains that were taken from another run, and how many of them have other tokens here."""
    if spec.chains is None:
        return {}
    retokenised = sum(
        spec.chains.retokenised(each.id, each.tokens.traces) for each in measured if isinstance(each, PreparedPair)
    )
    return {"writer": spec.chains.described() | {"retokenised": retokenised}}


def _stacked(having: Sequence[tuple[Prepared, Y]], spec: ScoreSpec, contrast: Contrast) -> tuple[Cube, ...]:
    """One cube an outcome, over the items that have one."""
    cubes = []
    for place, outcome in enumerate(spec.outcomes):
        there = [(item, y[place]) for item, y in having if np.isfinite(y[place]).all()]
        y = np.stack([own for _, own in there]) if there else np.zeros((0, 2, 2, 2))
        names, groups = tuple(item.id for item, _ in there), tuple(item.tokens.group for item, _ in there)
        cubes.append(Cube(y, names, groups, str(outcome), contrast))
    return tuple(cubes)


def _against_others(scored: Scored[Any], spec: ScoreSpec) -> list[AgainstOthers]:
    """An item's cubes against each of its others, one record an outcome that it has."""
    if scored.by_other is None:
        return []
    item, cubes = scored.item, zip(spec.outcomes, scored.by_other.swapaxes(0, 1), strict=True)
    names = tuple(each.id for each in item.others)
    return [
        AgainstOthers(item.id, item.tokens.group, str(outcome), names, y)
        for outcome, y in cubes
        if np.isfinite(y).all()
    ]


def _measured(item: Prepared, spec: ScoreSpec) -> Measured:
    if isinstance(item, PreparedItem):
        return Measured(item.id, item.tokens.group, _told_alone(item, spec), condition=item.item.condition)
    pair = item.pair
    return Measured(item.id, pair.group, _told(item, World.BASE), _told(item, World.SOURCE), pair.condition)


def _told(item: PreparedPair, world: World) -> Told:
    given, said = item.pair[world], None if item.said is None else item.said[world]
    return told_of(given.question, given.answer, item.tokens.traces[world], given.values, said)


def _told_alone(item: PreparedItem, spec: ScoreSpec) -> Told:
    told = told_of(item.item.question, item.answer, item.tokens.trace, item.item.values, item.said)
    given = item.item.answer if is_own(item.item, spec) else ""
    return replace(told, given=given or None, stated=item.item.stated or None)
