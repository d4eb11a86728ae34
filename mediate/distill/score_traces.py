"""Scoring traces: items with chains in, how likely a student and a teacher find each token out. No training."""

import time
from collections.abc import Iterator, Sequence

from mediate.clock import stage
from mediate.distill.spec import TraceSpec, asking
from mediate.errors import InputError
from mediate.mediation.batching import of_like_length
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.models.vocabulary import beyond_rows
from mediate.pairs.pair import Item, Pair
from mediate.passes.memory import is_out_of_memory
from mediate.passes.token_scores import TokenScores, ToScore, token_scores
from mediate.results.told import Reject
from mediate.results.trace_folder import TRACE_RUNS, TraceResults, read_trace_results, write_trace_results
from mediate.results.trace_scores import ScoredTrace
from mediate.scoring.given import as_measured, check_set, fitting, nothing_left
from mediate.scoring.items import ITEMS
from mediate.scoring.preparing import prepare
from mediate.scoring.rundir import check_free, counted, finished, identity, now, written
from mediate.scoring.score import Call
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.telling import opening
from mediate.showing import plural
from mediate.traces.trace import written_trace
from mediate.watch import Done, tell, work

# Tokens that are run side by side, padding included.
TOKENS = 2048


@stage("scoring traces")
def score_traces(
    student: Model,
    given: Sequence[Pair] | Sequence[Item],
    specs: tuple[TraceSpec, ScoreSpec],
    teacher: Model | None,
    call: Call,
) -> TraceResults:
    """`mediate.score_traces`, which says what each argument is, with the results as they are stored.

    Args:
        student: The hooked model whose probabilities count.
        given: Items with chains, or pairs, of which the base is scored.
        specs: The choices, from `make_trace_specs`.
        teacher: A second model with the same tokenizer.
        call: How the run is made.

    Raises:
        InputError: Nothing can be scored, the teacher has other tokens, or the directory holds something else.
        ItemError: Unless bad items are skipped, the first that cannot be scored.
    """
    spec, scoring = specs
    unread, progress = call.get("unread", ()), call.get("progress", False)
    out, store = call.get("out"), call.get("store")
    started, clock = now(), time.monotonic()
    say = tell if progress else str
    check_set(given, unread, scoring)
    if teacher is not None:
        check_teacher(student, teacher)
    items = as_measured(given, "hidden", str)
    if not isinstance(given[0], Item):
        say(f"{plural(len(given), 'pair')}: the chains of their bases are scored")
    # No map, control or replacement is measured.
    scoring = scoring.model_copy(update={"maps": (), "replacements": (), "control_pairs": 0})
    scoring = settled(student, items, fitting(items, scoring), say)
    taught = {"teacher": None if teacher is None else teacher.facts.name}
    choices = {"design": TRACE_RUNS.name} | taught | spec.model_dump(mode="json") | asking(scoring)
    models = {"student": student.describe()} | ({"teacher": teacher.describe()} if teacher is not None else {})
    prompt = prompt_facts(student.need_tokenizer(), scoring.template)
    asked = identity(choices, items, models, prompt)
    if out is not None and check_free(out, asked):
        return read_trace_results(out)
    items = [each for each in items if isinstance(each, Item)]
    prepared, left_out = prepare(ITEMS, student, items, scoring, store, unread=unread, progress=progress)
    manifest = asked | opening(started, len(given) + len(unread), prepared)
    with written(out, manifest):
        rejects = list(left_out)
        with work(len(prepared), "scoring traces", "trace", shown=progress) as done:
            found = dict(scored_tokens(student, teacher, prepared, spec, rejects, done))
        traces = tuple(found[item.id] for item in prepared if item.id in found)
        if not traces:
            raise InputError(nothing_left([(each.item, each.code, each.reason) for each in rejects], "item"))
        told = finished(clock, counted(len(given) + len(unread), len(traces), rejects))
        results = TraceResults(manifest | told, traces, tuple(rejects))
        if out is not None:
            write_trace_results(out, results)
    return results


