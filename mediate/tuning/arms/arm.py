"""The record of a tuning arm, and those that its functions are given: what differs from arm to arm, and no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

Ids = tuple[int, ...]


@runtime_checkable
class Chosen(Protocol):
    """The choices of a tuning that an arm may read; `TuneSpec` has them."""

    @property
    def keep_chain(self) -> bool: ...

    @property
    def beta(self) -> float: ...


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
    """

    id: str
    prompt: Ids
    completion: Ids
    rejected: Ids = ()

    @property
    def length(self) -> int:
        """Tokens of the longest sequence."""
        return len(self.prompt) + max(len(self.completion), len(self.rejected))


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
    """

    name: str
    help: str
    rates: tuple[float | None, float | None]
    needs: Callable[[Chosen], tuple[str, ...]]
    tokens: Callable[[Said, Chosen], Encoded]
    trainer: Callable[[Start, Chosen], Any]
    own: tuple[str, ...] = ()
    unit: str = "token"

    def __str__(self) -> str:
        return self.name

    @property
    def full(self) -> bool | None:
        """Whether it always trains all weights, or never; None leaves the choice."""
        whole, adapter = self.rates
        return None if whole and adapter else whole is not None
