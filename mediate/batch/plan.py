"""What a run will measure, decided and in tokens before anything is measured."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediate.batch.chains import NOT_SOLVED, Chains, make_chains
from mediate.batch.spec import DEFAULT_MAP, ScoreSpec
from mediate.effects.measured import Reject
from mediate.errors import InputError, ItemError
from mediate.items.pair import Pair
from mediate.mediation.encoding import EncodedPair, encode_pair, encode_question, encode_readers
from mediate.mediation.maps import MapSpec, check_map, check_offered, parse_map
from mediate.models.model import Model
from mediate.runs.store import Store


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


def check_set(pairs: Sequence[Pair], unread: Sequence[ItemError], spec: ScoreSpec) -> None:
    """Refuses a set of pairs before anything is made of it.

    Raises:
        ItemError: With `on_bad_item="error"`, the first pair that could not be read; or an id that occurs twice.
        InputError: No pairs.
    """
    if unread and spec.on_bad_item == "error":
        raise unread[0]
    if not pairs:
        raise InputError(
            "no pairs to measure" + (f"; all {len(unread)} were left out, such as {unread[0]}" if unread else "")
        )
    first = next((name for name, count in Counter(pair.id for pair in pairs).items() if count > 1), None)
    if first is not None:
        raise ItemError(first, "the id occurs more than once; give each pair its own", code="duplicate_id")


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
    """
    for each in wanted_maps(spec):
        check_offered(model, each)
    errors = list(unread)
    sound: list[Pair] = []
    for pair in pairs:
        try:
            _check_given(model, pair, spec)
            sound.append(pair)
        except ItemError as error:
            if spec.on_bad_item == "error":
                raise
            errors.append(error)
    chains = make_chains(model, sound, spec, store, progress=progress)
    # What the model wrote is in the store: asked again with `skip`, it does not write it again.
    broken = next((error for error in chains.errors if error.code != NOT_SOLVED), None)
    if broken is not None and spec.on_bad_item == "error":
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
            if spec.on_bad_item == "error":
                raise
            errors.append(error)
            continue
        maps[pair.id], unaligned = _possible_maps(tokens, pair, spec)
        encoded.append(tokens)
        rejects += unaligned
    rejects = [Reject(error.item, error.code, error.reason, error.place) for error in errors] + rejects
    return Plan(tuple(encoded), maps, chains, tuple(rejects))


def _check_given(model: Model, pair: Pair, spec: ScoreSpec) -> None:
    """What can be known of a pair before its chains are written."""
    from mediate.traces.trace import given_trace

    readers = encode_readers(model.need_tokenizer(), pair, spec.answer_cue)
    if pair.base.cot is not None and pair.source.cot is not None:
        source, base = (given_trace(cot, model.tokenizer) for cot in (pair.source.cot, pair.base.cot))
        tokens = encode_pair(model, pair, spec.template, spec.answer_cue, source, base)
        if spec.maps and spec.on_bad_item == "error":
            _possible_maps(tokens, pair, spec)
        return
    longest = max(len(encode_question(model, spec.template, item.question)) for item in (pair.base, pair.source))
    needed = longest + len(readers.cue) + max(len(readers.base), len(readers.source)) + 1
    if model.facts.context and needed > model.facts.context:
        raise ItemError(
            pair.id,
            f"its question and answer alone take {needed} tokens, and the context of {model.facts.name!r} is "
            f"{model.facts.context}; shorten it",
            place=pair.place,
            code="too_long",
        )


def _possible_maps(tokens: EncodedPair, pair: Pair, spec: ScoreSpec) -> tuple[tuple[MapSpec, ...], list[Reject]]:
    """The wanted maps that the pair allows."""
    allowed: list[MapSpec] = []
    left_out: list[Reject] = []
    for each in wanted_maps(spec):
        try:
            check_map(tokens, each, pair.place)
            allowed.append(each)
        except ItemError as error:
            if spec.maps and spec.on_bad_item == "error":
                raise
            left_out.append(Reject(error.item, error.code, error.reason, error.place, part=str(each)))
    return tuple(allowed), left_out


def wanted_maps(spec: ScoreSpec) -> tuple[MapSpec, ...]:
    """The maps that a run is asked for."""
    return tuple(parse_map(name) for name in (spec.maps if spec.maps is not None else (DEFAULT_MAP,)))