def check_teacher(student: Model, teacher: Model) -> None:
    """Raises InputError where a teacher's tokens are not the student's, so that their numbers are of other things."""
    own, other = (each.need_tokenizer().get_vocab() for each in (student, teacher))
    if own != other:
        alike = sum(other.get(token) == number for token, number in own.items())
        raise InputError(
            f"the teacher {teacher.facts.name!r} has another tokenizer than the student {student.facts.name!r} ("
            f"{alike} of {len(own)} tokens are the same); give a teacher of the same family"
        )


def scored_tokens(
    student: Model,
    teacher: Model | None,
    items: Sequence[PreparedItem],
    spec: TraceSpec,
    rejects: list[Reject],
    done: Done,
) -> Iterator[tuple[str, ScoredTrace]]:
    """Each item's trace with its scores; what one of the models cannot take is left out."""
    fitting_items: list[tuple[PreparedItem, ToScore]] = []
    for item in items:
        row = _row(item, spec)
        reason = "" if teacher is None else _too_much(teacher, row)
        if reason:
            rejects.append(Reject(item.id, "too_long", reason, item.item.place))
            done(1)
        else:
            fitting_items.append((item, row))
    lengths = {at: len(row.ids) for at, (_, row) in enumerate(fitting_items)}
    for batch in ([fitting_items[at] for at in group] for group in of_like_length(lengths, TOKENS)):
        for item, scores in _run(student, teacher, batch, rejects):
            yield item.id, _trace(item, scores, spec)
        done(len(batch))


def _row(item: PreparedItem, spec: TraceSpec) -> ToScore:
    tokens = item.tokens
    after = (*tokens.readers.cue, *tokens.readers.base) if spec.tokens == "response" else ()
    return ToScore((*tokens.whole, *after), len(tokens.question))


def _too_much(teacher: Model, row: ToScore) -> str:
    """Why a teacher cannot read a sequence; empty where it can."""
    if teacher.facts.context and len(row.ids) > teacher.facts.context:
        return f"it has {len(row.ids)} tokens, and the teacher {teacher.facts.name!r} takes {teacher.facts.context}"
    if max(row.ids) >= teacher.facts.d_vocab:
        return beyond_rows(max(row.ids), teacher.facts.name, teacher.facts.d_vocab)
    return ""


def _run(
    student: Model, teacher: Model | None, batch: list[tuple[PreparedItem, ToScore]], rejects: list[Reject]
) -> Iterator[tuple[PreparedItem, TokenScores]]:
    """The scores of a batch; one that memory does not hold is halved."""
    try:
        found = token_scores(student, [row for _, row in batch], teacher)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        if len(batch) == 1:
            item = batch[0][0]
            reason = "its sequence does not fit into memory; give a shorter chain, or a smaller --dtype"
            rejects.append(Reject(item.id, "out_of_memory", reason, item.item.place))
            return
        half = len(batch) // 2
        yield from _run(student, teacher, batch[:half], rejects)
        yield from _run(student, teacher, batch[half:], rejects)
        return
    yield from zip((item for item, _ in batch), found, strict=True)


def _trace(item: PreparedItem, scores: TokenScores, spec: TraceSpec) -> ScoredTrace:
    trace, readers = item.tokens.trace, item.tokens.readers
    tokens, steps = trace.tokens, trace.steps
    if spec.tokens == "response":
        after = [*readers.cue, *readers.base]
        tokens = (*tokens, *written_trace(after, item.model.need_tokenizer()).tokens)
        steps = (*steps, *[trace.steps[-1] + 1] * len(after))
    return ScoredTrace(
        item=item.id,
        group=item.tokens.group,
        question=item.item.question,
        chain=trace.text,
        answer=item.answer,
        tokens=tokens,
        steps=steps,
        **{name: getattr(scores, name) for name in ("surprisal", "rank", "entropy", "teacher", "divergence")},
    )
