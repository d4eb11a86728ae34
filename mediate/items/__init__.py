"""Items and pairs: their records, reading and writing them, built-in problems, and the parsing of answers."""

from mediate.items.answers import math_verify_same, normalise, parse_answer, same_answer
from mediate.items.gsm_symbolic import gsm_symbolic_pairs
from mediate.items.modular import Hint, modular_pairs
from mediate.items.pair import Item, Pair
from mediate.items.problems import TEMPLATE_NAMES, few_shot_prompt, generate_pairs
from mediate.items.reading import PairFile, read_pairs, scan_pairs, write_pairs

__all__ = [
    "TEMPLATE_NAMES",
    "Hint",
    "Item",
    "Pair",
    "PairFile",
    "few_shot_prompt",
    "generate_pairs",
    "gsm_symbolic_pairs",
    "math_verify_same",
    "modular_pairs",
    "normalise",
    "parse_answer",
    "read_pairs",
    "same_answer",
    "scan_pairs",
    "write_pairs",
]
