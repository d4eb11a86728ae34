"""Edited chains read at once: each stands in the chain's place, and the answer follows."""

from collections.abc import Sequence
from dataclasses import replace

from mediate.errors import ItemError
from mediate.faithfulness.edited import EditedChain, Examined, answered, edited_chains, whole_chain
from mediate.faithfulness.spoken import Chain, Spoken, speak
from mediate.mediation.encoding import check_takes
from mediate.results.behaviour import Behaved, ReadAs
from mediate.traces.edits import Edit
from mediate.traces.pieces import decode_after

NO_ANSWER = "no_own_answer"


def read_at_once(subject: Examined, edits: Sequence[Edit], *, padded: bool) -> list[Behaved]:
    """What the model answers after an item's chain as it is, which comes first, and after each edited one.

    Where no answer can be found in what it says after the chain as it is, nothing can be held against it: the row of
    that chain says so, and there are no others.

    Args:
        subject: The item.
        edits: The edits.
        padded: Whether rows of unequal length may stand side by side.
    """
    asked = [_fitting(subject, each) for each in edited_chains(subject, edits, ReadAs.AT_ONCE)]
    own = subject.chain.trace.ids
    chains = [own, *(each.edited.ids for each in asked if isinstance(each, EditedChain))]
    spoken = speak(subject.way.model, subject.way.tokens, chains, padded=padded)
    whole = _row(whole_chain(subject), subject, spoken, own, "")
    if not whole.parsed:
        reason = f"after its chain the model says {whole.said[:40]!r}, in which there is no answer"
        return [replace(whole, said="", code=NO_ANSWER, reason=reason)]
    rows = [
        _row(each.row, subject, spoken, each.edited.ids, whole.answer) if isinstance(each, EditedChain) else each
        for each in asked
    ]
    return [whole, *rows]


def _fitting(subject: Examined, asked: EditedChain | Behaved) -> EditedChain | Behaved:
    """The edited chain, or why the model cannot take it."""
    if isinstance(asked, Behaved):
        return asked
    tokens = subject.way.tokens
    length = len(tokens.question) + len(asked.edited.ids) + len(tokens.readers.cue) + len(tokens.readers.base)
    try:
        check_takes(subject.way.model, subject.way.id, [asked.edited.ids], length)
    except ItemError as error:
        return replace(asked.row, replaced=0.0, code=error.code, reason=error.reason)
    return asked


def _row(row: Behaved, subject: Examined, spoken: dict[Chain, Spoken], chain: Chain, own: str) -> Behaved:
    said = decode_after(subject.chain.tokenizer, spoken[chain].ids).strip()
    return replace(answered(row, said, subject, own), logprob=spoken[chain].logprob)
