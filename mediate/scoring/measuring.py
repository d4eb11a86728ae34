"""What a run measures of a batch: cubes and maps, and with the same keys and values controls and replacements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from mediate.mediation.procedures import PreparedT, Runs
from mediate.models.model import Model
from mediate.models.threads import fitting_threads
from mediate.passes.store import Store
from mediate.results.folder import Results
from mediate.results.told import Reject
from mediate.scoring.batches import Batch
from mediate.scoring.controls import control_by_random_weights, control_item, drawn
from mediate.scoring.halving import Fits
from mediate.scoring.item_replacements import Replacing
from mediate.scoring.jobs import Job
from mediate.scoring.measure import keep_activations, measure_batch
from mediate.scoring.scored import Scored
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.telling import controlled_in, results_of


@dataclass(frozen=True, slots=True)
class Run(Generic[PreparedT, Runs]):
    """A run with all that is decided over its whole set, so that a batch needs no other one.

    Args:
        job: What is measured.
        model: The hooked model.
        spec: The choices, settled.
        store: Where results are looked up and kept.
        items: All items, prepared, in the order of the file.
        drawn: The ids of those that are controlled.
        replacing: Gives a measured item what its chain is worth under each replacement; None where nothing does.
        fits: How many items fit into memory side by side, as far as it was found out.
    """

    job: Job[Any, Any, PreparedT, Runs]
    model: Model
    spec: ScoreSpec
    store: Store | None
    items: tuple[PreparedT, ...]
    drawn: frozenset[str]
    replacing: Replacing[PreparedT, Runs] | None
    fits: Fits = field(default_factory=Fits)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The names of its outcomes, in order."""
        return tuple(str(each) for each in self.spec.outcomes)


def run_of(
    job: Job[Any, Any, PreparedT, Runs],
    model: Model,
    items: Sequence[PreparedT],
    spec: ScoreSpec,
    store: Store | None,
) -> Run[PreparedT, Runs]:
    """A run of these items: which are controlled and what replaces their chains is drawn from all of them."""
    replacing = None if job.replacing is None else job.replacing(model, items, spec, store)
    return Run(job, model, spec, store, tuple(items), drawn(items, spec), replacing)


def measured(run: Run[PreparedT, Runs], batch: Batch[PreparedT], done: Callable[[int], object] = int) -> Results:
    """What is found of the items of a batch, and why others are left out.

    The control of random weights is missing, as it takes other weights; see `with_random_weights`.

    Args:
        run: The run.
        batch: One of its batches.
        done: Takes how many more items are done.

    Raises:
        ItemError: Unless bad items are skipped, one that cannot be measured.
    """
    procedure, found = run.job.procedure, list[Scored[Any] | Reject]()
    with fitting_threads(run.model):
        for each, runs in measure_batch(procedure, run.model, batch.items, run.spec, run.store, run.fits):
            if isinstance(each, Scored):
                keep_activations(each.item, run.spec, run.store)
                if each.item.id in run.drawn:
                    each = control_item(procedure, each, runs, run.items, run.store)
                if run.replacing is not None:
                    each = run.replacing(each, runs)
            del runs  # its keys and values go before the next item's come
            found.append(each)
            done(1)
    return results_of(found, run.spec, {"spec": {"outcomes": list(run.outcomes)}}, run.job.contrast)


def with_random_weights(
    run: Run[PreparedT, Runs],
    batches: Sequence[Batch[PreparedT]],
    results: Results,
    done: Callable[[int], object] = int,
) -> Results:
    """Results of some batches with the control of random weights, as the last of each controlled item.

    Args:
        run: The run.
        batches: Batches of the run, all of which are measured.
        results: What was found of them.
        done: Takes how many more items are done.

    Raises:
        InputError: The model's own weights could not be put back: nothing more may be measured on it.
    """
    found = [controlled_in(results, batch.items) for batch in batches] if results.controls else []
    with fitting_threads(run.model):
        last = control_by_random_weights(
            run.job.procedure, run.model, [each for each in found if each], run.spec, run.store, done
        )
    controls = []
    for place, each in enumerate(results.controls):
        controls.append(each)
        if place + 1 == len(results.controls) or results.controls[place + 1].item != each.item:
            controls.append(last[each.item])
    return replace(results, controls=tuple(controls), ranked=())
