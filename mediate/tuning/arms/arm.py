"""The record of a tuning arm, and those that its functions are given: what differs from arm to arm, and no more."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from mediate.errors import ItemError
    from mediate.tuning.examples import Example
    from mediate.tuning.student import Student

Ids = tuple[int, ...]


@runtime_checkable
class Chosen(Protocol):
    """The choices of a tuning that an arm may read; `TuneSpec` has them."""

    @property
    def keep_chain(self) -> bool: ...

    @property
    def beta(self) -> float: ...

    @property
    def seed(self) -> int: ...

    @property
    def template(self) -> Any: ...

    @property
    def answer_cue(self) -> str: ...

    @property
    def max_new_tokens(self) -> int: ...

    @property
    def size(self) -> int | None: ...

    @property
    def prefix_tokens(self) -> int: ...

    @property
    def prefix_share(self) -> float: ...

    @property
    def instruction(self) -> str: ...

    @property
    def own_chains(self) -> bool: ...

    @property
    def temperature(self) -> float: ...

    @property
    def chains(self) -> str: ...

    @property
    def by(self) -> str: ...

    @property
    def keep(self) -> float | None: ...

    @property
    def least(self) -> float | None: ...

    @property
    def judge(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Said:
    """What an example says, in tokens, of which an arm makes its prompt and its completion.

    Args:
        id: The example's id.
        question: The question, as the template puts it.
        chain: The chain of thought; empty where there is none.
        ending: Cue, answer and EOS.
        rejected: The rejected chain with its own ending; empty where the arm does not need one.
    """

    id: str
    question: Ids
    chain: Ids
    ending: Ids
    rejected: Ids = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example in tokens; the loss is on the completions alone.

    Args:
        id: The example's id.
        prompt: What stands before, without loss.
        completion: What is learnt, or preferred.
        rejected: What the completion is preferred to; empty but for DPO.
        unlearnt: Places of the completion, counted from 0, that stand there without loss.
    """

    id: str
    prompt: Ids
    completion: Ids
    rejected: Ids = ()
    unlearnt: Ids = ()

    @property
    def length(self) -> int:
        """Tokens of the longest sequence."""
        return len(self.prompt) + max(len(self.completion), len(self.rejected))


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """An example of the training part.

    Args:
        example: What it says, with the chain that is trained on.
        said: The same in tokens.
        row: What the trainer is given of it.
        about: What its arm did to it, as the folder's `train.jsonl` says under `meta`.
    """

    example: "Example"
    said: Said
    row: Encoded
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The training part as it was given, for an arm that arranges it.

    Args:
        taught: Its examples, in order.
        student: The model before it is tuned, which can be asked.
        parts: The name and the weight of each part of a mix; empty of a single set.
    """

    taught: Sequence[Taught]
    student: "Student"
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """The training part as an arm arranges it.

    Args:
        taught: What is trained on.
        counts: What was done, for the manifest.
        left_out: What cannot be trained on in this arm.
    """

    taught: Sequence[Taught]
    counts: Mapping[str, Any] = field(default_factory=dict)
    left_out: Sequence["ItemError"] = ()

    def told(self) -> dict[str, Any]:
        """What a manifest says of it; nothing of a training part that is taken as it is."""
        if not self.counts:
            return {}
        left_out = {"left_out": len(self.left_out)} if self.left_out else {}
        rows = json.dumps([asdict(each.row) for each in self.taught], sort_keys=True)
        told = {"examples": len(self.taught), "fingerprint": hashlib.sha256(rows.encode()).hexdigest()}
        return {"arranged": told | dict(self.counts) | left_out}


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a trainer begins with.

    Args:
        model: The transformers model, whose weights are trained in place.
        tokenizer: A tokenizer of the trainer's own, which it may change.
        rows: The training part.
        arguments: Of the trainer's configuration, whichever it is.
        adapter: peft's configuration of an adapter; None trains all weights.
        padding: The token that fills up shorter rows.
    """

    model: Any
    tokenizer: Any
    rows: Sequence[Encoded]
    arguments: Mapping[str, Any]
    adapter: Any
    padding: int


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to tune; `ARMS` lists them.

    Args:
        name: What the command, the call and the manifest call it.
        help: What it trains and on what, as the command's help says it.
        rates: The learning rate at its highest, with all weights and with an adapter; None where it does not train so.
        needs: The names of the fields that an example must have beside question and answer, under such choices.
        tokens: The prompt and the completion of an example.
        trainer: The trainer, with its data and its collator in place; it cuts nothing and tokenises nothing.
        own: The choices of `TuneSpec` that this arm heeds and others may not.
        unit: What the loss is of, in nats: a `token` or a `pair`.
        arrange: Makes of the whole training part what is trained on; None takes it as it is. Raises InputError where
            nothing can be made of it.
        in_parts: Whether its data are several sets with weights.
    """

    name: str
    help: str
    rates: tuple[float | None, float | None]
    needs: Callable[[Chosen], tuple[str, ...]]
    tokens: Callable[[Said, Chosen], Encoded]
    trainer: Callable[[Start, Chosen], Any]
    own: tuple[str, ...] = ()
    unit: str = "token"
    arrange: Callable[[Side, Chosen], Arranged] | None = None
    in_parts: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def full(self) -> bool | None:
        """Whether it always trains all weights, or never; None leaves the choice."""
        whole, adapter = self.rates
        return None if whole and adapter else whole is not None
