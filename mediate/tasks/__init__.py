"""Built-in tasks: makers of pairs whose counterfactuals are known, each with its record, listed here."""

from mediate.tasks.constraint import CONSTRAINT
from mediate.tasks.decoupling import DECOUPLING
from mediate.tasks.distance import DISTANCE
from mediate.tasks.execution import EXECUTION
from mediate.tasks.gsm_symbolic import GSM_SYMBOLIC, gsm_symbolic_pairs
from mediate.tasks.leaky import LEAKY
from mediate.tasks.length import LENGTH
from mediate.tasks.modular import MODULAR, Hint, modular_pairs
from mediate.tasks.novelty import NOVELTY
from mediate.tasks.problems import PROBLEMS, TEMPLATE_NAMES, few_shot_prompt, generate_pairs
from mediate.tasks.task import Task
from mediate.tasks.worded_pairs import WORDED, worded_pairs

__all__ = [
    "FAMILIES",
    "TASKS",
    "TEMPLATE_NAMES",
    "Hint",
    "Task",
    "few_shot_prompt",
    "generate_pairs",
    "gsm_symbolic_pairs",
    "modular_pairs",
    "worded_pairs",
]

# The same problems under conditions that differ in one thing.
FAMILIES = (DECOUPLING, CONSTRAINT, LENGTH, DISTANCE, EXECUTION, NOVELTY, LEAKY)
# The first is what a command takes by default.
TASKS = (PROBLEMS, GSM_SYMBOLIC, MODULAR, WORDED, *FAMILIES)
