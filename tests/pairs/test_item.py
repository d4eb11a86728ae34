"""The record of an item, and what of it counts."""

from dataclasses import replace

from mediate.pairs.item import Item, said
from mediate.pairs.pair import Pair
from mediate.scoring.spec import pairs_fingerprint

PAIR = Pair(
    "a", "g", Item("Tom has 3.", "3", "Tom counts.", (3,)), Item("Tom has 2.", "2"), place="p.jsonl:1"
)  # fmt: skip


def test_what_is_left_to_its_default_does_not_count() -> None:
    assert said(PAIR.base) == {"question": "Tom has 3.", "answer": "3", "cot": "Tom counts.", "values": (3,)}
    assert said(Item("q", place="x:1", options=("1", "2"))) == {
        "question": "q", "answer": "", "cot": None, "values": (), "options": ("1", "2"),
    }  # fmt: skip


def test_the_fingerprint_of_pairs_is_what_it_was_before_items_had_more_fields() -> None:
    wanted = "1a6c06691cc6e8e3982210a5b5696810430423acb34f89a165e50c9146d65f1e"
    assert pairs_fingerprint([PAIR]) == pairs_fingerprint([replace(PAIR, place="")]) == wanted
    assert pairs_fingerprint([replace(PAIR, base=replace(PAIR.base, bridge="So "))]) != wanted
