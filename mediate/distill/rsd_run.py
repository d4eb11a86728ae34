"""Reverse speculative decoding over a set of questions: traces written, filtered, and the shortest right one kept."""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from mediate.clock import stage
from mediate.distill.rsd import Ending, Together, ToWrite, write_together
from mediate.distill.rsd_spec import RsdSpec
from mediate.distill.speculative import SpeculativeRule
from mediate.distill.vocabularies import Shared, shared_tokens
from mediate.errors import InputError, ItemError
from mediate.models.model import Model
from mediate.models.prompts import prompt_of
from mediate.models.side_by_side import can_pad
from mediate.pairs.answers import says
from mediate.pairs.item import Item, check_item
from mediate.pairs.pair import Pair
from mediate.pairs.response import TAGS, Looked, cut
from mediate.passes.store import Store, array, model_spec, numbers
from mediate.results.speculative import (
    SPECULATIVE_RUNS,
    SpeculativeResults,
    SpeculativeTrace,
    TraceVerdict,
    dropped_because,
    read_speculative,
    write_speculative,
)
from mediate.results.told import Reject, left_out_by
from mediate.scoring.given import as_measured, check_set
from mediate.scoring.rundir import check_free, counted, finished, identity, now, written
from mediate.scoring.score import Call
from mediate.scoring.settling import settled
from mediate.scoring.spec import MOST_NEW_TOKENS, make_spec
from mediate.traces.pieces import decode_after
from mediate.traces.trace import written_trace
from mediate.watch import tell, work

KIND = "together"
_ENDINGS = tuple(Ending)


@dataclass(frozen=True, slots=True)
class Posed:
    """A question, put to both models.

    Args:
        item: The question with its answer.
        teacher: In the teacher's tokens.
        student: In the student's.
        most: The most tokens that a trace of it may have.
    """

    item: Item
    teacher: tuple[int, ...]
    student: tuple[int, ...]
    most: int


@stage("writing traces together")
def rsd(
    models: tuple[Model, Model],
    given: Sequence[Pair] | Sequence[Item],
    spec: RsdSpec,
    call: Call,
    before_writing: Callable[[], object] = lambda: None,
) -> SpeculativeResults:
    """`mediate.rsd`, which says what each argument is, with the results as they are stored.

    Args:
        models: The teacher and the student.
        given: The questions with their answers.
        spec: The choices.
        call: How the run is made.
        before_writing: Called where a trace is neither in the directory nor in the store, before any is written; what
            it raises ends the run.

    Raises:
        InputError: The models have too few tokens in common, or the directory holds something else.
        ItemError: A question that is no item.
    """
    unread, out, progress = call.get("unread", ()), call.get("out"), call.get("progress", False)
    started, clock = now(), time.monotonic()
    check_set(given, unread, make_spec(on_bad_item="skip"))
    shared = shared_tokens(*models)
    items = [replace(each, cot=None) for each in as_measured(given, "hidden", str) if isinstance(each, Item)]
    if progress and shared.share < 1:
        tell(f"the student has {shared.share:.0%} of the teacher's tokens")
    choices = {"design": SPECULATIVE_RUNS.name} | _plain(spec)
    facts = {name: model.describe() for name, model in zip(("teacher", "student"), models, strict=True)}
    asked = identity(choices, items, facts, None)
    if out is not None and check_free(out, asked):
        return read_speculative(out)
    manifest = asked | {"created": started, "shared_tokens": shared.share}
    rejects = [left_out_by(each) for each in unread]
    posed = list(_posed(models, items, spec, rejects))
    found = _kept(models, posed, spec, call.get("store"))
    if len(found) < len(posed):
        before_writing()
    with written(out, manifest):
        found |= _written(models, [each for each in posed if each.item.id not in found], shared, spec, call)
        traces: list[SpeculativeTrace] = []
        for each in posed:
            judged = judge(models[1], each.item, found[each.item.id], spec.most_fallback)
            traces += judged
            if not any(trace.verdict == TraceVerdict.KEPT for trace in judged):
                rejects.append(Reject(each.item.id, "no_trace", dropped_because(judged), each.item.place))
        told = finished(clock, counted(len(given) + len(unread), len(given) - len(rejects), rejects))
        results = SpeculativeResults(manifest | told, tuple(traces), tuple(rejects))
        if out is not None:
            write_speculative(out, results)
    return results


