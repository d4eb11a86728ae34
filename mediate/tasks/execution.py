"""Execution: whose results the chain holds: the model's own, right ones filled in, or wrong ones filled in.

Results that a calculator filled in stand in brackets, where a wording has them. Of wrong ones the first is wrong, and
all that follows goes on from it, so that the chain ends at another answer than the right one, which is the one that is
measured. Without given chains the model writes them all.
"""

from mediate.tasks.pair_families import family
from mediate.tasks.wording import Condition, Wrong

CONDITIONS = (
    Condition("right results", filled=True),
    Condition("own results", own=True),
    Condition("wrong results", filled=True, wrong=Wrong.FIRST),
)
EXECUTION = family("execution", "the model's own results, right ones and wrong ones filled in", CONDITIONS)
