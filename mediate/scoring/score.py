"""The main job: pairs in, results out. Prepare, measure, control, write."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from mediate.results.parts import Plan, damage, drop_parts, read_plan
from mediate.results.told import Reject
from mediate.scoring.batches import Batch, batches_of, fingerprint_of, tokens_together
from mediate.scoring.given import as_measured, check_set, fitting
from mediate.scoring.jobs import job_of
from mediate.scoring.keeping import Keeper
from mediate.scoring.measuring import Run, measured, run_of, with_random_weights
from mediate.scoring.preparing import prepare
from mediate.scoring.rundir import begun, check_free, identity, written
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.stopping import stopping
from mediate.scoring.telling import ended, opening
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
        takeover: Whether a run directory that a process on another machine holds, or held when it was killed, is taken.
    """

    unread: Sequence[ItemError]
    out: Path | None
    store: Store | None
    progress: bool
    takeover: bool


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
    clock = time.monotonic()
    check_set(pairs, unread, spec, (model.facts.name,))
    pairs = as_measured(pairs, spec.against, tell if progress else str)
    job = job_of(pairs, spec.against)
    spec = settled(model, pairs, fitting(pairs, spec), tell if progress else str)
    prompt = prompt_facts(model.need_tokenizer(), spec.template)
    choices = spec.described() | dict(addition.choices if addition is not None else {})
    asked = identity(choices, pairs, model.describe(), prompt)
    if out is not None and check_free(out, asked):
        drop_parts(out)  # where the process died before it could
        return read_results(out)
    started, before = begun(out)
    clock -= before
    items, rejects = prepare(job.preparation, model, pairs, spec, store, unread=unread, progress=progress)
    manifest = asked | opening(started, len(pairs) + len(unread), items)
    with written(out, manifest, takeover=call.get("takeover", False)) as said:
        run = run_of(job, model, items, spec, store)
        batches, plan = planned(run, out, rejects)
        keeper = Keeper(out, plan, run.outcomes)
        with keeper.kept(said, clock), bars(progress):
            results = _all_of(run, batches, keeper, progress)
            results = replace(results, rejects=(*rejects, *results.rejects))
            results = replace(results, manifest=ended(manifest, clock, items, results, spec) | damage(out))
            if addition is not None:
                there = {each.id for each in results.items}
                results = addition.measure(results, [each for each in items if each.id in there], spec, store, progress)
            if out is not None:
                with stage("writing tables"):
                    write_results(out, results)
        if out is not None:
            drop_parts(out)
    return results


def planned(run: Run[Any, Any], folder: Path | None, left_out: Sequence[Reject] = ()) -> tuple[list[Batch[Any]], Plan]:
    """A run's batches, and what is written down of them; those of a run that is taken up again are as they were.

    Args:
        run: The run.
        folder: Its directory.
        left_out: What was left out before anything was measured.
    """
    known = None if folder is None else read_plan(folder)
    tokens = tokens_together(run.model) if known is None else known.tokens
    batches = batches_of(run.job.procedure, run.model, run.items, tokens)
    order = tuple(item.id for item in run.items)
    return batches, Plan(order, tokens, len(batches), fingerprint_of(batches), tuple(left_out))


def _all_of(run: Run[Any, Any], batches: Sequence[Batch[Any]], keeper: Keeper, progress: bool) -> Results:
    """What is found of all batches, those that are done before among them, with the control of random weights."""
    noun = run.job.noun
    with work(len(run.items), f"measuring {noun}s", noun, shown=progress) as done_with:
        done_with(sum(len(batch.items) for batch in batches if batch.number in keeper.done))
        results = None
        while results is None:  # once, unless a part is damaged after it was written
            missing = [batch for batch in batches if batch.number not in keeper.done]
            with stopping() as signals:
                for batch in missing:
                    with signals.batch():
                        found = measured(run, batch, done_with)
                    keeper.take(batch.number, found)
                signals.check()
            results = keeper.whole({})
    drawn = len({each.item for each in results.controls})
    with work(drawn, "controls, random weights", noun, shown=progress) as done_with:
        return with_random_weights(run, batches, results, done_with)
