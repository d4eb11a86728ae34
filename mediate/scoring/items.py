"""How items by themselves are put into tokens: their chains given or written, and the answer that is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mediate.errors import ItemError
from mediate.mediation.encoding import Readers, check_words
from mediate.mediation.item import Asked, EncodedItem, ask, cue_tokens, encode_item, encode_readers_of
from mediate.mediation.names import MapSpec, check_twinless, parse_map
from mediate.mediation.prepared_item import PreparedItem
from mediate.mediation.said import check_characters, check_parts
from mediate.models.generation import Written
from mediate.models.known import is_reference
from mediate.models.model import Model
from mediate.pairs.answers import says
from mediate.pairs.item import check_item
from mediate.pairs.pair import Item
from mediate.passes.store import Store
from mediate.results.told import Reject
from mediate.scoring.chains import NOT_SOLVED, answers, trace_of
from mediate.scoring.measured_answers import bridge_rejects, keeps_bridge, measured_answer, must_ask, other_options
from mediate.scoring.preparing import Preparation
from mediate.scoring.reference_material import with_material
from mediate.scoring.spec import DEFAULT_ITEM_MAP, ScoreSpec
from mediate.scoring.writing import write
from mediate.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """An item on its way into tokens.

    Args:
        item: The item.
        asked: Its question.
        trace: Its chain, once it is there.
        said: What the model answers after it, where it was asked.
    """

    item: Item
    asked: Asked
    trace: Trace | None = None
    said: str | None = None

    @property
    def chain(self) -> Trace:
        """Its chain, once it was given or written."""
        if self.trace is None:
            raise RuntimeError(f"item {self.item.id!r}: its chain is not there yet")
        return self.trace


def item_maps(spec: ScoreSpec) -> tuple[MapSpec, ...]:
    """The maps that a run of items is asked for.

    Raises:
        InputError: One of them takes a twin.
    """
    wanted = tuple(parse_map(name) for name in (spec.maps if spec.maps is not None else (DEFAULT_ITEM_MAP,)))
    for each in wanted:
        check_twinless(each)
    return wanted


def _draft(model: Model, item: Item, spec: ScoreSpec, wanted: Sequence[MapSpec]) -> ItemDraft:
    """What can be in tokens of an item before its chain is written.

    Raises:
        ItemError: The item as given cannot be measured.
    """
    tokenizer = model.need_tokenizer()
    check_item(item)
    if not item.finished:
        reason = "its response was cut off by a length limit before it came to its answer; leave it out (skip)"
        raise ItemError(item.id, reason, place=item.place, code="unfinished", written=True)
    read = replace(item, answer=measured_answer(item, None, spec))
    check_characters(tokenizer, read, model.facts.context)
    known = "mediate pairs --task modular makes some that it reads" if is_reference(model.facts.name) else "reword it"
    check_words(tokenizer, read, f"{known}, or leave it out (skip)")
    asked = ask(tokenizer, spec.template, item)
    check_parts(tokenizer, read, spec.answer_cue)
    draft = ItemDraft(item, asked)
    if item.cot is None:
        return draft
    trace = trace_of(model, item, "", item.cot, None, spec)
    if read.answer:
        _encoded(model, item, asked, trace, read.answer, spec)
    return replace(draft, trace=trace)


def _with_chains(
    model: Model, drafts: Sequence[ItemDraft], spec: ScoreSpec, store: Store | None, progress: bool
) -> tuple[list[ItemDraft], list[ItemError]]:
    """The drafts that have chains, with what the model answers after each where it is asked; why others have none."""
    missing = [draft.asked.ids for draft in drafts if draft.trace is None]
    written = write(model, missing, spec.decoding(), store, progress=progress)
    ready: list[ItemDraft] = []
    unusable: list[ItemError] = []
    for draft in drafts:
        try:
            ready.append(draft if draft.trace else replace(draft, trace=_written(model, draft, written, spec)))
        except ItemError as error:
            unusable.append(error)
    tokenizer = model.need_tokenizer()
    asked = {
        draft.item.id: (
            *draft.asked.ids,
            *draft.chain.ids,
            *cue_tokens(tokenizer, draft.item, spec.answer_cue),
        )
        for draft in ready
        if draft.chain.written or draft.item.condition or spec.solved_only or must_ask(draft.item, spec)
    }
    text = answers(model, list(asked.values()), spec.seed, store, progress=progress)
    ready = [replace(draft, said=text.get(asked.get(draft.item.id, ()))) for draft in ready]
    if not spec.solved_only:
        return ready, unusable
    wrong = {draft.item.id: _unsolved(draft) for draft in ready if not _solved(draft)}
    return [draft for draft in ready if draft.item.id not in wrong], [*unusable, *wrong.values()]


def _written(model: Model, draft: ItemDraft, written: Mapping[tuple[int, ...], Written], spec: ScoreSpec) -> Trace:
    return trace_of(model, draft.item, "", None, written.get(draft.asked.ids), spec)


def _solved(draft: ItemDraft) -> bool:
    """Whether the model gives the given answer; where none is given, its own is the one that is measured."""
    return not draft.item.answer or says(draft.said or "", draft.item.answer)


def _unsolved(draft: ItemDraft) -> ItemError:
    said, answer = (draft.said or "")[:40], draft.item.answer
    reason = f"after its chain the model answers {said!r}, where {answer!r} is right"
    return ItemError(draft.item.id, reason, place=draft.item.place, code=NOT_SOLVED)


def _prepared(
    model: Model, draft: ItemDraft, spec: ScoreSpec, maps: tuple[MapSpec, ...]
) -> tuple[PreparedItem, tuple[Reject, ...]]:
    """An item whose chain is there, and its bridge where that is left out.

    Raises:
        ItemError: There is no answer to measure, or the model cannot take the item.
    """
    item, trace = draft.item, draft.chain
    answer = measured_answer(item, draft.said, spec)
    if not answer:
        why = "its own answer is to be measured" if item.answer else "no answer was given"
        reason = f"{why}, and the model says none after its chain; give one, or leave it out (skip)"
        raise ItemError(item.id, reason, place=item.place, code="no_answer", written=trace.written)
    try:
        tokens = _encoded(model, item, draft.asked, trace, answer, spec)
    except ItemError as error:
        error.written = trace.written
        raise
    prepared = PreparedItem(model, item, tokens, answer, draft.said, maps, spec.outcomes, spec.seed_of(item.id))
    return prepared, bridge_rejects([item], spec)


def _encoded(model: Model, item: Item, asked: Asked, trace: Trace, answer: str, spec: ScoreSpec) -> EncodedItem:
    """The item with one answer measured."""
    bridge = keeps_bridge(item, spec)

    def readers(said: str) -> Readers:
        return encode_readers_of(model.need_tokenizer(), item, said, spec.answer_cue, bridge=bridge)

    options = tuple(readers(each).base for each in other_options(item, answer))
    return encode_item(model, item, asked, readers(answer), trace, options)


def with_references(
    model: Model, items: Sequence[PreparedItem], spec: ScoreSpec, wanted: Sequence[MapSpec]
) -> tuple[tuple[PreparedItem, ...], tuple[Reject, ...]]:
    """The items, each with the others that reference values of its maps are made from."""
    return with_material(items, wanted, spec.seed), ()


ITEMS = Preparation("item", item_maps, _draft, _with_chains, _prepared, with_references)
