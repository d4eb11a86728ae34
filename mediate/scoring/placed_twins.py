"""How far off the distribution is what state maps of pairs put in place: computed or taken from the store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch

from mediate.clock import stage
from mediate.errors import InputError
from mediate.mediation.prepared_pair import PreparedPair
from mediate.mediation.procedures import Contexts
from mediate.mediation.twin_states import Chains, gather_chains, off_distribution
from mediate.models.model import Model
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store, array, model_spec, numbers, packed, unpacked
from mediate.results.kinds import Direction, parse_kind
from mediate.results.off_distribution import OffDistribution
from mediate.scoring.item_replacements import NO_MEMORY, Replacing, fingerprint
from mediate.scoring.scored import Scored, described
from mediate.scoring.spec import ScoreSpec

KIND = "off_distribution"
# Kinds of maps that put the other world's states in place, with all that follows computed anew.
OF_STATES = ("state", "relayed")


def placing_twins(
    model: Model, items: Sequence[PreparedPair], spec: ScoreSpec, store: Store | None
) -> Replacing[PreparedPair, Contexts]:
    """Gives each pair that has a state map how far off the distribution its twin's states are.

    What is kept of the chains of all items is made when it is first asked for: where all is stored, nothing is run.

    Args:
        model: The hooked model.
        items: All pairs.
        spec: The choices of the run.
        store: Where results are looked up and kept.
    """
    tokens = [item.tokens for item in items]
    chains = cache(lambda: _chains(model, tokens, spec.seed))
    among = cache(lambda: fingerprint(tokens, spec.seed))

    @stage("placing twins' states")
    def placing(scored: Scored[PreparedPair], contexts: Callable[[], Contexts]) -> Scored[PreparedPair]:
        names = [parse_kind(each.kind) for each in scored.maps]
        asked = [each for each in Direction if any(n.of.name in OF_STATES and n.direction is each for n in names)]
        found = []
        for direction in asked:
            entry = model_spec(model) | {"pair": described(scored.item.tokens), "among": among()}
            entry |= {"group": scored.item.tokens.group, "direction": str(direction)}
            known = None if store is None else store.read(KIND, entry, partial(_stored, scored.item, direction))
            if known is None:
                known = off_distribution(contexts(), chains(), direction)
                if store is not None:
                    store.put(KIND, entry, _tensors(known))
            found.append(known)
        return replace(scored, off=tuple(found))

    return placing


def _chains(model: Model, tokens: Sequence[Any], seed: int) -> Chains | InputError:
    """What is kept of all chains, or why there is nothing: it must not cost what was measured."""
    try:
        return gather_chains(model, tokens, seed=seed)
    except InputError as error:
        return error
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return InputError(NO_MEMORY)


def _tensors(found: OffDistribution) -> dict[str, torch.Tensor]:
    told = {"distance": found.distance, "norm_ratio": found.norm_ratio}
    return {name: numbers(value) for name, value in told.items()} | {"reason": packed(found.reason)}


def _stored(item: PreparedPair, direction: Direction, kept: dict[str, torch.Tensor]) -> OffDistribution:
    """What was stored.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    distance, ratio = (float(array(kept, name, ())) for name in ("distance", "norm_ratio"))
    return OffDistribution(item.id, item.tokens.group, str(direction), distance, ratio, str(unpacked(kept, "reason")))
