"""A run on Ray: workers measure its batches, and this process, which needs no model, writes what they found.

The parts, and so the results, are those of a run in one process with as many threads as a worker has.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mediate.clock import stage
from mediate.errors import InputError, ItemError
from mediate.results.controls import Controlled
from mediate.results.cube import Cube
from mediate.results.folder import Results, read_results, write_manifest, write_results
from mediate.results.merged import merged
from mediate.results.packing import of_items, packed, unpacked
from mediate.results.parts import PARTS, Plan, damage, drop_parts, tokens_in
from mediate.results.told import Reject, left_out_by
from mediate.scoring.allowed import WORKER_DIED, Tally
from mediate.scoring.disk import check_room
from mediate.scoring.engine_spec import EngineSpec
from mediate.scoring.engines.cluster import connected
from mediate.scoring.engines.crew import Alike, RayCrew, room
from mediate.scoring.engines.handing import Errand, Gang
from mediate.scoring.engines.orders import Order
from mediate.scoring.engines.texts import TEXTS, keep, kept
from mediate.scoring.engines.workers import Content
from mediate.scoring.keeping import Keeper
from mediate.scoring.noting import note_choices
from mediate.scoring.rundir import begun, check_free, tidied, written
from mediate.scoring.stopping import stopping
from mediate.watch import work

_DIED = (
    "two workers died over it, one after the other, or gave no answer in time; see Ray's logs, give workers more "
    "memory or time (worker_timeout), or measure it by itself with engine 'local'"
)


def score_on_ray(order: Order, spec: EngineSpec, *, out: Path | None, progress: bool) -> Results:
    """Measures a run by workers on Ray; see `mediate.scoring.score.score`.

    Args:
        order: What is measured, and by what model.
        spec: Which cluster, and how many workers.
        out: The run directory, where one is to be written.
        progress: Whether to say what was settled and how far the work is.

    Raises:
        ItemError: Unless bad items are skipped, the first that cannot be measured.
        InputError: As of `score`, and where Ray cannot be had, or its workers die or are not alike.
    """
    content = order.json()
    with connected(spec) as ray:
        resources, size = room(ray, spec, order)
        crew, alike = RayCrew(ray, content, resources), Alike()
        gang = Gang(crew, min(size, len(order.given)), alike.check, spec.worker_timeout)
        try:
            with stopping() as signals:
                crew.check = signals.check
                return _Driver(order, crew, gang, alike, out, progress).results()
        finally:
            gang.stop()


@dataclass(frozen=True, slots=True)
class _Driver:
    """One run: what workers are asked for, and what becomes of their answers.

    Args:
        order: What is measured.
        crew: Who is told what.
        gang: The workers.
        alike: What they said of themselves.
        out: The run directory.
        progress: Whether to show bars.
    """

    order: Order
    crew: RayCrew
    gang: Gang
    alike: Alike
    out: Path | None
    progress: bool

    def results(self) -> Results:
        """What all of them found."""
        if self.out is not None:
            self.crew.known, self.crew.tokens = kept(self._texts()), tokens_in(self.out)
        self.gang.begin()
        opened = self._asked(Errand(0, ("",), kind="open"))
        identity = self.alike.first["identity"]
        if self.out is not None and check_free(self.out, identity):
            tidied(self.out)
            return read_results(self.out)
        started, before = begun(self.out)
        since, given = time.monotonic() - before, len(self.order.given) + len(self.order.unread)
        manifest = identity | {"created": started, "counts": {"given": given}}
        with written(self.out, manifest) as said:
            told = self._opened(opened)
            manifest = told["manifest"] | {"created": started}
            said.update(manifest)
            plan = self._planned(told)
            note_choices(identity["spec"], identity["model"]["name"], len(plan.order), plan.left_out)
            keeper = Keeper(self.out, plan, told["outcomes"])
            if self.out is not None:
                write_manifest(self.out, manifest | {"status": "started"})
                left = sum(len(ids) for number, ids in enumerate(told["batches"]) if number not in keeper.done)
                check_room(self.out, told["item_bytes"], left)
            with keeper.kept(said, since):
                results = self._controlled(self._measured(told, keeper), told["batches"])
                results = self._ended(replace(results, rejects=(*plan.left_out, *results.rejects)), manifest, since)
                if self.out is not None:
                    with stage("writing tables"):
                        write_results(self.out, results)
            if self.out is not None:
                drop_parts(self.out)
        return results

    def _ended(self, results: Results, manifest: Mapping[str, Any], since: float) -> Results:
        """The results with the manifest of the run as it ends, which takes the model's tokenizer."""
        slim = Results(manifest, results.items, rejects=results.rejects, controls=results.controls)
        told = json.loads(self._asked(Errand(0, ("",), kind="end", content=packed(slim)))["told"])
        return replace(results, manifest=told | {"seconds": round(time.monotonic() - since, 3)} | damage(self.out))

    def _asked(self, task: Errand) -> Content:
        """The answer to one task.

        Raises:
            InputError: Two workers died over it.
        """
        return next(self._all([task]))[1]

    def _all(self, tasks: Sequence[Errand]) -> Iterator[tuple[Errand, Content]]:
        """The answers to tasks that cannot be given up.

        Raises:
            InputError: Two workers died over one.
        """
        for task, answer in self.gang.work(tasks):
            if answer is None:
                raise InputError(
                    f"two workers died over one task ({task.kind} {task.number}); give them more memory, or fewer of "
                    "them (num_workers); the same command goes on where this one stopped"
                )
            yield task, answer

    def _texts(self) -> Path:
        assert self.out is not None
        return self.out / PARTS / TEXTS

    def _opened(self, opened: Content) -> dict[str, Any]:
        """What the run is, once all is written that the model must write first: in rounds, answers after chains."""
        while "unwritten" in opened:
            self.crew.known.append(opened["texts"])
            sizes, fresh = dict(json.loads(opened["unwritten"])), list[bytes]()
            with work(sum(sizes.values()), "writing", "text", shown=self.progress) as done:
                for task, answer in self._all([Errand(number, ("",), kind="write") for number in reversed(sizes)]):
                    if self.out is not None:
                        keep(self._texts(), answer["texts"])
                    fresh.append(answer["texts"])
                    done(sizes[task.number])
            # Not as they come: a worker that is told of more lays all of it out anew.
            self.crew.known += fresh
            opened = self._asked(Errand(0, ("",), kind="open"))
        told: dict[str, Any] = json.loads(opened["told"])
        return told

    def _planned(self, told: Mapping[str, Any]) -> Plan:
        """The run's batches, which workers are told from now on."""
        plan = dict(told["plan"])
        self.crew.tokens, self.crew.plan = plan["tokens"], plan["fingerprint"]
        left_out = tuple(Reject(**each) for each in plan["left_out"])
        return Plan(**(plan | {"order": tuple(plan["order"]), "left_out": left_out}))

    def _measured(self, told: Mapping[str, Any], keeper: Keeper) -> Results:
        """What is found of all batches; parts of it are on disk as they come."""
        batches, noun, outcomes = told["batches"], told["noun"], told["outcomes"]
        some = defaultdict[int, list[Results]](list)
        total, before = sum(map(len, batches)), sum(len(batches[number]) for number in keeper.done)
        with work(total, f"measuring {noun}s", noun, shown=self.progress, before=before) as done:
            results = None
            while results is None:  # once, unless a part is damaged after it was written
                left = [Errand(number, tuple(ids)) for number, ids in enumerate(batches) if number not in keeper.done]
                tally = Tally.of(keeper.parts)
                for task, answer in self.gang.work(left):
                    found = some[task.number]
                    found.append(self._given_up(task, outcomes) if answer is None else unpacked(answer))
                    tally.add(found[-1])
                    done(len(task.items))
                    there = {each.id for one in found for each in one.items}
                    there |= {each.item for one in found for each in one.rejects if each.part == "item"}
                    if len(there) == len(batches[task.number]):
                        manifest = {"spec": {"outcomes": outcomes}}
                        whole = merged(found, keeper.plan.order, outcomes=outcomes, manifest=manifest)
                        keeper.take(task.number, whole)
                        del some[task.number]
                    tally.check(self.order.spec.max_errors, total)
                results = keeper.whole({})
        return results

    def _given_up(self, task: Errand, outcomes: Sequence[str]) -> Results:
        """What is left of an item that workers died over.

        Raises:
            ItemError: Where every bad item ends the run.
        """
        error = ItemError(task.items[0], _DIED, code=WORKER_DIED, written=True)
        if self.order.spec.stops_at(error):
            raise error
        nothing = tuple(Cube(np.zeros((0, 2, 2, 2)), (), (), outcome) for outcome in outcomes)
        return Results({}, cubes=nothing, rejects=(left_out_by(error),))

    def _controlled(self, results: Results, batches: Sequence[Sequence[str]]) -> Results:
        """The results with the control of random weights, which workers measure batch by batch."""
        drawn = dict.fromkeys(each.item for each in results.controls)
        tasks = [
            Errand(number, ("",), kind="control", content=packed(of_items(results, own)))
            for number, ids in enumerate(batches)
            if (own := drawn.keys() & set(ids))
        ]
        controls = defaultdict[str, list[Controlled]](list)
        with work(len(drawn), "controls, random weights", "item", shown=self.progress) as done:
            for _, answer in self._all(tasks):
                for each in unpacked(answer).controls:
                    controls[each.item].append(each)
                done(len({each.item for each in unpacked(answer).controls}))
        return replace(results, controls=tuple(each for item in drawn for each in controls[item]), ranked=())
