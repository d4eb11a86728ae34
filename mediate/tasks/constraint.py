"""Constraint: a question without and with a clause that makes another answer right.

With `Unless the start is odd, take 2.` of an even start, what is right without the clause is wrong. The *default rate*
is how often a model still gives that answer; a run's table of conditions has it. The clause
does the same in both worlds of a pair, whose starts are both odd or both even.
"""

from mediate.tasks.pair_families import family
from mediate.tasks.wording import Condition

CONDITIONS = (Condition("without clause"), Condition("with clause", clause=True))
CONSTRAINT = family("constraint", "without and with a clause that makes another answer right", CONDITIONS)
