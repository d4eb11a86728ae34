"""Edited chains read at once: each stands in the chain's place, and the answer follows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch

from mediate.errors import ItemError
from mediate.faithfulness.edited import EditedChain, Examined, answered, edited_chains, whole_chain
from mediate.faithfulness.spoken import MORE, Beginning, Chain, Spoken, speak
from mediate.mediation.encoding import check_takes
from mediate.models.generation import eos_ids
from mediate.models.model import Model
from mediate.passes.store import Store, array, entry_key, model_spec, numbers, packed, unpacked
from mediate.results.behaviour import Behaved, ReadAs
from mediate.traces.edits import Edit
from mediate.traces.pieces import decode_after

KIND = "spoken"
NO_ANSWER = "no_own_answer"


def read_at_once(
    subject: Examined,
    edits: Sequence[Edit],
    store: Store | None = None,
    *,
    padded: bool,
    begun: Beginning | None = None,
) -> list[Behaved]:
    """What the model answers after an item's chain as it is, which comes first, and after each edited one.

    Where no answer can be found in what it says after the chain as it is, nothing can be held against it: the row of
    that chain says so, and there are no others.

    Args:
        subject: The item.
        edits: The edits.
        store: Where what is said after them is looked up and kept.
        padded: Whether rows of unequal length may stand side by side.
        begun: What the item's question begins with, run once for several items.
    """
    asked = [_fitting(subject, each) for each in edited_chains(subject, edits, ReadAs.AT_ONCE)]
    own = subject.chain.trace.ids
    chains = [own, *(each.edited.ids for each in asked if isinstance(each, EditedChain))]
    said_after = partial(speak, subject.way.model, subject.way.tokens, padded=padded, begun=begun)
    spoken = _spoken(subject, list(dict.fromkeys(chains)), store, said_after)
    whole = _row(whole_chain(subject), subject, spoken, own, "")
    if not whole.parsed:
        reason = f"after its chain the model says {whole.said[:40]!r}, in which there is no answer"
        return [replace(whole, said="", code=NO_ANSWER, reason=reason)]
    rows = [
        _row(each.row, subject, spoken, each.edited.ids, whole.answer) if isinstance(each, EditedChain) else each
        for each in asked
    ]
    return [whole, *rows]


def _spoken(
    subject: Examined,
    chains: Sequence[Chain],
    store: Store | None,
    said_after: Callable[[Sequence[Chain]], dict[Chain, Spoken]],
) -> dict[Chain, Spoken]:
    """What the model says after each chain, from the store where it was asked after the same ones before."""
    model, tokens = subject.way.model, subject.way.tokens
    if store is None:
        return said_after(chains)
    # The chains by their sum: of a long chain, all its edits would make a long header.
    entry = model_spec(model) | {
        "question": list(tokens.question),
        "cue": list(tokens.readers.cue),
        "answer": list(tokens.readers.base),
        "chains": entry_key({"ids": [list(each) for each in chains]}),
        "more": MORE,
        "ends": eos_ids(model),
    }
    kept = store.read(KIND, entry, partial(_stored, model, chains))
    if kept is not None:
        return kept
    found = said_after(chains)
    said = {
        "ids": packed([found[chain].ids for chain in chains]),
        "logprob": numbers([found[chain].logprob for chain in chains]),
    }
    store.put(KIND, entry, said)
    return found


def _stored(model: Model, chains: Sequence[Chain], kept: Mapping[str, torch.Tensor]) -> dict[Chain, Spoken]:
    """What the model said, as it was stored.

    Raises:
        ValueError: No model of this vocabulary said that after so many chains.
    """
    said, logprobs = unpacked(kept, "ids"), array(kept, "logprob", (len(chains),)).tolist()
    if not all(type(token) is int and 0 <= token < model.facts.d_vocab for ids in said for token in ids):
        raise ValueError("it holds no tokens of this model")
    return {chain: Spoken(tuple(ids), logprob) for chain, ids, logprob in zip(chains, said, logprobs, strict=True)}


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
