"""Decoupling: what things are called, with the arithmetic and the steps as they are.

Operations by their usual names, by names that the question defines, and usual names redefined: a model that reads the
question by heart, rather than by what it says, goes wrong where `add` is defined as `take`. In word problems, people
and things by nouns that mean nothing, and by letters.
"""

from mediate.tasks.pair_families import family
from mediate.tasks.wording import Condition, Names

CONDITIONS = (
    Condition("usual names"),
    Condition("defined names", names=Names.DEFINED),
    Condition("redefined names", names=Names.REDEFINED),
    Condition("nonsense nouns", names=Names.NONSENSE),
    Condition("symbols", names=Names.SYMBOLS),
)
DECOUPLING = family("decoupling", "usual names, and defined, redefined or meaningless ones", CONDITIONS)
