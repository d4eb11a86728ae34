"""The beginning of a run: its choices settled, what it is, and all of its set in tokens and in batches.

Every process that has a part in a run begins it alike, from the whole set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mediate.errors import ItemError
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store
from mediate.results.folder import Results
from mediate.results.parts import Plan
from mediate.scoring.batches import Batch, batches_of, fingerprint_of, tokens_together
from mediate.scoring.disk import item_bytes
from mediate.scoring.given import as_measured, check_set, fitting
from mediate.scoring.jobs import Job, job_of
from mediate.scoring.measuring import Run, measured, run_of, with_random_weights
from mediate.scoring.preparing import prepare
from mediate.scoring.rundir import identity, now
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.telling import ended, opening
from mediate.scoring.writing import Known, UnwrittenError, shared
from mediate.watch import tell


@dataclass(frozen=True, slots=True)
class Settled:
    """A run of which nothing is open any more.

    Args:
        model: The hooked model.
        given: What is measured.
        unread: What could not be read.
        spec: The choices.
        job: What is measured of them.
        identity: What makes the run the run that it is.
    """

    model: Model
    given: Sequence[Pair] | Sequence[Item]
    unread: Sequence[ItemError]
    spec: ScoreSpec
    job: Job[Any, Any, Any, Any]
    identity: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        model: Model,
        given: Sequence[Pair] | Sequence[Item],
        unread: Sequence[ItemError],
        spec: ScoreSpec,
        more: Mapping[str, Any],
        progress: bool,
    ) -> "Settled":
        """Settles the choices of a run.

        Args:
            model: The hooked and checked model.
            given: What is to be measured.
            unread: What could not be read.
            spec: The choices.
            more: Choices beside them, as the manifest has them.
            progress: Whether to say what was settled.

        Raises:
            InputError: As `mediate.scoring.score.score`.
        """
        say = tell if progress else str
        check_set(given, unread, spec, (model.facts.name,))
        given = as_measured(given, spec.against, say, spec.limit)
        job = job_of(given, spec.against)
        spec = settled(model, given, fitting(given, spec), say)
        prompt = prompt_facts(model.need_tokenizer(), spec.template)
        return cls(
            model, given, unread, spec, job, identity(spec.described() | dict(more), given, model.describe(), prompt)
        )

    def begun(self, store: Store | None, *, tokens: int | None = None, progress: bool = False) -> "BegunRun":
        """The run with its whole set prepared.

        Args:
            store: Where chains and results are looked up and kept.
            tokens: How many tokens run side by side, where the run was begun before; as memory allows by default.
            progress: Whether to show bars while chains are written.

        Raises:
            InputError: As `mediate.scoring.score.score`.
        """
        started = now()
        items, rejects = prepare(
            self.job.preparation, self.model, self.given, self.spec, store, unread=self.unread, progress=progress
        )
        manifest = dict(self.identity) | opening(started, len(self.given) + len(self.unread), items)
        run = run_of(self.job, self.model, items, self.spec, store)
        most = tokens_together(self.model) if tokens is None else tokens
        batches = batches_of(self.job.procedure, self.model, items, most)
        order = tuple(item.id for item in items)
        plan = Plan(order, most, len(batches), fingerprint_of(batches), tuple(rejects))
        return BegunRun(run, manifest, tuple(batches), plan)


def begun_together(settled: Settled, store: Store | None, known: Known, tokens: int | None = None) -> "BegunRun":
    """The run with its whole set prepared, where processes share out what the model must write first.

    Args:
        settled: The run.
        store: Where chains and results are looked up and kept.
        known: What was written so far; what the store has beside it is added.
        tokens: As of `Settled.begun`.

    Raises:
        UnwrittenError: Something is not written yet.
        InputError: As `mediate.scoring.score.score`.
    """
    while True:
        try:
            with shared(known):
                return settled.begun(store, tokens=tokens)
        except UnwrittenError as error:
            known.texts |= error.writing.stored(store)
            missing = error.writing.missing(known.texts)
            if missing:
                raise UnwrittenError(error.writing, missing) from error


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A run whose set is in tokens and in batches.

    Args:
        run: What is measured of a batch.
        manifest: What the run's says as it begins.
        batches: All of them.
        plan: The same, as it is written down.
    """

    run: Run[Any, Any]
    manifest: Mapping[str, Any]
    batches: Sequence[Batch[Any]]
    plan: Plan

    def told(self) -> dict[str, Any]:
        """All that a process without the model must know of it, as plain values."""
        return {
            "manifest": self.manifest,
            "noun": self.run.job.noun,
            "outcomes": self.run.outcomes,
            "batches": [[item.id for item in batch.items] for batch in self.batches],
            "plan": asdict(self.plan),
            "item_bytes": item_bytes(self.run, self.batches[0]),
        }

    def measured(self, number: int, items: Sequence[str]) -> Results:
        """What is found of some items of a batch, which are measured side by side."""
        wanted = set(items)
        own = tuple(item for item in self.batches[number].items if item.id in wanted)
        return measured(self.run, Batch(number, own))

    def with_random_weights(self, numbers: Sequence[int], results: Results) -> Results:
        """Results of some batches with the control of random weights."""
        return with_random_weights(self.run, [self.batches[number] for number in numbers], results)

    def ended(self, manifest: Mapping[str, Any], since: float, results: Results) -> dict[str, Any]:
        """The manifest of the run as it ends; see `mediate.scoring.telling.ended`."""
        return ended(manifest, since, self.run.items, results, self.run.spec)
