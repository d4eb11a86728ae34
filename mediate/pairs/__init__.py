"""Items and pairs: their records, reading and writing them, and the parsing of answers."""

from mediate.pairs.answers import math_verify_same, normalise, parse_answer, same_answer
from mediate.pairs.files import PairFile, read_pairs, scan_pairs, write_pairs
from mediate.pairs.item import Item, check_item, check_items
from mediate.pairs.pair import Pair
from mediate.pairs.reading import ItemFile, read_items, scan_file, scan_items

__all__ = [
    "Item",
    "ItemFile",
    "Pair",
    "PairFile",
    "check_item",
    "check_items",
    "math_verify_same",
    "normalise",
    "parse_answer",
    "read_items",
    "read_pairs",
    "same_answer",
    "scan_file",
    "scan_items",
    "scan_pairs",
    "write_pairs",
]
