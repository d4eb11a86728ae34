"""The main job: pairs in, results out. Prepare, measure, control, write."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.prepared_item import Prepared
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store
from mediate.results.folder import Results, read_results, write_results
from mediate.results.told import Reject
from mediate.scoring.controls import control_by_random_weights, control_item, drawn
from mediate.scoring.given import as_measured, check_set, fitting
from mediate.scoring.jobs import job_of
from mediate.scoring.measure import keep_activations, measure_items
from mediate.scoring.noting import ItemTimes, note_choices
from mediate.scoring.preparing import prepare
from mediate.scoring.rundir import check_free, identity, now, written
from mediate.scoring.scored import Scored
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.telling import ended, in_order, opening, results_of
from mediate.watch import bars, tell, work


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
    """

    unread: Sequence[ItemError]
    out: Path | None
    store: Store | None
    progress: bool


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
    unread, progress = call.get("unread", ()), call.get("progress", False)
    out, store = call.get("out"), call.get("store")
    started, clock = now(), time.monotonic()
    check_set(pairs, unread, spec, (model.facts.name,))
    pairs = as_measured(pairs, spec.against, tell if progress else str)
    job = job_of(pairs, spec.against)
    spec = settled(model, pairs, fitting(pairs, spec), tell if progress else str)
    prompt = prompt_facts(model.need_tokenizer(), spec.template)
    choices = spec.described() | dict(addition.choices if addition is not None else {})
    asked = identity(choices, pairs, model.describe(), prompt)
    if out is not None and check_free(out, asked):
        return read_results(out)
    items, rejects = prepare(job.preparation, model, pairs, spec, store, unread=unread, progress=progress)
    note_choices(choices, model.facts.name, len(items), rejects)
    manifest = asked | opening(started, len(pairs) + len(unread), items)
    with written(out, manifest):
        found: list[Scored[Any] | Reject] = []
        times = ItemTimes()
        chosen = drawn(items, spec)
        replacing = job.replacing and job.replacing(model, items, spec, store)
        with work(len(items), f"measuring {job.noun}s", job.noun, shown=progress) as done_with, bars(progress):
            for measured, runs in measure_items(job.procedure, model, items, spec, store):
                if isinstance(measured, Scored):
                    keep_activations(measured.item, spec, store)
                    if measured.item.id in chosen:
                        measured = control_item(job.procedure, measured, runs, items, store)
                    if replacing is not None:
                        measured = replacing(measured, runs)
                del runs  # its keys and values go before the next item's come
                found.append(measured)
                if isinstance(measured, Scored):
                    times.note(measured.item.id, measured.left_out)
                else:
                    times.note(measured.item, reject=measured)
                done_with(1)
        scored, rejects = in_order(items, found, rejects)
        controlled = [each for each in scored if each.controls]
        with work(len(controlled), "controls, random weights", job.noun, shown=progress) as done_with:
            controls = control_by_random_weights(job.procedure, model, controlled, spec, store, done_with)
        told = ended(manifest, clock, items, scored, rejects, spec)
        results = results_of(scored, rejects, controls, spec, told, job.contrast)
        if addition is not None:
            results = addition.measure(results, [each.item for each in scored], spec, store, progress)
        if out is not None:
            with stage("writing tables"):
                write_results(out, results)
    return results
