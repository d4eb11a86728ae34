"""The chains of a set of pairs: given ones tokenised, missing ones written by the model or taken from a run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.encoding import encode_question
from mediate.models.generation import Decoding, End, Written, generate
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_TOKENS as ANSWER_TOKENS
from mediate.models.side_by_side import written_anew
from mediate.pairs.answers import says
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store, array, model_spec
from mediate.scoring.spec import ScoreSpec
from mediate.traces.pieces import encode_after
from mediate.traces.trace import Trace, given_trace, written_trace

KIND = "traces"
NOT_SOLVED = "not_solved"
_ENDS = tuple(End)

Worlds = tuple[Trace, Trace]


@dataclass(frozen=True, slots=True)
class Chains:
    """The chains of the pairs that have both, and why the others have not.

    Args:
        traces: By the pair's id: the source's and the base's chain.
        said: By the pair's id: what the model answers after each, where it was asked.
        errors: Pairs without usable chains.
    """

    traces: Mapping[str, Worlds]
    said: Mapping[str, tuple[str, str]]
    errors: tuple[ItemError, ...]


def make_chains(model: Model, pairs: Sequence[Pair], spec: ScoreSpec, store: Store | None, *, progress: bool) -> Chains:
    """Tokenises given chains, lets the model write missing ones, and asks for its answer where that is wanted.

    Where chains of another run are named, they are taken and none is written. The model is asked after every pair with
    a written chain, its own or another's, and after all pairs if only solved ones count.
    """
    prompts = {
        pair.id: tuple(encode_question(model, spec.template, item.question) for item in _worlds(pair)) for pair in pairs
    }
    decoding = spec.decoding()
    missing = [
        prompts[pair.id][world]
        for pair in pairs
        for world, item in enumerate(_worlds(pair))
        if item.cot is None and spec.chains is None
    ]
    written = _write(model, missing, decoding, store, progress=progress)
    traces: dict[str, Worlds] = {}
    errors: list[ItemError] = []
    for pair in pairs:
        try:
            if spec.chains is not None:
                traces[pair.id] = spec.chains.traces(pair, model.need_tokenizer())
                continue
            source, base = (
                _trace(model, pair, item, written.get(prompt), spec)
                for item, prompt in zip(_worlds(pair), prompts[pair.id], strict=True)
            )
        except ItemError as unusable:
            errors.append(unusable)
        else:
            traces[pair.id] = (source, base)
    all_asked = spec.solved_only or spec.chains is not None
    asked = [pair for pair in pairs if pair.id in traces and (all_asked or any(t.written for t in traces[pair.id]))]
    said = _answers(model, asked, prompts, traces, spec, store, progress=progress)
    if spec.solved_only:
        errors += [error for pair in asked if (error := _unsolved(pair, said[pair.id])) is not None]
    return Chains(traces, said, tuple(errors))


def _worlds(pair: Pair) -> tuple[Item, Item]:
    return pair.source, pair.base


def _trace(model: Model, pair: Pair, item: Item, written: Written | None, spec: ScoreSpec) -> Trace:
    tokenizer = model.need_tokenizer()
    if item.cot is not None:
        return given_trace(item.cot, tokenizer)
    if written is None:
        raise RuntimeError(f"item {pair.id!r}: its chain was not written")
    world = "base" if item is pair.base else "source"
    if written.end is End.LENGTH:
        raise ItemError(
            pair.id,
            f"the model did not end its {world} CoT within {spec.max_new_tokens} tokens; allow more, name a stop "
            "string, or leave such items out (skip)",
            place=pair.place,
            code="endless_cot",
            written=True,
        )
    ids = list(written.ids)
    trace = written_trace(ids, tokenizer)
    if spec.answer_cue[:1].isspace():
        # The cue brings its own white space; the chain's last line break would double it.
        while ids and not trace.tokens[-1].strip():
            ids.pop()
            trace = written_trace(ids, tokenizer)
    if not trace.text.strip():
        raise ItemError(
            pair.id,
            f"the model wrote no {world} CoT; try another template, or leave such items out (skip)",
            place=pair.place,
            code="no_cot",
            written=True,
        )
    return trace


def _write(
    model: Model, prompts: Sequence[tuple[int, ...]], decoding: Decoding, store: Store | None, *, progress: bool
) -> dict[tuple[int, ...], Written]:
    """What the model writes after each prompt, from the store where it did so before."""
    found: dict[tuple[int, ...], Written] = {}
    choices = {key: value for key, value in asdict(decoding).items() if key != "batch_size"}

    layout = {"layout": "padding in front"} if written_anew(model) else {}

    def entry(prompt: tuple[int, ...]) -> dict[str, object]:
        return model_spec(model) | {"prompt": list(prompt), "decoding": choices} | layout

    for prompt in dict.fromkeys(prompts):
        kept = store.read(KIND, entry(prompt), partial(_stored, model)) if store is not None else None
        if kept is not None:
            found[prompt] = kept
    new = sorted((prompt for prompt in dict.fromkeys(prompts) if prompt not in found), key=len)
    with stage("writing chains and answers"):
        texts = generate(model, new, decoding, progress=progress) if new else []
    for prompt, written in zip(new, texts, strict=True):
        found[prompt] = written
        if store is not None:
            tensors = {
                "ids": torch.tensor(written.ids, dtype=torch.int64),
                "end": torch.tensor(_ENDS.index(written.end)),
            }
            store.put(KIND, entry(prompt), tensors)
    return found


def _stored(model: Model, kept: Mapping[str, torch.Tensor]) -> Written:
    """What the model wrote, as it was stored.

    Raises:
        ValueError: No model of this vocabulary wrote that.
    """
    ids, end = array(kept, "ids", (None,)), int(array(kept, "end", ()))
    if ids.dtype != np.int64 or not all(0 <= each < model.facts.d_vocab for each in ids) or not 0 <= end < len(_ENDS):
        raise ValueError("it holds no tokens of this model")
    return Written(tuple(ids.tolist()), "", _ENDS[end])


def _answers(
    model: Model,
    pairs: Sequence[Pair],
    prompts: Mapping[str, tuple[tuple[int, ...], ...]],
    traces: Mapping[str, Worlds],
    spec: ScoreSpec,
    store: Store | None,
    *,
    progress: bool,
) -> dict[str, tuple[str, str]]:
    """What the model greedily answers after each chain and the cue."""
    tokenizer = model.need_tokenizer()
    cue = tuple(encode_after(tokenizer, spec.answer_cue))
    contexts = {
        pair.id: tuple(prompts[pair.id][world] + traces[pair.id][world].ids + cue for world in (0, 1)) for pair in pairs
    }
    written: dict[tuple[int, ...], Written] = {}
    by_room: dict[int, list[tuple[int, ...]]] = {}
    for context in (context for each in contexts.values() for context in each):
        room = model.facts.context - len(context) if model.facts.context else ANSWER_TOKENS
        by_room.setdefault(min(room, ANSWER_TOKENS), []).append(context)
    for room, wanted in by_room.items():
        # Where there is no room for a token, the pair is too long, which is said when it is put into tokens.
        if room > 0:
            decoding = Decoding(room, ("\n",), seed=spec.seed)
            written |= _write(model, wanted, decoding, store, progress=progress)

    def text(context: tuple[int, ...]) -> str:
        said = written.get(context)
        return written_trace(said.ids, tokenizer).text.strip() if said is not None and said.ids else ""

    return {name: (text(contexts[name][0]), text(contexts[name][1])) for name in contexts}


def _unsolved(pair: Pair, said: tuple[str, str]) -> ItemError | None:
    for world, item, words in zip(("source", "base"), _worlds(pair), said, strict=True):
        if not says(words, item.answer):
            reason = (
                f"after its chain the model answers {words[:40]!r} in the {world} world, where {item.answer!r} is right"
            )
            return ItemError(pair.id, reason, place=pair.place, code=NOT_SOLVED)
    return None
