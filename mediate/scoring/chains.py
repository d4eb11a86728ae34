"""The chains of a set of pairs: given ones tokenised, missing ones written by the model or taken from a run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.encoding import EncodedPair, Readers
from mediate.models.fingerprint import own_ends
from mediate.models.generation import Decoding, End, Written, generate
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_TOKENS as ANSWER_TOKENS
from mediate.models.side_by_side import written_anew
from mediate.pairs.answers import says
from mediate.pairs.pair import Item, Pair, World, in_worlds
from mediate.passes.store import Store, array, model_spec, numbers
from mediate.passes.unhooked import leanly
from mediate.scoring.spec import ScoreSpec
from mediate.traces.pieces import encode_after
from mediate.traces.trace import Trace, given_trace, written_trace

KIND = "traces"
NOT_SOLVED = "not_solved"
_ENDS = tuple(End)


@dataclass(frozen=True, slots=True)
class PairDraft:
    """A pair on its way into tokens; what there is of each world is indexed by `World`.

    Args:
        pair: The pair.
        prompts: The question part of each world.
        readers: The cue and the answers.
        given: The whole pair in tokens, where its chains were given; else they are written or taken from a run.
        traces: Its chains, once they are there.
        said: What the model answers after each, where it was asked.
    """

    pair: Pair
    prompts: tuple[tuple[int, ...], tuple[int, ...]]
    readers: Readers
    given: EncodedPair | None = None
    traces: tuple[Trace, Trace] | None = None
    said: tuple[str, str] | None = None

    @property
    def chains(self) -> tuple[Trace, Trace]:
        """Its chains, once they were given or written."""
        if self.traces is None:
            raise RuntimeError(f"item {self.pair.id!r}: its chains are not there yet")
        return self.traces


def with_chains(
    model: Model, drafts: Sequence[PairDraft], spec: ScoreSpec, store: Store | None, progress: bool
) -> tuple[list[PairDraft], list[ItemError]]:
    """The drafts that have chains, and why the others have none: given ones in tokens, missing ones written.

    Where chains of another run are named, they are taken and none is written. The model is asked for its answer after
    every pair with a written chain, its own or another's, after every pair that stands under a condition, and after all
    pairs if only solved ones count.
    """
    missing = [
        draft.prompts[world]
        for draft in drafts
        for world in World
        if draft.pair[world].cot is None and spec.chains is None
    ]
    written = write(model, missing, spec.decoding(), store, progress=progress)
    ready: list[PairDraft] = []
    errors: list[ItemError] = []
    for draft in drafts:
        try:
            ready.append(replace(draft, traces=_traces(model, draft, written, spec)))
        except ItemError as unusable:
            errors.append(unusable)
    ready = _answered(model, ready, spec, store, progress=progress)
    if spec.solved_only:
        wrong = [_unsolved(draft.pair, draft.said or ("", "")) for draft in ready]
        unsolved = {error.item: error for error in wrong if error is not None}
        errors += unsolved.values()
        ready = [draft for draft in ready if draft.pair.id not in unsolved]
    return ready, errors


def _traces(
    model: Model, draft: PairDraft, written: Mapping[tuple[int, ...], Written], spec: ScoreSpec
) -> tuple[Trace, Trace]:
    if spec.chains is not None:
        return spec.chains.traces(draft.pair, model.need_tokenizer())
    if draft.given is not None:
        return draft.given.traces
    return in_worlds(
        lambda world: trace_of(
            model, draft.pair, f"{world} ", draft.pair[world].cot, written.get(draft.prompts[world]), spec
        )
    )


def trace_of(
    model: Model, given: Pair | Item, world: str, cot: str | None, written: Written | None, spec: ScoreSpec
) -> Trace:
    """A chain in tokens: the given one, or as the model wrote it.

    Args:
        model: The hooked model.
        given: Whose chain it is.
        world: The word that tells it apart in a message, with a space behind it; empty of an item by itself.
        cot: The chain, where one was given.
        written: What the model wrote, where none was.
        spec: The choices of the run.

    Raises:
        ItemError: The model did not end it, or wrote nothing.
    """
    tokenizer = model.need_tokenizer()
    if cot is not None:
        return given_trace(cot, tokenizer)
    if written is None:
        raise RuntimeError(f"item {given.id!r}: its chain was not written")
    if written.end is End.LENGTH:
        raise ItemError(
            given.id,
            f"the model did not end its {world}CoT within {spec.max_new_tokens} tokens; allow more, name a stop "
            "string, or leave such items out (skip)",
            place=given.place,
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
            given.id,
            f"the model wrote no {world}CoT; try another template, or leave such items out (skip)",
            place=given.place,
            code="no_cot",
            written=True,
        )
    return trace


def write(
    model: Model, prompts: Sequence[tuple[int, ...]], decoding: Decoding, store: Store | None, *, progress: bool
) -> dict[tuple[int, ...], Written]:
    """What the model writes after each prompt, from the store where it did so before."""
    asked = [(prompt, decoding) for prompt in prompts]
    return {prompt: text for (prompt, _), text in write_each(model, asked, store, progress=progress).items()}


def write_each(
    model: Model, asked: Sequence[tuple[tuple[int, ...], Decoding]], store: Store | None, *, progress: bool
) -> dict[tuple[tuple[int, ...], Decoding], Written]:
    """`write` after prompts that each have a seed and a number of tokens of their own, all of them side by side."""
    found: dict[tuple[tuple[int, ...], Decoding], Written] = {}
    layout: dict[str, object] = {"layout": "padding in front"} if written_anew(model) else {}
    ends = own_ends(model.plain, model.tokenizer)
    layout |= {"ends": list(ends)} if ends else {}

    def entry(prompt: tuple[int, ...], decoding: Decoding) -> dict[str, object]:
        choices = {key: value for key, value in asdict(decoding).items() if key != "batch_size"}
        return model_spec(model) | {"prompt": list(prompt), "decoding": choices} | layout

    for each in dict.fromkeys(asked):
        kept = store.read(KIND, entry(*each), partial(_stored, model)) if store is not None else None
        if kept is not None:
            found[each] = kept
    new = sorted((each for each in dict.fromkeys(asked) if each not in found), key=lambda each: len(each[0]))
    with stage("writing chains and answers"), leanly(model):
        prompts, decodings = [prompt for prompt, _ in new], [decoding for _, decoding in new]
        texts = generate(model, prompts, decodings, progress=progress) if new else []
    for each, written in zip(new, texts, strict=True):
        found[each] = written
        if store is not None:
            tensors = {
                "ids": numbers(written.ids, np.int64),
                "end": numbers(_ENDS.index(written.end), np.int64),
            }
            store.put(KIND, entry(*each), tensors)
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


def _answered(
    model: Model, drafts: Sequence[PairDraft], spec: ScoreSpec, store: Store | None, *, progress: bool
) -> list[PairDraft]:
    """The drafts with what the model greedily answers after each chain and the cue, where it is asked."""
    all_asked = spec.solved_only or spec.chains is not None
    cue = tuple(encode_after(model.need_tokenizer(), spec.answer_cue))
    contexts: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for draft in drafts:
        if not (all_asked or draft.pair.condition or any(trace.written for trace in draft.chains)):
            continue
        source, base = (draft.prompts[world] + draft.chains[world].ids + cue for world in World)
        contexts[draft.pair.id] = source, base
    text = answers(model, [each for both in contexts.values() for each in both], spec.seed, store, progress=progress)

    def said(draft: PairDraft) -> tuple[str, str] | None:
        asked = contexts.get(draft.pair.id)
        return None if asked is None else in_worlds(lambda world: text[asked[world]])

    return [replace(draft, said=said(draft)) for draft in drafts]


def answers(
    model: Model, contexts: Sequence[tuple[int, ...]], seed: int, store: Store | None, *, progress: bool
) -> dict[tuple[int, ...], str]:
    """What the model greedily says up to a line's end after each of some contexts; nothing where there is no room."""
    asked: list[tuple[tuple[int, ...], Decoding]] = []
    for context in contexts:
        room = min(model.facts.context - len(context) if model.facts.context else ANSWER_TOKENS, ANSWER_TOKENS)
        # Where there is no room for a token, the item is too long, which is said when it is put into tokens.
        if room > 0:
            asked.append((context, Decoding(room, ("\n",), seed=seed)))
    each = write_each(model, asked, store, progress=progress)
    written = {context: each[context, decoding] for context, decoding in asked}
    tokenizer = model.need_tokenizer()

    def text(context: tuple[int, ...]) -> str:
        said = written.get(context)
        return written_trace(said.ids, tokenizer).text.strip() if said is not None and said.ids else ""

    return {context: text(context) for context in contexts}


def _unsolved(pair: Pair, said: tuple[str, str]) -> ItemError | None:
    for world in World:
        words, answer = said[world], pair[world].answer
        if not says(words, answer):
            reason = f"after its chain the model answers {words[:40]!r} in the {world} world, where {answer!r} is right"
            return ItemError(pair.id, reason, place=pair.place, code=NOT_SOLVED)
    return None
