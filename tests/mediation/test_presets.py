"""Presets stand for maps that there are, and are the same run as those maps by their names."""

import pytest

from mediate.mediation.names import check_twinless, parse_map
from mediate.mediation.presets import PRESETS, is_of_presets, without_presets
from mediate.scoring.given import fitting
from mediate.scoring.spec import make_spec
from mediate.tasks.modular import modular_pairs


@pytest.mark.parametrize("name", [each.name for each in PRESETS])
def test_a_preset_stands_for_maps_of_pairs_and_of_items(name: str) -> None:
    preset = next(each for each in PRESETS if each.name == name)
    for each in (*preset.pairs, *preset.items):
        assert str(parse_map(each)) == each
    for each in preset.items:
        check_twinless(parse_map(each))
    assert len(preset.pairs) > 1 < len(preset.items), "one map by itself is a name of its own, which must be possible"
    assert without_presets([name], items=False) == preset.pairs
    assert without_presets([name], items=True) == preset.items


def test_presets_and_maps_come_together_each_once() -> None:
    found = without_presets(["quick", "read:step", "relayed:step", "steps"], items=False)
    assert found == (
        *("read:step", "read:layer", "relayed:step"),
        *("read:step,layer", "graft:step", "step_graph.read:step,result"),
    )


def test_maps_of_presets_need_not_be_possible_for_all() -> None:
    assert is_of_presets(["read:layer", "read:step"])
    assert is_of_presets(without_presets(["heads", "quick"], items=True))
    assert not is_of_presets(["read:step"])
    assert not is_of_presets(["read:layer", "read:step", "relayed:step"])
    assert make_spec(maps=["relayed:step"]).must_map
    assert not make_spec(maps=["read:step", "read:layer"]).must_map
    assert not make_spec(maps=()).must_map


def test_a_preset_is_the_run_of_its_maps() -> None:
    pairs = modular_pairs(2)
    found = fitting(pairs, make_spec(maps=["quick"]))
    assert found.described() == fitting(pairs, make_spec(maps=["read:step", "read:layer"])).described()
    items = [pair.base for pair in pairs]
    assert fitting(items, make_spec(maps=["quick"])).maps == ("knockout:step", "knockout:layer")