def judge(student: Model, item: Item, traces: Sequence[Together], most_fallback: float) -> list[SpeculativeTrace]:
    """A question's traces, each with what became of it: of those that pass every filter the shortest is kept."""
    found = [_told(student, item, number, trace, most_fallback) for number, trace in enumerate(traces)]
    right = [each for each in found if each.verdict == TraceVerdict.KEPT]
    best = min(right, key=lambda each: len(each.tokens), default=None)
    return [
        replace(each, verdict=TraceVerdict.LONGER) if each in right and each is not best else each for each in found
    ]


def _told(student: Model, item: Item, number: int, trace: Together, most_fallback: float) -> SpeculativeTrace:
    tokenizer = student.need_tokenizer()
    text = decode_after(tokenizer, trace.tokens)
    chain, stated, verdict = text, "", TraceVerdict.NOT_CLOSED
    if trace.ending is Ending.CLOSED and _closed_once(text):
        try:
            parts = cut(text, Looked(item.options), ended=True)
            chain, stated = parts.cot, parts.stated
        except ItemError:
            verdict = TraceVerdict.NO_ANSWER
        else:
            verdict = TraceVerdict.KEPT if says(stated, item.answer) else TraceVerdict.WRONG
            if verdict is TraceVerdict.KEPT and trace.fallback > most_fallback:
                verdict = TraceVerdict.FALLBACK
    return SpeculativeTrace(
        item=item.id,
        group=item.group or item.id,
        question=item.question,
        answer=item.answer,
        number=number,
        chain=chain,
        stated=stated,
        tokens=written_trace(trace.tokens, tokenizer).tokens,
        draws=tuple(trace.draws),
        ending=str(trace.ending),
        verdict=str(verdict),
    )


def _closed_once(text: str) -> bool:
    """Whether thoughts that are opened by a tag are closed by it once, and none are closed that are not open."""
    for opening, closing in TAGS:
        if opening in text or closing in text:
            return text.count(closing) == 1
    return True


def _posed(models: tuple[Model, Model], items: Sequence[Item], spec: RsdSpec, rejects: list[Reject]) -> Iterator[Posed]:
    """The questions as they are put to both; those that cannot be are left out."""
    usual = make_spec(template=spec.template)
    templates = [settled(model, items, usual, str).template for model in models]
    for item in items:
        try:
            check_item(item)
            if not item.answer:
                raise ItemError(item.id, "it has no answer, so no trace of it could be told right", code="no_answer")
            prompts = [
                tuple(prompt_of(model.need_tokenizer(), template, item.question, item.system).ids)
                for model, template in zip(models, templates, strict=True)
            ]
            most = _room(models, item, prompts, spec.max_new_tokens)
        except ItemError as error:
            rejects.append(left_out_by(error, item.place))
        except InputError as error:
            rejects.append(Reject(item.id, "bad_prompt", str(error), item.place))
        else:
            yield Posed(item, prompts[0], prompts[1], most)


def _room(models: tuple[Model, Model], item: Item, prompts: Sequence[Sequence[int]], most: int | None) -> int:
    """The most tokens that a trace of a question may have.

    Raises:
        ItemError: A context has no room for any, or not for as many as are asked for.
    """
    room = most or MOST_NEW_TOKENS
    for model, prompt in zip(models, prompts, strict=True):
        left = model.facts.context - len(prompt) if model.facts.context else room
        if left < (most or 1):
            reason = (
                f"its prompt takes {len(prompt)} tokens of the context of {model.facts.name!r}, {model.facts.context}; "
                "shorten it, or lower --max-new-tokens"
            )
            raise ItemError(item.id, reason, code="too_long")
        room = min(room, left)
    return room


def _rule(spec: RsdSpec) -> SpeculativeRule:
    return SpeculativeRule(spec.top, spec.likely, spec.trials, spec.temperature, spec.top_p)


