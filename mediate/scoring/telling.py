"""What a run says: its results from its scored items, and what its manifest holds at first and at the end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mediate.errors import ItemError
from mediate.mediation.prepared import Prepared, Y
from mediate.pairs.pair import World
from mediate.results.controls import Controlled
from mediate.results.cube import Cube
from mediate.results.folder import Results
from mediate.results.told import Measured, Reject, Told
from mediate.scoring.rundir import counted, finished
from mediate.scoring.scored import Scored
from mediate.scoring.spec import ScoreSpec
from mediate.traces.trace import decode


def opening(started: str, given: int, items: Sequence[Prepared]) -> dict[str, Any]:
    """What a manifest says of a run that begins, beside its identity.

    Args:
        started: When.
        given: How many pairs there were.
        items: What will be measured of them.
    """
    first = items[0]
    ids = first.tokens.context(World.BASE, World.BASE) + first.tokens.readers.cue
    return {
        "created": started,
        "counts": {"given": given, "measured": len(items)},
        "prompt_example": decode(first.model.tokenizer, ids),
    }


def in_order(
    items: Sequence[Prepared], found: Sequence[Scored | Reject], rejects: Sequence[Reject]
) -> tuple[tuple[Scored, ...], tuple[Reject, ...]]:
    """What was measured, and all that was left out, in the order of the items."""
    by_id = {each.item.id if isinstance(each, Scored) else each.item: each for each in found}
    ordered = [by_id[item.id] for item in items]
    late = [each.left_out if isinstance(each, Scored) else (each,) for each in ordered]
    scored = tuple(each for each in ordered if isinstance(each, Scored))
    return scored, (*rejects, *(reject for some in late for reject in some))


def ended(
    manifest: Mapping[str, Any],
    since: float,
    items: Sequence[Prepared],
    scored: Sequence[Scored],
    rejects: Sequence[Reject],
) -> dict[str, Any]:
    """The manifest of a run that is done; `since` is the monotonic clock when it began."""
    uncut = Counter(item.cut.code for item in items if isinstance(item.cut, ItemError))
    counts = counted(manifest["counts"]["given"], len(scored), rejects) | {
        "maps_left_out": sum(reject.part != "item" for reject in rejects),
        "controlled": sum(bool(each.controls) for each in scored),
        "not_cut": dict(uncut),
    }
    return dict(manifest) | finished(since, counts)


def results_of(
    scored: Sequence[Scored],
    rejects: Sequence[Reject],
    controls: Sequence[Controlled],
    spec: ScoreSpec,
    manifest: Mapping[str, Any],
) -> Results:
    """The results of a run.

    Args:
        scored: What was measured, in order.
        rejects: What was left out.
        controls: Of those that were drawn for them.
        spec: The choices of the run.
        manifest: From `ended`.
    """
    return Results(
        manifest=dict(manifest) | _writer(scored, spec),
        items=tuple(_measured(each.item) for each in scored),
        cubes=_stacked([(each.item, each.y) for each in scored], spec),
        maps=tuple(map_ for each in scored for map_ in each.maps),
        rejects=tuple(rejects),
        cut=_stacked([(each.item, each.before_answer) for each in scored if each.before_answer is not None], spec),
        controls=tuple(controls),
    )


def _writer(scored: Sequence[Scored], spec: ScoreSpec) -> dict[str, Any]:
    """Who wrote chains that were taken from another run, and how many of them have other tokens here."""
    if spec.chains is None:
        return {}
    retokenised = sum(spec.chains.retokenised(each.item.id, each.item.tokens.traces) for each in scored)
    return {"writer": spec.chains.described() | {"retokenised": retokenised}}


def _stacked(having: Sequence[tuple[Prepared, Y]], spec: ScoreSpec) -> tuple[Cube, ...]:
    """One cube an outcome, over the items that have one."""
    y = np.stack([each for _, each in having], axis=1) if having else np.zeros((len(spec.outcomes), 0, 2, 2, 2))
    names, groups = tuple(item.id for item, _ in having), tuple(item.tokens.group for item, _ in having)
    return tuple(Cube(y[place], names, groups, str(outcome)) for place, outcome in enumerate(spec.outcomes))


def _measured(item: Prepared) -> Measured:
    return Measured(item.id, item.pair.group, base=_told(item, World.BASE), source=_told(item, World.SOURCE))


def _told(item: Prepared, world: World) -> Told:
    given, trace = item.pair[world], item.tokens.traces[world]
    stated = trace.stated(given.answer, given.values)
    return Told(
        question=given.question,
        answer=given.answer,
        tokens=trace.tokens,
        steps=trace.steps,
        states_answer=None if stated is None else stated.stop - 1,
        written=trace.written,
        said=None if item.said is None else item.said[world],
        states_result=None if stated is None else stated.result,
    )
