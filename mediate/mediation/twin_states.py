"""How far off the distribution the other world's chain is, which state maps of pairs put in place."""

from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError, ItemError
from mediate.mediation.contrasts.chain_pool import Chains, gather_chains
from mediate.mediation.contrasts.replaced import norm_ratio
from mediate.mediation.kinds.cube import Contexts
from mediate.results.kinds import Direction
from mediate.results.off_distribution import OffDistribution

__all__ = ["Chains", "gather_chains", "off_distribution"]

NOTHING_ELSE = "there are no chains of other items to hold it against"


def off_distribution(contexts: Contexts, chains: Chains | InputError, direction: Direction) -> OffDistribution:
    """The distance and the norm of what a direction puts in place, of one pair whose chains can be aligned.

    The states are those of a run, the other world's; what leaves the distribution is their place in this one, which
    the distance does not see.

    Args:
        contexts: From `run_contexts`.
        chains: From `gather_chains`, of the base chains of all items, or why there are none.
        direction: Into which run.
    """
    pair, here = contexts.pair, direction.patched_world
    new, old = contexts.chain(1 - here, 1 - here), contexts.chain(here, here)
    parts: list[tuple[Float[Tensor, ...], Float[Tensor, ...]]] = [(new.keys, old.keys), (new.values, old.values)]
    # Rotary embedding turns keys, which leaves their norms.
    ratio = sum(norm_ratio(*each) for each in parts) / len(parts)
    if isinstance(chains, InputError):
        reason = chains.reason if isinstance(chains, ItemError) else str(chains)
        return OffDistribution(pair.id, pair.group, direction, float("nan"), ratio, reason)
    distance = chains.distance(pair, new.values)
    return OffDistribution(
        pair.id, pair.group, str(direction), distance, ratio, "" if distance == distance else NOTHING_ELSE
    )
