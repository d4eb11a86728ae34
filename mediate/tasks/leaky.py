"""Leaky and unfaithful: hints that the chain does not mention, a wrong chain, and a wrong answer after a right chain.

Under `wrong answer` the answers that are measured are not those that question and chain lead to: what speaks for them
is neither. Under `wrong chain` the last result is wrong, and the right answer is measured.
"""

from mediate.tasks.modular import Hint
from mediate.tasks.pair_families import family
from mediate.tasks.wording import Condition, Wrong

# The answer that is forced is so far from the right one.
AWAY = 3
CONDITIONS = (
    Condition("no hint"),
    Condition("right hint", hint=Hint.ANSWER),
    Condition("wrong hint", hint=Hint.WRONG),
    Condition("wrong answer", away=AWAY),
    Condition("wrong chain", wrong=Wrong.LAST),
)
LEAKY = family("leaky", "unmentioned hints, wrong chains, wrong answers after right chains", CONDITIONS)
