"""Workers as Ray's actors: what each takes, how it is started and called, and whether all are alike."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mediate.errors import InputError
from mediate.models.identity import device_differences, model_differences, version_differences
from mediate.scoring.engine_spec import EngineSpec
from mediate.scoring.engines.handing import DeadWorkerError, Errand
from mediate.scoring.engines.orders import Order
from mediate.scoring.engines.texts import joined
from mediate.scoring.engines.workers import Content, Worker, checked
from mediate.watch import tell

# Seconds after which it is looked whether a signal came, and after which it is said what is waited for.
BLINK, PATIENCE = 0.5, 30.0


class Actor:
    """A worker as Ray starts it, which changes the class that it is given and its methods."""

    def __init__(self, order: bytes) -> None:
        self._worker = Worker(order)

    def there(self) -> bool:
        """Answers as soon as there is a place for it."""
        return True

    def ready(self) -> Content:
        """As of `Worker`."""
        return self._worker.ready()

    def work(self, task: bytes, content: Content, known: bytes) -> Content:
        """As of `Worker`."""
        return self._worker.work(task, content, known)


@dataclass(slots=True)
class RayCrew:
    """Workers as Ray's actors.

    Args:
        ray: The module, connected.
        order: What they are told.
        resources: What each takes.
        tokens: How many tokens run side by side, once that is known.
        plan: The fingerprint of the batches, once there are any.
        known: What was written of the set so far.
        check: Raises what a signal that came meanwhile is to raise.
    """

    ray: Any
    order: bytes
    resources: Mapping[str, Any]
    tokens: int | None = None
    plan: str | None = None
    known: list[bytes] = field(default_factory=list)
    check: Callable[[], object] = bool
    _shared: dict[bytes, Any] = field(default_factory=dict)
    _arrivals: dict[Any, Any] = field(default_factory=dict)
    _missing: int = 0

    def start(self) -> Any:
        """An actor; it is not restarted by Ray, for it would not know what it is to be ready for."""
        actor = self.ray.remote(**self.resources, max_restarts=0, max_task_retries=0)(Actor)
        return actor.remote(self._put(self.order))

    def ready(self, worker: Any) -> Any:
        """Has it load the model, and prepare the set while others do."""
        self._arrivals[worker] = worker.there.remote()
        call = worker.ready.remote()
        self.call(worker, Errand(0, ("",), kind="open"))
        return call

    def call(self, worker: Any, task: Errand) -> Any:
        """Hands it a task."""
        told = {"kind": task.kind, "number": task.number, "items": task.items, "tokens": self.tokens, "plan": self.plan}
        return worker.work.remote(json.dumps(told).encode("ascii"), dict(task.content), self._put(joined(self.known)))

    def is_there(self, worker: Any) -> bool:
        """Whether it has a place on the cluster."""
        return bool(self.ray.wait([self._arrivals[worker]], timeout=0)[0])

    def wait(self, calls: Sequence[Any], seconds: float) -> None:
        """Returns when one of the calls is over, or then; while nothing is, it is said what the cluster lacks."""
        began, ends, done = time.monotonic(), time.monotonic() + seconds, list[Any]()
        while not done and time.monotonic() < ends:
            # Not for long at a time: Ray makes an interrupt of its own of whatever a signal raises while it waits.
            done, _ = self.ray.wait(list(calls), num_returns=1, timeout=BLINK)
            self.check()
            if not done and time.monotonic() - began > PATIENCE:
                self._say_missing()
                began = time.monotonic()
                return  # who was not there may be by now

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
        """Ends an actor, also one that does not answer."""
        self._arrivals.pop(worker, None)
        self.ray.kill(worker)

    def _put(self, content: bytes) -> Any:
        """A reference to what all workers are told; it travels to each machine once.

        Of what was told before only the order is kept, or the cluster's memory would fill with what is told no more.
        """
        if content not in self._shared:
            self._shared = {each: there for each, there in self._shared.items() if each == self.order}
            self._shared[content] = self.ray.put(content)
        return self._shared[content]

    def _say_missing(self) -> None:
        there = self.ray.cluster_resources()
        for name, count in (("CPU", self.resources["num_cpus"]), ("GPU", self.resources["num_gpus"])):
            if count > there.get(name, 0):
                tell(f"waiting for Ray: a worker takes {count:g} {name}, and the cluster has {there.get(name, 0):g}")
        missing = sum(not self.is_there(worker) for worker in self._arrivals)
        if missing and missing != self._missing:
            others = "; the others go on" if missing < len(self._arrivals) else ""
            tell(f"{missing} of {len(self._arrivals)} workers have no place on the cluster yet{others}")
        self._missing = missing


@dataclass(slots=True)
class Alike:
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
        different += device_differences(told["identity"]["model"], wanted["model"])
        if different:
            raise InputError(f"workers are not alike ({'; '.join(different[:3])}); give all machines the same")


def room(ray: Any, spec: EngineSpec, order: Order) -> tuple[dict[str, float], int]:
    """What a worker takes of the cluster, and how many there are."""
    there = ray.cluster_resources()
    gpus = spec.gpus_per_worker
    if gpus is None:
        gpus = 1.0 if there.get("GPU", 0) >= 1 and not _on_the_processor(order.loading.get("device")) else 0.0
    most = [there.get("CPU", 0) / spec.threads_per_worker, *([there.get("GPU", 0) / gpus] if gpus else [])]
    return {"num_cpus": float(spec.threads_per_worker), "num_gpus": gpus}, spec.num_workers or max(1, int(min(most)))


def _on_the_processor(device: Any) -> bool:
    """Whether a device is named that is no GPU."""
    if device is None:
        return False
    from mediate.models.gpu import CPU

    return str(device).partition(":")[0] == CPU
