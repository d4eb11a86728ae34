"""The door to what replaces an item's chain alone, with the question as it is; `kinds` stays this room's own."""

from mediate.mediation.kinds.chain_pool import gather_chains
from mediate.mediation.kinds.hidden import Sights
from mediate.mediation.kinds.replaced import DrawnFrom, Worth, measure_replaced

__all__ = ["DrawnFrom", "Sights", "Worth", "gather_chains", "measure_replaced"]
