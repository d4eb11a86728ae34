"""Distance: sentences beside the point between question and chain, and between chain and answer.

Sentences after the chain are the end of a given chain; where the model writes its chain there are none.
"""

from mediate.tasks.pair_families import family
from mediate.tasks.wording import Condition

COUNTS = (1, 2, 4, 8)
CONDITIONS = (
    Condition("none"),
    *(Condition(f"{count} before", before=count) for count in COUNTS),
    *(Condition(f"{count} after", after=count) for count in COUNTS),
)
DISTANCE = family("distance", "0 to 8 irrelevant sentences before the chain or after it", CONDITIONS)
