"""Items and pairs: their records, reading and writing them, and the parsing of answers."""

from mediate.pairs.answers import math_verify_same, normalise, parse_answer, same_answer
from mediate.pairs.files import PairFile, read_pairs, scan_pairs, write_pairs
from mediate.pairs.item import Item
from mediate.pairs.pair import Pair

__all__ = [
    "Item",
    "Pair",
    "PairFile",
    "math_verify_same",
    "normalise",
    "parse_answer",
    "read_pairs",
    "same_answer",
    "scan_pairs",
    "write_pairs",
]
