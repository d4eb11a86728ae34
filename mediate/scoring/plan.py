"""What a run will measure, decided and in tokens before anything is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import (
    EncodedPair,
    check_equal_lengths,
    check_one_rope,
    check_prompt,
    check_words,
    encode_pair,
    encode_readers,
)
from mediate.mediation.maps import MapSpec, check_map, check_offered, parse_map
from mediate.mediation.said import check_characters, check_parts, question_prompts
from mediate.models.known import is_reference
from mediate.models.model import Model
from mediate.pairs.pair import Pair, check_questions
from mediate.passes.store import Store
from mediate.results.told import Reject
from mediate.scoring.chains import NOT_SOLVED, Chains, make_chains
from mediate.scoring.given import nothing_left
from mediate.scoring.spec import DEFAULT_MAP, ScoreSpec


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, checked and in tokens, before anything is.

    Args:
        encoded: The pairs that will be measured.
        maps: By pair, the maps that its chains allow.
        chains: The chains and what the model answers after them.
        rejects: What is left out.
    """

    encoded: tuple[EncodedPair, ...]
    maps: Mapping[str, tuple[MapSpec, ...]]
    chains: Chains
    rejects: tuple[Reject, ...]


def make_plan(
    model: Model,
    pairs: Sequence[Pair],
    spec: ScoreSpec,
    store: Store | None,
    *,
    unread: Sequence[ItemError] = (),
    progress: bool = False,
) -> Plan:
    """Puts every pair into tokens, letting the model write missing chains, and decides what can be measured.

    Whatever is wrong with a pair as given is found before the model writes anything.

    Raises:
        ItemError: A bad item that ends the run.
        InputError: The model does not allow what is asked for, or no pair can be measured.
    """
    for each in wanted_maps(spec):
        check_offered(model, each)
    check_prompt(model.need_tokenizer(), spec.template, spec.answer_cue)
    errors = list(unread)
    sound: list[Pair] = []
    for pair in pairs:
        try:
            _check_given(model, pair, spec)
            sound.append(pair)
        except ItemError as error:
            if spec.stops_at(error):
                raise
            errors.append(error)
    chains = make_chains(model, sound, spec, store, progress=progress)
    # What the model wrote is in the store: asked again with `skip`, it does not write it again.
    broken = next((error for error in chains.errors if error.code != NOT_SOLVED and spec.stops_at(error)), None)
    if broken is not None:
        raise broken
    errors += chains.errors
    left_out = {error.item for error in chains.errors}
    encoded: list[EncodedPair] = []
    maps: dict[str, tuple[MapSpec, ...]] = {}
    rejects: list[Reject] = []
    for pair in sound:
        if pair.id in left_out:
            continue
        try:
            tokens = encode_pair(model, pair, spec.template, spec.answer_cue, *chains.traces[pair.id])
        except ItemError as error:
            error.written = True  # given chains were tried above
            if spec.stops_at(error):
                raise
            errors.append(error)
            continue
        maps[pair.id], unaligned = _possible_maps(tokens, pair, spec)
        encoded.append(tokens)
        rejects += unaligned
    rejects = [Reject(error.item, error.code, error.reason, error.place) for error in errors] + rejects
    if not encoded:
        raise InputError(nothing_left([(reject.item, reject.code, reject.reason) for reject in rejects]))
    return Plan(tuple(encoded), maps, chains, tuple(rejects))


def _check_given(model: Model, pair: Pair, spec: ScoreSpec) -> None:
    """What can be known of a pair before its chains are written."""
    from mediate.traces.trace import given_trace

    check_questions(pair)
    check_characters(model.need_tokenizer(), pair, model.facts.context)
    known = "mediate pairs --task modular makes some that it reads" if is_reference(model.facts.name) else "reword it"
    if spec.chains is None or (pair.base.cot is None and pair.source.cot is None):
        check_words(model.need_tokenizer(), pair, f"{known}, or leave it out (skip)")
    asked = question_prompts(model.need_tokenizer(), spec.template, pair)
    check_parts(model.need_tokenizer(), pair, spec.answer_cue, chains=spec.chains is None)
    readers = encode_readers(model.need_tokenizer(), pair, spec.answer_cue)
    if pair.base.cot is not None and pair.source.cot is not None:
        source, base = (given_trace(cot, model.tokenizer) for cot in (pair.source.cot, pair.base.cot))
        tokens = encode_pair(model, pair, spec.template, spec.answer_cue, source, base)
        if spec.maps:
            _possible_maps(tokens, pair, spec)
        return
    lengths = [len(prompt.ids) for prompt in reversed(asked)]
    check_equal_lengths(model, pair.id, lengths, pair.place)
    longest = max(lengths)
    needed = longest + len(readers.cue) + max(len(readers.base), len(readers.source)) + 1
    if model.facts.context and needed > model.facts.context:
        raise ItemError(
            pair.id,
            f"its question and answer alone take {needed} tokens, and the context of {model.facts.name!r} is "
            f"{model.facts.context}; shorten it",
            place=pair.place,
            code="too_long",
        )
    room = spec.max_new_tokens if spec.chains is None else None
    if model.facts.context and room is not None and longest + room > model.facts.context:
        raise ItemError(
            pair.id,
            f"its prompt takes {longest} tokens, and a chain of up to {room} more does not fit the context of "
            f"{model.facts.name!r}, {model.facts.context}; shorten it, give a lower --max-new-tokens, or leave it out "
            "(skip)",
            place=pair.place,
            code="too_long",
        )
    check_one_rope(model, pair.id, needed, pair.place)


def _possible_maps(tokens: EncodedPair, pair: Pair, spec: ScoreSpec) -> tuple[tuple[MapSpec, ...], list[Reject]]:
    """The wanted maps that the pair allows."""
    allowed: list[MapSpec] = []
    left_out: list[Reject] = []
    for each in wanted_maps(spec):
        try:
            check_map(tokens, each, pair.place)
            allowed.append(each)
        except ItemError as error:
            error.written = tokens.written or spec.chains is not None
            if spec.maps and spec.stops_at(error):
                raise
            left_out.append(Reject(error.item, error.code, error.reason, error.place, part=str(each)))
    return tuple(allowed), left_out


def wanted_maps(spec: ScoreSpec) -> tuple[MapSpec, ...]:
    """The maps that a run is asked for."""
    return tuple(parse_map(name) for name in (spec.maps if spec.maps is not None else (DEFAULT_MAP,)))
