"""A run on Ray: workers measure its batches, and this process, which needs no model, writes what they found.

The parts, and so the results, are those of a run in one process with as many threads as a worker has.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mediate.clock import stage
from mediate.errors import InputError, ItemError
from mediate.models.identity import model_differences, version_differences
from mediate.results.controls import Controlled
from mediate.results.cube import Cube
from mediate.results.folder import Results, read_results, write_manifest, write_results
from mediate.results.merged import merged
from mediate.results.packing import of_items, packed, unpacked
from mediate.results.parts import PARTS, Plan, damage, drop_parts, read_plan
from mediate.results.told import Reject
from mediate.scoring.engine_spec import EngineSpec
from mediate.scoring.engines.cluster import connected
from mediate.scoring.engines.handing import DeadWorkerError, Gang, Task
from mediate.scoring.engines.orders import Order
from mediate.scoring.engines.texts import TEXTS, joined, keep, kept
from mediate.scoring.engines.workers import Content, Worker, checked
from mediate.scoring.keeping import Keeper
from mediate.scoring.rundir import begun, check_free, written
from mediate.watch import tell, work

# What takes the place of an item that workers die over.
WORKER_DIED = "worker_died"
_DIED = (
    "two workers died over it, one after the other; see Ray's logs, give workers more memory, or measure it by itself "
    "with engine 'local'"
)
# After so many seconds without an answer it is said that workers are waited for.
PATIENCE = 30.0


@dataclass(slots=True)
class _RayCrew:
    """Workers as Ray's actors.

    Args:
        ray: The module, connected.
        order: What they are told.
        resources: What each takes.
        tokens: How many tokens run side by side, once that is known.
        plan: The fingerprint of the batches, once there are any.
        known: What was written of the set so far.
    """

    ray: Any
    order: bytes
    resources: Mapping[str, Any]
    tokens: int | None = None
    plan: str | None = None
    known: list[bytes] = field(default_factory=list)
    _shared: dict[bytes, Any] = field(default_factory=dict)

    def start(self) -> Any:
        """An actor; it is not restarted by Ray, for it would not know what it is to be ready for."""
        actor = self.ray.remote(**self.resources, max_restarts=0, max_task_retries=0)(Worker)
        return actor.remote(self._put(self.order))

    def ready(self, worker: Any) -> Any:
        """Has it load the model."""
        return worker.ready.remote()

    def call(self, worker: Any, task: Task) -> Any:
        """Hands it a task."""
        told = {"kind": task.kind, "number": task.number, "items": task.items, "tokens": self.tokens, "plan": self.plan}
        return worker.work.remote(json.dumps(told).encode("ascii"), dict(task.content), self._put(joined(self.known)))

    def wait(self, calls: Sequence[Any]) -> None:
        """Returns when one of the calls is over; says so where that takes long before anything was answered."""
        done: list[Any] = []
        while not done:
            done, _ = self.ray.wait(list(calls), num_returns=1, timeout=PATIENCE)
            if not done:
                self._say_missing()

    def answer(self, call: Any) -> Any:
        """What a call gave."""
        from ray.exceptions import RayActorError, RayError

        if not self.ray.wait([call], timeout=0)[0]:
            return None
        try:
            return checked(self.ray.get(call))
        except RayActorError as error:
            raise DeadWorkerError(str(error).partition("\n")[0]) from error
        except RayError as error:
            raise RuntimeError(f"Ray failed: {error}") from error

    def stop(self, worker: Any) -> None:
        """Ends an actor."""
        self.ray.kill(worker)

    def _put(self, content: bytes) -> Any:
        """A reference to what all workers are told; it travels to each machine once."""
        if content not in self._shared:
            self._shared[content] = self.ray.put(content)
        return self._shared[content]

    def _say_missing(self) -> None:
        there = self.ray.cluster_resources()
        for name, count in (("CPU", self.resources["num_cpus"]), ("GPU", self.resources["num_gpus"])):
            if count > there.get(name, 0):
                tell(f"waiting for Ray: a worker takes {count:g} {name}, and the cluster has {there.get(name, 0):g}")


@dataclass(slots=True)
class _Alike:
    """What the first worker said of itself, which the others must say, too."""

    first: dict[str, Any] = field(default_factory=dict)

    def check(self, answer: Content) -> None:
        """Raises InputError where a worker is another one than the first."""
        told = json.loads(answer["told"])
        if not self.first:
            self.first = told
            return
        wanted = self.first["identity"]
        different = model_differences(told["identity"]["model"], wanted["model"])
        different += version_differences(told["identity"]["versions"], wanted["versions"])
        if different:
            raise InputError(f"workers are not alike ({'; '.join(different[:3])}); give all machines the same")


def score_on_ray(
    order: Order, spec: EngineSpec, *, out: Path | None, progress: bool, takeover: bool = False
) -> Results:
    """Measures a run by workers on Ray; see `mediate.scoring.score.score`.

    Args:
        order: What is measured, and by what model.
        spec: Which cluster, and how many workers.
        out: The run directory, where one is to be written.
        progress: Whether to say what was settled and how far the work is.
        takeover: Whether the directory is taken over from a process on another machine.

    Raises:
        ItemError: Unless bad items are skipped, the first that cannot be measured.
        InputError: As of `score`, and where Ray cannot be had, or its workers die or are not alike.
    """
    content = order.json()
    with connected(spec) as ray:
        resources, size = _room(ray, spec, order)
        crew, alike = _RayCrew(ray, content, resources), _Alike()
        gang = Gang(crew, min(size, len(order.given)), alike.check)
        try:
            return _Driver(order, crew, gang, alike, out, progress, takeover).results()
        finally:
            gang.stop()


def _room(ray: Any, spec: EngineSpec, order: Order) -> tuple[dict[str, float], int]:
    """What a worker takes of the cluster, and how many there are."""
    there = ray.cluster_resources()
    gpus = spec.gpus_per_worker
    if gpus is None:
        gpus = 1.0 if there.get("GPU", 0) >= 1 and not str(order.loading.get("device") or "").startswith("cpu") else 0.0
    room = [there.get("CPU", 0) / spec.threads_per_worker, *([there.get("GPU", 0) / gpus] if gpus else [])]
    return {"num_cpus": float(spec.threads_per_worker), "num_gpus": gpus}, spec.num_workers or max(1, int(min(room)))


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
        takeover: Whether the directory is taken over from a process on another machine.
    """

    order: Order
    crew: _RayCrew
    gang: Gang
    alike: _Alike
    out: Path | None
    progress: bool
    takeover: bool = False

    def results(self) -> Results:
        """What all of them found."""
        self.gang.begin()
        if self.out is not None:
            known = read_plan(self.out)
            self.crew.known, self.crew.tokens = kept(self._texts()), None if known is None else known.tokens
        opened = self._asked(Task(0, ("",), kind="open"))
        identity = self.alike.first["identity"]
        if self.out is not None and check_free(self.out, identity):
            drop_parts(self.out)  # where the process died before it could
            return read_results(self.out)
        started, before = begun(self.out)
        since, given = time.monotonic() - before, len(self.order.given) + len(self.order.unread)
        manifest = identity | {"created": started, "counts": {"given": given}}
        with written(self.out, manifest, takeover=self.takeover) as said:
            told = self._opened(opened)
            manifest = told["manifest"] | {"created": started}
            said.update(manifest)
            plan = self._planned(told)
            keeper = Keeper(self.out, plan, told["outcomes"])
            if self.out is not None:
                write_manifest(self.out, manifest | {"status": "started"})
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
        told = json.loads(self._asked(Task(0, ("",), kind="end", content=packed(slim)))["told"])
        return replace(results, manifest=told | {"seconds": round(time.monotonic() - since, 3)} | damage(self.out))

    def _asked(self, task: Task) -> Content:
        """The answer to one task.

        Raises:
            InputError: Two workers died over it.
        """
        return next(self._all([task]))[1]

    def _all(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Content]]:
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
            sizes = dict(json.loads(opened["unwritten"]))
            with work(sum(sizes.values()), "writing", "text", shown=self.progress) as done:
                for task, answer in self._all([Task(number, ("",), kind="write") for number in reversed(sizes)]):
                    if self.out is not None:
                        keep(self._texts(), answer["texts"])
                    self.crew.known.append(answer["texts"])
                    done(sizes[task.number])
            opened = self._asked(Task(0, ("",), kind="open"))
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
        with work(sum(map(len, batches)), f"measuring {noun}s", noun, shown=self.progress) as done:
            done(sum(len(batches[number]) for number in keeper.done))
            results = None
            while results is None:  # once, unless a part is damaged after it was written
                left = [Task(number, tuple(ids)) for number, ids in enumerate(batches) if number not in keeper.done]
                for task, answer in self.gang.work(left):
                    found = some[task.number]
                    found.append(self._given_up(task, outcomes) if answer is None else unpacked(answer))
                    done(len(task.items))
                    there = {each.id for one in found for each in one.items}
                    there |= {each.item for one in found for each in one.rejects if each.part == "item"}
                    if len(there) == len(batches[task.number]):
                        manifest = {"spec": {"outcomes": outcomes}}
                        whole = merged(found, keeper.plan.order, outcomes=outcomes, manifest=manifest)
                        keeper.take(task.number, whole)
                        del some[task.number]
                results = keeper.whole({})
        return results

    def _given_up(self, task: Task, outcomes: Sequence[str]) -> Results:
        """What is left of an item that workers died over.

        Raises:
            ItemError: Where every bad item ends the run.
        """
        error = ItemError(task.items[0], _DIED, code=WORKER_DIED, written=True)
        if self.order.spec.stops_at(error):
            raise error
        nothing = tuple(Cube(np.zeros((0, 2, 2, 2)), (), (), outcome) for outcome in outcomes)
        return Results({}, cubes=nothing, rejects=(Reject(error.item, error.code, error.reason),))

    def _controlled(self, results: Results, batches: Sequence[Sequence[str]]) -> Results:
        """The results with the control of random weights, which workers measure batch by batch."""
        drawn = dict.fromkeys(each.item for each in results.controls)
        tasks = [
            Task(number, ("",), kind="control", content=packed(of_items(results, own)))
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
