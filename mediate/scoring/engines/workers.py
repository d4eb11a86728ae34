"""A worker: loads the model of an order, prepares its whole set, and measures the batches that it is handed.

All that comes and goes is bytes and text. What is wrong is told as text, too, for whoever asked to raise.
"""

import json
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.results.packing import packed, unpacked
from mediate.scoring.engines.orders import Order

FAILED = "failed"
Content = dict[str, bytes]


class Worker:
    """What a process of its own does of an order; calls are answered one after the other."""

    def __init__(self, order: bytes) -> None:
        self._content = order
        self._order: Order | None = None
        self._model: Any = None
        self._settled: Any = None
        self._begun: Any = None
        self._unwritten: Any = None
        self._known = b""

    def ready(self) -> Content:
        """Loads the model, and says which it is and what it is loaded by."""
        return answered(self._ready)

    def work(self, task: bytes, content: Content, known: bytes) -> Content:
        """Does what a task says.

        Args:
            task: Its kind, and what the kind takes, as JSON.
            content: What it is done with.
            known: What was written of the set so far, as JSON.
        """
        asked = json.loads(task)
        kinds: dict[str, Callable[[Mapping[str, Any], Content], Content]] = {
            "open": self._open,
            "write": self._write,
            "measure": self._measure,
            "control": self._control,
            "end": self._end,
        }

        def done() -> Content:
            if known != self._known:
                self._known, self._begun, self._unwritten = known, None, None
            return kinds[asked["kind"]](asked, content)

        return answered(done)

    def _ready(self) -> Content:
        import torch

        from mediate.passes.loaded import load
        from mediate.scoring.beginning import Settled

        order = self._order = Order.read(self._content)
        torch.set_num_threads(order.threads)
        self._model = load(order.model, **order.loading)
        self._settled = Settled.of(self._model, order.given, order.unread, order.spec, {}, False)
        return {"told": _json({"identity": self._settled.identity})}

    def _open(self, asked: Mapping[str, Any], content: Content) -> Content:
        """What the run is, and its batches; or which texts must be written first, and those that are stored."""
        from mediate.scoring.writing import texts_told

        begun = self._beginning(asked["tokens"])
        if begun is not None:
            return {"told": _json(begun.told())}
        writing, missing = self._unwritten.writing, self._unwritten.missing
        sizes = [[number, len(writing.laid.batches[number])] for number in missing]
        stored = writing.stored(self._store())
        return {"unwritten": _json(sizes), "texts": texts_told(self._model, stored)}

    def _write(self, asked: Mapping[str, Any], content: Content) -> Content:
        """What the model writes of one batch of texts."""
        from mediate.scoring.writing import texts_told

        if self._beginning(None) is not None:
            raise RuntimeError("a batch of texts was asked for that is known")
        written = self._unwritten.writing.written([asked["number"]], self._store())
        return {"texts": texts_told(self._model, written)}

    def _measure(self, asked: Mapping[str, Any], content: Content) -> Content:
        return packed(self._beginning(asked["tokens"], asked["plan"]).measured(asked["number"], asked["items"]))

    def _control(self, asked: Mapping[str, Any], content: Content) -> Content:
        begun = self._beginning(asked["tokens"], asked["plan"])
        return packed(begun.with_random_weights([asked["number"]], unpacked(content)))

    def _end(self, asked: Mapping[str, Any], content: Content) -> Content:
        results = unpacked(content)
        begun = self._beginning(asked["tokens"], asked["plan"])
        return {"told": _json(begun.ended(results.manifest, time.monotonic(), results))}

    def _store(self) -> Any:
        from mediate.passes.store import Store

        return Store() if self._order is not None and self._order.cached else None

    def _beginning(self, tokens: int | None, plan: str | None = None) -> Any:
        """The run, prepared once for what is known of its texts; None where something must be written first.

        Raises:
            InputError: It comes out otherwise than where it was asked for.
        """
        from mediate.scoring.beginning import begun_together
        from mediate.scoring.writing import Known, UnwrittenError, texts_read

        if self._settled is None:
            raise RuntimeError("a worker was called that is not ready")
        if self._begun is not None and tokens not in (None, self._begun.plan.tokens):
            self._begun = None
        if self._begun is None and self._unwritten is None:
            known = Known(texts_read(self._model, json.loads(self._known or b"[]")))
            try:
                self._begun = begun_together(self._settled, self._store(), known, tokens)
            except UnwrittenError as error:
                self._unwritten = error
        if plan not in (None, self._begun and self._begun.plan.fingerprint):
            raise InputError("a worker prepared the set otherwise than the first one did; give workers alike machines")
        return self._begun


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")


def answered(call: Callable[[], Content]) -> Content:
    """What a call gives, or what went wrong in it, as JSON under `FAILED`."""
    try:
        return call()
    except ItemError as error:
        told = {"item": error.item, "reason": error.reason, "place": error.place, "code": error.code}
        return {FAILED: _json(told | {"written": error.written})}
    except InputError as error:
        return {FAILED: _json({"message": str(error)})}
    except Exception:
        return {FAILED: _json({"trace": traceback.format_exc()})}


def checked(answer: Content) -> Content:
    """An answer.

    Raises:
        ItemError: As the worker met it; so are InputError and, for whatever else it was, RuntimeError.
    """
    if FAILED not in answer:
        return answer
    told = json.loads(answer[FAILED])
    if "trace" in told:
        raise RuntimeError(f"a worker failed:\n{told['trace']}")
    if "message" in told:
        raise InputError(told["message"])
    raise ItemError(told.pop("item"), told.pop("reason"), **told)
