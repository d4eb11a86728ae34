"""How pairs are put into tokens: their chains given, written or another run's, and the maps that each allows."""

from collections.abc import Sequence
from dataclasses import replace

from mediate.errors import ItemError
from mediate.mediation.encoding import (
    EncodedPair,
    check_equal_lengths,
    check_one_rope,
    check_words,
    encode_parts,
    encode_readers,
)
from mediate.mediation.maps import MapSpec, check_map, parse_map
from mediate.mediation.prepared_pair import PreparedPair
from mediate.mediation.said import check_characters, check_parts, question_prompts
from mediate.models.known import is_reference
from mediate.models.model import Model
from mediate.pairs.pair import Pair, World, check_questions, in_worlds
from mediate.results.told import Reject, left_out_by
from mediate.scoring.chains import PairDraft, with_chains
from mediate.scoring.preparing import Preparation
from mediate.scoring.spec import DEFAULT_MAP, ScoreSpec
from mediate.traces.trace import Trace, given_trace


def _draft(model: Model, pair: Pair, spec: ScoreSpec, wanted: Sequence[MapSpec]) -> PairDraft:
    """What can be in tokens of a pair before its chains are written.

    Raises:
        ItemError: The pair as given cannot be measured.
    """
    tokenizer = model.need_tokenizer()
    check_questions(pair)
    check_characters(tokenizer, pair, model.facts.context)
    known = "mediate pairs --task modular makes some that it reads" if is_reference(model.facts.name) else "reword it"
    if spec.chains is None or (pair.base.cot is None and pair.source.cot is None):
        check_words(tokenizer, pair, f"{known}, or leave it out (skip)")
    asked = question_prompts(tokenizer, spec.template, pair)
    check_parts(tokenizer, pair, spec.answer_cue, chains=spec.chains is None)
    readers = encode_readers(tokenizer, pair, spec.answer_cue)
    draft = PairDraft(pair, in_worlds(lambda world: asked[world].ids), readers)
    source, base = pair.source.cot, pair.base.cot
    if source is None or base is None:
        _check_room(model, draft, spec)
        return draft
    traces = given_trace(source, tokenizer), given_trace(base, tokenizer)
    tokens = _tokens(model, draft, spec, traces)
    if spec.maps:
        _possible_maps(tokens, pair, spec, wanted)
    return replace(draft, given=tokens)


def _prepared(
    model: Model, draft: PairDraft, spec: ScoreSpec, wanted: tuple[MapSpec, ...]
) -> tuple[PreparedPair, list[Reject]]:
    """A pair whose chains are there, and the maps that it does not allow.

    Raises:
        ItemError: The model cannot take the pair.
    """
    try:
        tokens = draft.given or _tokens(model, draft, spec, draft.chains)
    except ItemError as error:
        error.written = True  # given chains were tried when it was drafted
        raise
    maps, impossible = _possible_maps(tokens, draft.pair, spec, wanted)
    seed = spec.seed_of(tokens.id)
    return PreparedPair(model, draft.pair, tokens, draft.said, maps, spec.outcomes, seed), impossible


def _tokens(model: Model, draft: PairDraft, spec: ScoreSpec, traces: tuple[Trace, Trace]) -> EncodedPair:
    return encode_parts(model, draft.pair, spec.answer_cue, draft.prompts, draft.readers, traces)


def _check_room(model: Model, draft: PairDraft, spec: ScoreSpec) -> None:
    """Raises ItemError where a pair whose chains are not there yet is too long, or its questions cannot be aligned."""
    pair, readers, context = draft.pair, draft.readers, model.facts.context
    lengths = [len(draft.prompts[world]) for world in reversed(World)]
    check_equal_lengths(model, pair.id, lengths, pair.place)
    longest = max(lengths)
    needed = longest + len(readers.cue) + max(len(readers.base), len(readers.source)) + 1
    if context and needed > context:
        raise ItemError(
            pair.id,
            f"its question and answer alone take {needed} tokens, and the context of {model.facts.name!r} is "
            f"{context}; shorten it",
            place=pair.place,
            code="too_long",
        )
    room = spec.max_new_tokens if spec.chains is None else None
    if context and room is not None and longest + room > context:
        raise ItemError(
            pair.id,
            f"its prompt takes {longest} tokens, and a chain of up to {room} more does not fit the context of "
            f"{model.facts.name!r}, {context}; shorten it, give a lower --max-new-tokens, or leave it out (skip)",
            place=pair.place,
            code="too_long",
        )
    check_one_rope(model, pair.id, needed, pair.place)


def _possible_maps(
    tokens: EncodedPair, pair: Pair, spec: ScoreSpec, wanted: Sequence[MapSpec]
) -> tuple[tuple[MapSpec, ...], list[Reject]]:
    """The wanted maps that the pair allows."""
    allowed: list[MapSpec] = []
    left_out: list[Reject] = []
    for each in wanted:
        try:
            check_map(tokens, each, pair.place)
            allowed.append(each)
        except ItemError as error:
            error.written = tokens.written or spec.chains is not None
            if spec.must_map and spec.stops_at(error):
                raise
            left_out.append(left_out_by(error, part=str(each)))
    return tuple(allowed), left_out


def wanted_maps(spec: ScoreSpec) -> tuple[MapSpec, ...]:
    """The maps that a run is asked for."""
    return tuple(parse_map(name) for name in (spec.maps if spec.maps is not None else (DEFAULT_MAP,)))


def _apart(
    model: Model, items: Sequence[PreparedPair], spec: ScoreSpec, wanted: Sequence[MapSpec]
) -> tuple[tuple[PreparedPair, ...], tuple[Reject, ...]]:
    """The pairs as they are: none takes anything of another."""
    return tuple(items), ()


PAIRS = Preparation("pair", wanted_maps, _draft, with_chains, _prepared, _apart)
