"""Built-in tasks: makers of pairs whose counterfactuals are known, each with its record, listed here."""

from mediate.tasks.asked import TEMPLATE_NAMES
from mediate.tasks.families import FAMILIES, family_pairs
from mediate.tasks.gsm_symbolic import GSM_SYMBOLIC, gsm_symbolic_pairs
from mediate.tasks.modular import MODULAR, Hint, modular_pairs
from mediate.tasks.problems import PROBLEMS, few_shot_prompt, generate_pairs
from mediate.tasks.task import Task
from mediate.tasks.worded_pairs import WORDED, worded_pairs

__all__ = [
    "FAMILIES",
    "TASKS",
    "TEMPLATE_NAMES",
    "Hint",
    "Task",
    "family_pairs",
    "few_shot_prompt",
    "generate_pairs",
    "gsm_symbolic_pairs",
    "modular_pairs",
    "worded_pairs",
]

# The first is what a command takes by default.
TASKS = (PROBLEMS, GSM_SYMBOLIC, MODULAR, WORDED, *FAMILIES)
