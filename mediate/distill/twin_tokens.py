"""What tokens of pairs carry that their twins' do not: read effects of aligned chains, state effects of a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from mediate.distill.join_spec import JoinSpec
from mediate.errors import InputError
from mediate.mediation.names import USUAL
from mediate.mediation.prepared_item import PreparedItem
from mediate.mediation.prepared_pair import PreparedPair
from mediate.mediation.procedures import PAIRS as MEASURING
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.pairs.pair import Item, Pair
from mediate.results.kinds import parse_kind
from mediate.results.token_join import READ, STATE
from mediate.results.told import Reject
from mediate.scoring.measure import measure_items
from mediate.scoring.pairs import PAIRS
from mediate.scoring.preparing import prepare
from mediate.scoring.score import Call
from mediate.scoring.spec import ScoreSpec
from mediate.watch import bars, work

READ_MAP = f"{READ}:position"
# What a token's own words are part of too: its state in every layer, from the first block's input on.
STATE_MAP = f"{STATE}.{Component.RESID_PRE}:position"


@dataclass(frozen=True, slots=True)
class TwinEffects:
    """What was measured of pairs' tokens against their twins'.

    Args:
        effects: By item and name of the effect, that of each token of the base chain, in nats of `logit_diff`.
        left_out: Why other pairs have none.
    """

    effects: Mapping[str, Mapping[str, Float[np.ndarray, " token"]]] = field(default_factory=dict)
    left_out: tuple[Reject, ...] = ()


def twin_effects(
    student: Model,
    given: Sequence[Pair] | Sequence[Item],
    measured: Sequence[PreparedItem],
    *,
    specs: tuple[JoinSpec, ScoreSpec],
    call: Call,
) -> TwinEffects:
    """The effects of pairs whose bases were measured; of items by themselves there are none.

    A pair whose chains cannot be laid on each other has none, and is counted, as is one whose base has other tokens
    beside its twin.
    """
    spec, scoring = specs
    bases = {item.id: item for item in measured}
    pairs = [each for each in given if isinstance(each, Pair) and each.id in bases]
    if not pairs:
        return TwinEffects()
    store, progress = call.get("store"), call.get("progress", False)
    maps = (READ_MAP, STATE_MAP) if spec.states else (READ_MAP,)
    choices = {"maps": maps, "outcomes": USUAL[:1], "on_bad_item": "skip", "solved_only": False}
    scoring = scoring.model_copy(update=choices)
    try:
        prepared, rejects = prepare(PAIRS, student, pairs, scoring, store, progress=progress)
    except InputError as error:
        reason = " ".join(str(error).split())
        return TwinEffects(left_out=tuple(Reject(each.id, "no_twin", reason, part=READ_MAP) for each in pairs))
    left_out = [replace(each, part=READ_MAP) for each in rejects if each.part in ("item", READ_MAP)]
    alike = [item for item in prepared if item.maps and item.tokens.trace.ids == bases[item.id].tokens.trace.ids]
    apart = {item.id for item in prepared if item.maps} - {item.id for item in alike}
    reason = "beside its twin its base has another chain in tokens"
    left_out += [Reject(name, "other_tokens", reason, part=READ_MAP) for name in sorted(apart)]
    wanted = sampled(alike, spec.states, scoring.seed)
    found: dict[str, dict[str, Float[np.ndarray, " token"]]] = {}
    with work(len(wanted), "reading twins", "pair", shown=progress) as done, bars(progress):
        for each, _ in measure_items(MEASURING, student, wanted, scoring, store):
            done(1)
            if isinstance(each, Reject):
                left_out.append(replace(each, part=READ_MAP))
                continue
            left_out += each.left_out
            found[each.item.id] = {parse_kind(one.kind).of.name: one.values for one in each.maps}
    return TwinEffects(found, tuple(left_out))


def sampled(pairs: Sequence[PreparedPair], count: int, seed: int) -> list[PreparedPair]:
    """The pairs, all but `count` of them, drawn at random, without the map of state effects."""
    drawn = np.random.default_rng(seed).permutation(sorted(each.id for each in pairs))[:count]
    return [
        each if each.id in drawn else replace(each, maps=tuple(one for one in each.maps if str(one) == READ_MAP))
        for each in pairs
    ]
