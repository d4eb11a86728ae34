"""What a worker is told of a run, as JSON: the model's name, what is measured of what, and how. Imports no torch.

No object of ours travels between processes: whoever reads this makes the records anew, and they check themselves.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from mediate.errors import InputError, ItemError
from mediate.pairs.pair import Item, Pair
from mediate.scoring.spec import ScoreSpec, make_spec

_GIVEN: TypeAdapter[Any] = TypeAdapter(tuple[Pair, ...] | tuple[Item, ...])


@dataclass(frozen=True, slots=True)
class Order:
    """A run that workers are to measure.

    Args:
        model: The name that the model is loaded by.
        loading: The choices of loading it.
        given: Pairs, or items by themselves.
        unread: What could not be read.
        spec: The choices of the run, some of which may be left open.
        threads: On how many threads each worker computes.
        cached: Whether workers look up and keep chains and outcomes in the cache of their machine.
    """

    model: str
    loading: Mapping[str, Any]
    given: Sequence[Pair] | Sequence[Item]
    unread: Sequence[ItemError]
    spec: ScoreSpec
    threads: int = 1
    cached: bool = True

    def json(self) -> bytes:
        """What a worker reads.

        Raises:
            InputError: A choice cannot be said in words, such as a tokenizer in memory.
        """
        told = {
            "model": _placed(self.model),
            "loading": {name: _said(name, value) for name, value in self.loading.items()},
            "given": _GIVEN.dump_python(tuple(self.given), mode="json"),
            "unread": [[each.item, each.reason, each.place, each.code, each.written] for each in self.unread],
            "spec": self.spec.model_dump(mode="json") | {"template": asdict(self.spec.template)},
            "threads": self.threads,
            "cached": self.cached,
        }
        content = json.dumps(told).encode("ascii")
        again = Order.read(content)
        if again.given != tuple(self.given) or again.spec != self.spec:
            raise InputError("these items or choices cannot be told to another process; score them with engine 'local'")
        return content

    @classmethod
    def read(cls, content: bytes) -> "Order":
        """The order that was written."""
        told = json.loads(content)
        unread = [
            ItemError(item, reason, place=place, code=code, written=written)
            for item, reason, place, code, written in told["unread"]
        ]
        made = {"given": _GIVEN.validate_python(told["given"]), "unread": unread, "spec": make_spec(**told["spec"])}
        return cls(**(told | made))


def _said(name: str, value: Any) -> Any:
    if isinstance(value, str | Path):
        return _placed(str(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    raise InputError(f"{name} is a {type(value).__name__} in memory, which workers do not have; give a name or a path")


def _placed(name: str) -> str:
    """A name in which paths that are there, also those of `BASE+ADAPTER`, do not depend on where a process stands."""
    parts = [name] if Path(name).expanduser().exists() else name.split("+")
    paths = [Path(part).expanduser() for part in parts]
    return "+".join(
        str(path.absolute()) if part and path.exists() else part for part, path in zip(parts, paths, strict=True)
    )
