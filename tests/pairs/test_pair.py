"""The two worlds of a pair: their order, their words, and what is indexed by them."""

import json

from mediate.pairs.pair import Item, Pair, World, in_worlds
from mediate.results.told import Measured, Told, item_table, items_from_table

PAIR = Pair("a", "g", base=Item("Tom has 3.", "3"), source=Item("Tom has 2.", "2"))


def test_the_source_comes_first_and_each_is_its_word() -> None:
    assert [str(world) for world in World] == ["source", "base"]
    assert f"the {World.BASE} CoT" == "the base CoT"
    assert in_worlds(lambda world: PAIR[world].answer) == ("2", "3")
    assert in_worlds(lambda world: world.other) == (World.BASE, World.SOURCE)


def test_a_world_is_stored_as_it_was_as_a_number() -> None:
    assert json.dumps([World.SOURCE, World.BASE]) == "[0, 1]"
    assert ("source's", "base's")[World.BASE] == "base's"


def test_a_pair_and_a_measured_item_are_asked_by_world() -> None:
    assert PAIR[World.BASE] is PAIR.base
    assert PAIR[World.SOURCE] is PAIR.source
    base, source = (Told(item.question, item.answer, ("x",), (0,), None, True) for item in (PAIR.base, PAIR.source))
    told = Measured("a", "g", base=base, source=source)
    assert (told[World.BASE], told[World.SOURCE]) == (base, source)
    table = item_table([told])
    assert list(table["world"]) == ["base", "source"]
    assert items_from_table(table) == (told,)
