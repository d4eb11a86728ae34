"""The main job: pairs in, results out. Prepare, measure, control, write."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.prepared_item import Prepared
from mediate.models.model import Model
from mediate.models.threads import threads_shared
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store
from mediate.results.folder import Results, read_results, write_results
from mediate.results.parts import Part, damage, drop_parts, tokens_in
from mediate.scoring.allowed import Tally
from mediate.scoring.batches import Batch
from mediate.scoring.beginning import BegunRun, Settled
from mediate.scoring.disk import check_room_for
from mediate.scoring.engines.shared_out import SharedOut, helped, processes_for
from mediate.scoring.keeping import Keeper
from mediate.scoring.measuring import Run, measured, with_random_weights
from mediate.scoring.noting import note_choices
from mediate.scoring.rundir import begun, check_free, holding, tidied, written
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.stopping import stopping
from mediate.watch import bars, work


@dataclass(frozen=True, slots=True)
class Addition:
    """What a run measures of its items beside their effects.

    Args:
        choices: As the manifest's specification has them beside those of the run, by a name of their own.
        measure: The results with what was found of the measured items, from the specification as it was settled; the
            last two are where things are looked up and kept, and whether to show bars.
    """

    choices: Mapping[str, Any]
    measure: Callable[[Results, Sequence[Prepared], ScoreSpec, Store | None, bool], Results]


class Call(TypedDict, total=False):
    """How a run is made, beside what is measured.

    Args:
        unread: Pairs or items that could not be read, to be counted among the rejects.
        out: The run directory; one that holds this very run, finished, is read back and nothing is computed.
        store: Where chains, outcomes and kept activations are looked up and kept.
        progress: Whether to say, on standard error, what was settled and how far the work is.
        takeover: Whether a run directory that a process on another machine holds, or held when it was killed, is taken
            over.
        num_workers: How many processes measure, as of `processes_for`.
    """

    unread: Sequence[ItemError]
    out: Path | None
    store: Store | None
    progress: bool
    takeover: bool
    num_workers: int | None


def score(
    model: Model,
    pairs: Sequence[Pair] | Sequence[Item],
    spec: ScoreSpec,
    *,
    addition: Addition | None = None,
    **call: Unpack[Call],
) -> Results:
    """Measures a set of pairs, or of items by themselves, and, where `out` is given, writes the run directory.

    Args:
        model: The hooked and checked model.
        pairs: What to measure: pairs against their twins, items by themselves, or the bases of pairs, against what is
            hidden of them or against other items.
        spec: How.
        addition: What else is measured of the same items, in the same directory.
        **call: See `Call`; by default nothing is written or kept, and nothing is said.

    Raises:
        ItemError: Unless bad items are skipped, the first pair that cannot be measured; nothing has been written then.
        InputError: No pairs or none that can be measured, duplicate ids, or an `out` that holds something else.
    """
    out, store, progress = call.get("out"), call.get("store"), call.get("progress", False)
    clock, more = time.monotonic(), {} if addition is None else addition.choices
    count = call.get("num_workers")
    with threads_shared(count or 1):  # what the manifest says of threads is of measuring; chains are written on all
        settled = Settled.of(model, pairs, call.get("unread", ()), spec, more, progress)
    with holding(out, takeover=call.get("takeover", False)):
        if out is not None and check_free(out, settled.identity):
            tidied(out)
            return read_results(out)
        started, before = begun(out)
        clock -= before
        own = settled.begun(store, tokens=tokens_in(out), progress=progress)
        note_choices(settled.identity["spec"], model.facts.name, len(own.run.items), own.plan.left_out)
        manifest = dict(own.manifest) | {"created": started}
        with written(out, manifest) as said:
            keeper = Keeper(out, own.plan, own.run.outcomes)
            check_room_for(own.run, own.batches, keeper)
            with keeper.kept(said, clock), bars(progress):
                with threads_shared(count or 1):
                    results = all_of(own.run, own.batches, keeper, progress, count)
                results = replace(results, rejects=(*own.plan.left_out, *results.rejects))
                results = replace(results, manifest=own.ended(manifest, clock, results) | damage(out))
                if addition is not None:
                    results = addition.measure(results, _there(own, results), settled.spec, store, progress)
                del own  # all items in tokens, which tables of many items need the room of
                if out is not None:
                    with stage("writing tables"):
                        write_results(out, results)
            if out is not None:
                drop_parts(out)
    return results


def _there(own: BegunRun, results: Results) -> list[Any]:
    """The items of a run that were measured, in tokens."""
    there = {each.id for each in results.items}
    return [each for each in own.run.items if each.id in there]


def all_of(
    run: Run[Any, Any],
    batches: Sequence[Batch[Any]],
    keeper: Keeper,
    progress: bool,
    num_workers: int | None = None,
) -> Results:
    """What is found of all batches, those that are done before among them, with the control of random weights.

    Args:
        run: The run.
        batches: All of them.
        keeper: Takes what is found.
        progress: Whether to show bars.
        num_workers: How many processes measure, as of `processes_for`.
    """
    noun = run.job.noun
    total = sum(len(batch.items) for batch in batches)
    before = sum(len(batch.items) for batch in batches if batch.number in keeper.done)
    with work(total, f"measuring {noun}s", noun, shown=progress, before=before) as done_with:
        results = None
        while results is None:  # once, unless a part is damaged after it was written
            missing = [batch for batch in batches if batch.number not in keeper.done]
            count = processes_for(run.model, len(missing), keeper.folder, num_workers)
            tally = Tally.of(keeper.parts)

            def took(part: Part, tally: Tally = tally) -> None:
                tally.count(part.measured, part.rejected)
                tally.check(run.spec.max_errors, total)

            with stopping() as signals:
                shared = SharedOut(deque(missing), keeper, took, done_with, signals.check)
                with helped(shared, run, count):
                    for batch, done in shared.here():
                        with signals.batch():
                            found = measured(run, batch, done)
                        keeper.take(batch.number, found)
                        tally.add(found)
                        tally.check(run.spec.max_errors, total)
            results = keeper.whole({})
    drawn = len({each.item for each in results.controls})
    with work(drawn, "controls, random weights", noun, shown=progress) as done_with:
        return with_random_weights(run, batches, results, done_with)
