"""What was found, as bytes and back."""

import numpy as np
import pytest

from mediate.results.folder import Results, tables_of
from mediate.results.packing import of_items, packed, unpacked
from mediate.results.told import Reject
from tests.figures.records import fake_results


def assert_same(found: Results, wanted: Results) -> None:
    assert (found.manifest, found.items, found.rejects) == (wanted.manifest, wanted.items, wanted.rejects)
    one, other = tables_of(found), tables_of(wanted)
    assert one.keys() == other.keys()
    for name, table in one.items():
        assert table.equals(other[name]), name
    for cube, each in zip(found.cubes, wanted.cubes, strict=True):
        np.testing.assert_array_equal(cube.y, each.y)


def test_what_is_packed_comes_back_as_it_was() -> None:
    results = fake_results()
    assert results.items
    assert results.maps
    content = packed(results)
    assert all(isinstance(each, bytes) for each in content.values())
    assert_same(unpacked(content), results)


def test_nothing_but_what_was_left_out_comes_back_too() -> None:
    alone = Results({"spec": {"outcomes": ["logit_diff"]}}, rejects=(Reject("a\ud800", "nonfinite", "why"),))
    found = unpacked(packed(alone))
    assert found.rejects == alone.rejects
    assert [(cube.outcome, cube.items) for cube in found.cubes] == [("logit_diff", ())]


def test_what_was_found_of_some_items_holds_all_of_these_and_nothing_else() -> None:
    results = fake_results()
    own = {each.id for each in results.items[1:3]}
    found = of_items(results, own)
    assert {each.id for each in found.items} == own
    assert {each.item for each in found.maps} == own & {each.item for each in results.maps}
    for cube, whole in zip(found.cubes, results.cubes, strict=True):
        np.testing.assert_array_equal(cube.y, whole.y[1:3])


def test_other_bytes_are_refused() -> None:
    content = packed(fake_results())
    with pytest.raises(OSError, match="Expected to be able to read"):
        unpacked(content | {"cube": content["cube"][:-9]})
    with pytest.raises(KeyError):
        unpacked({})
