"""The one door to what replaces an item's chain alone, with the question as it is; `kinds` stays this room's own."""

from mediate.mediation.kinds.chain_pool import gather_chains
from mediate.mediation.kinds.hidden import Sights, run_sights
from mediate.mediation.kinds.other import Against
from mediate.mediation.kinds.replaced import Elsewhere, Worth, measure_replaced

__all__ = ["Against", "Elsewhere", "Sights", "Worth", "gather_chains", "measure_replaced", "run_sights"]
