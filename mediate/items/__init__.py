"""Items and pairs: their records, reading and writing them, built-in problems, and the parsing of answers."""

from mediate.items.answers import normalise, parse_answer, same_answer
from mediate.items.pair import Item, Pair
from mediate.items.problems import few_shot_prompt, generate_pairs
from mediate.items.reading import PairFile, read_pairs, scan_pairs, write_pairs

__all__ = [
    "Item",
    "Pair",
    "PairFile",
    "few_shot_prompt",
    "generate_pairs",
    "normalise",
    "parse_answer",
    "read_pairs",
    "same_answer",
    "scan_pairs",
    "write_pairs",
]
