"""Built-in tasks: makers of pairs whose counterfactuals are known."""

from mediate.tasks.gsm_symbolic import gsm_symbolic_pairs
from mediate.tasks.modular import Hint, modular_pairs
from mediate.tasks.problems import TEMPLATE_NAMES, few_shot_prompt, generate_pairs

__all__ = ["TEMPLATE_NAMES", "Hint", "few_shot_prompt", "generate_pairs", "gsm_symbolic_pairs", "modular_pairs"]
