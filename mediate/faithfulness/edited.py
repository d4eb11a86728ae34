"""The edited chains of an item: each edit at each of its places, made or refused with its reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mediate.errors import InputError, ItemError, one_line
from mediate.mediation.others import Candidate, nearest_others
from mediate.mediation.prepared_item import Prepared
from mediate.mediation.prepared_pair import PreparedPair
from mediate.pairs.answers import answer_in, same_answer, says
from mediate.pairs.pair import Item, World
from mediate.passes.memory import is_out_of_memory
from mediate.results.behaviour import WHOLE, Behaved, ReadAs
from mediate.traces.edits import Edit, Edited, Unedited
from mediate.traces.trace import Trace


@dataclass(frozen=True)
class Examined:
    """An item whose chain is edited; of a pair its base.

    Args:
        way: The item on its way to its numbers.
        other: The chain of another item, of as many steps; None where there is none.
    """

    way: Prepared
    other: Trace | None = None

    @property
    def item(self) -> Item:
        """The item as given."""
        return self.way.pair.base if isinstance(self.way, PreparedPair) else self.way.item

    @property
    def answer(self) -> str:
        """The measured answer."""
        return self.item.answer if isinstance(self.way, PreparedPair) else self.way.answer

    @cached_property
    def chain(self) -> Unedited:
        """Its chain, with what edits are made from."""
        trace, item = self.way.tokens.trace, self.item
        values = () if trace.written else item.values
        tokenizer = self.way.model.need_tokenizer()
        pair = self.way if isinstance(self.way, PreparedPair) else None
        return Unedited(
            trace,
            tokenizer,
            self.way.seed,
            item.question,
            values,
            self.other,
            answer=self.answer,
            twin=pair.tokens.traces[World.SOURCE] if pair else None,
            twin_answer=pair.pair.source.answer if pair else "",
        )

    @property
    def steps(self) -> int:
        """How many steps its chain has."""
        return len(self.chain.spans)


@dataclass(frozen=True, slots=True)
class EditedChain:
    """An edited chain of an item that is to be read.

    Args:
        row: What is known of it before the model answers.
        edited: The chain.
    """

    row: Behaved
    edited: Edited


def subjects_of(items: Sequence[Prepared], seed: int) -> list[Examined]:
    """The items with each other's chains: another group's, of another answer and as many steps, nearest in length."""
    alone = [Examined(each) for each in items]
    candidates = [Candidate(each.way.tokens, each.answer) for each in alone]
    others = nearest_others(candidates, 1, seed=seed, fits=lambda one, other: _steps(one.trace) == _steps(other.trace))
    found = {name: next(iter(each), None) for name, each in others.items()}
    return [replace(each, other=other.trace if (other := found[each.way.id]) is not None else None) for each in alone]


def edited_chains(subject: Examined, edits: Sequence[Edit], reading: ReadAs) -> Iterator[EditedChain | Behaved]:
    """Every edited chain of an item that is read in one way; what could not be made is a row with its reason."""
    for edit in (each for each in edits if each.continues or reading is ReadAs.AT_ONCE):
        for place in (0,) if edit.places is None else edit.places(subject.steps):
            row = Behaved(subject.way.id, subject.way.tokens.group, edit.name, place, subject.steps, reading)
            try:
                edited = edit.of(subject.chain, place)
            except ItemError as error:
                yield replace(row, code=error.code, reason=error.reason)
            else:
                yield EditedChain(replace(row, replaced=_part(subject, edited), towards=edited.towards), edited)


def whole_chain(subject: Examined) -> Behaved:
    """The row of the chain as it is, before the model answers."""
    return Behaved(subject.way.id, subject.way.tokens.group, WHOLE, subject.steps, subject.steps, ReadAs.AT_ONCE)


def answered(row: Behaved, said: str, subject: Examined, own: str) -> Behaved:
    """A row with what the model said.

    Args:
        row: The row.
        said: What it said after the cue.
        subject: The item.
        own: Its answer after the chain as it is, normalised; empty where the row is of that chain.
    """
    found = answer_in(said, subject.answer) or ""
    same = bool(found) and (row.edit == WHOLE or same_answer(found, own))
    return replace(row, said=said, answer=found, same=same, right=bool(found) and says(said, subject.answer))


def why_unread(error: InputError | RuntimeError) -> tuple[str, str]:
    """A short word and a sentence on why an item's edited chains could not be read.

    Raises:
        RuntimeError: The error itself, where it is a fault and no want of memory.
    """
    if isinstance(error, InputError):
        return "impossible", error.reason if isinstance(error, ItemError) else one_line(error)
    if not is_out_of_memory(error):
        raise error
    return "out_of_memory", "its edited chains do not fit into memory; give shorter chains"


def _steps(trace: Trace) -> int:
    return len(trace.step_spans)


def _part(subject: Examined, edited: Edited) -> float:
    """The part of a chain's tokens that stands in steps which an edit touches."""
    spans = subject.chain.spans
    return sum(spans[step][1] - spans[step][0] for step in edited.touched) / len(subject.chain.trace.ids)
