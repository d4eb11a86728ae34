"""Length: how many operations a step has, and how much is said of each, crossed, at the same content.

Longer chains do more work or only say more; the two are told apart. *Granularity* is 1 or 2 operations a step,
*verbosity* is terse, plain, restated or checked. The chains are given: a model writes in its own way.
"""

from itertools import product

from mediate.tasks.pair_families import family
from mediate.tasks.worded import Verbosity
from mediate.tasks.wording import Condition

# Mended chains go wrong on the way, which is more than a way of telling.
VERBOSITIES = (Verbosity.PLAIN, Verbosity.TERSE, Verbosity.RESTATED, Verbosity.CHECKED)
CONDITIONS = tuple(
    Condition(f"{together} a step, {verbosity}", together=together, verbosity=verbosity)
    for together, verbosity in product((1, 2), VERBOSITIES)
)
LENGTH = family("length", "operations a step crossed with how much is said of each", CONDITIONS)