def _entry(models: tuple[Model, Model], spec: RsdSpec, each: Posed) -> dict[str, Any]:
    """What the stored traces of a question depend on."""
    common: dict[str, Any] = dict(zip(("teacher", "student"), map(model_spec, models), strict=True))
    common |= {"rule": asdict(_rule(spec)), "traces": spec.traces, "seed": spec.seed}
    return common | {"id": each.item.id, "most": each.most, "prompts": [list(each.teacher), list(each.student)]}


def _kept(
    models: tuple[Model, Model], posed: Sequence[Posed], spec: RsdSpec, store: Store | None
) -> dict[str, list[Together]]:
    """The traces of each question that were written before."""
    if store is None:
        return {}
    read = partial(_stored, models[1], spec.traces)
    found = {each.item.id: store.read(KIND, _entry(models, spec, each), read) for each in posed}
    return {name: traces for name, traces in found.items() if traces is not None}


def _written(
    models: tuple[Model, Model], posed: Sequence[Posed], shared: Shared, spec: RsdSpec, call: Call
) -> dict[str, list[Together]]:
    """Each question's traces, written anew and stored."""
    rule, found, store = _rule(spec), dict[str, list[Together]](), call.get("store")
    padded = all(can_pad(model) for model in models)
    with work(len(posed), "writing together", "question", shown=call.get("progress", False)) as done:
        for some in _batches(posed, spec, padded=padded):
            rows = [
                ToWrite(each.teacher, each.student, (spec.seed, zlib.crc32(each.item.id.encode()), number), each.most)
                for each in some
                for number in range(spec.traces)
            ]
            traces: list[Together] = []
            for start in range(0, len(rows), spec.batch):
                traces += write_together(models, rows[start : start + spec.batch], shared, rule)
            for place, each in enumerate(some):
                own = traces[place * spec.traces : (place + 1) * spec.traces]
                found[each.item.id] = own
                if store is not None:
                    store.put(KIND, _entry(models, spec, each), _tensors(own))
            done(len(some))
    return found


def _batches(posed: Sequence[Posed], spec: RsdSpec, *, padded: bool) -> Iterator[list[Posed]]:
    """Questions whose traces are written side by side: of like length, and where neither pads, one at a time."""
    together = max(1, spec.batch // spec.traces) if padded else 1
    ordered = sorted(posed, key=lambda each: len(each.student))
    for start in range(0, len(ordered), together):
        yield ordered[start : start + together]


def _tensors(traces: Sequence[Together]) -> dict[str, torch.Tensor]:
    """Traces as they are stored."""
    return {
        "lengths": numbers([len(each.tokens) for each in traces], np.int64),
        "tokens": numbers([token for each in traces for token in each.tokens], np.int64),
        "draws": numbers([draw for each in traces for draw in each.draws], np.int64),
        "endings": numbers([_ENDINGS.index(each.ending) for each in traces], np.int64),
    }


def _stored(student: Model, count: int, kept: Mapping[str, torch.Tensor]) -> list[Together]:
    """What was stored of one question.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    lengths, endings = array(kept, "lengths", (count,)), array(kept, "endings", (count,))
    tokens, draws = array(kept, "tokens", (int(lengths.sum()),)), array(kept, "draws", (int(lengths.sum()),))
    if not all(0 <= token < student.facts.d_vocab for token in tokens) or not all(
        0 <= each < len(_ENDINGS) for each in endings
    ):
        raise ValueError("it holds no traces of this student")
    found, start = [], 0
    for length, ending in zip(lengths.tolist(), endings.tolist(), strict=True):
        stop = start + length
        found.append(Together(tokens[start:stop].tolist(), draws[start:stop].tolist(), _ENDINGS[ending]))
        start = stop
    return found


def _plain(spec: RsdSpec) -> dict[str, Any]:
    """The choices as plain values, for a manifest; how many are written side by side changes nothing."""
    template = {"template": spec.template.name or str(spec.template.style), "template_text": spec.template.text}
    return template | spec.model_dump(mode="json", exclude={"template", "batch"})
