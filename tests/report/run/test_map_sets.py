"""Maps set by set: the order in which they are offered, what is strongest in them, and how they are named."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.report.run.map_sets import MapSet, along_chain, colouring_set, map_sets, named_set
from mediate.results import EffectMap, Results
from tests.figures.records import fake_results


def effects(
    values: object, dims: tuple[str, ...] = ("step", "layer"), item: str = "a", kind: str = "read"
) -> EffectMap:
    array = np.array(values, dtype=float)
    coords = {name: tuple(range(size)) for name, size in zip(dims, array.shape, strict=True)}
    return EffectMap(array, dims, coords, item, "g", kind, "logit_diff", 1.0)


def having(*maps: EffectMap) -> Results:
    return replace(fake_results(2), maps=maps)


def test_the_strongest_layer_counts_sizes_over_items_and_steps() -> None:
    one = effects([[1.0, -3.0, 2.0], [1.0, -3.0, 2.5]])
    assert MapSet((one,)).strongest() == {"layer": 1}
    assert MapSet((effects([[0.0, 3.0, 2.0]]), effects([[0.0, 0.0, -2.0]], item="b"))).strongest() == {"layer": 2}
    assert MapSet((effects([[1.0, 1.0, 1.0]]),)).strongest() == {"layer": 0}


def test_the_strongest_head_is_that_of_the_layer_that_is_asked_for() -> None:
    found = MapSet((effects([[[1.0, 0.0], [0.0, 9.0]], [[0.0, 2.0], [0.0, 0.0]]], ("step", "layer", "head")),))
    assert found.strongest() == {"layer": 1, "head": 1}
    assert found.strongest({"layer": 0}) == {"layer": 0, "head": 1}
    assert found.strongest({"layer": 0, "head": 0}) == {"layer": 0, "head": 0}
    with pytest.raises(InputError, match=r"step: no axis of 'read:step,layer,head' to choose from; there is: layer, h"):
        found.strongest({"step": 0})


def test_chains_of_other_lengths_and_undefined_cells_count_as_far_as_they_go() -> None:
    short = effects([[np.nan, 1.0]], ("step", "result"), kind="step_graph.read")
    long = effects(
        [[np.nan, 1.0, 3.0], [np.nan, np.nan, 1.0], [np.nan] * 3], ("step", "result"), "b", "step_graph.read"
    )
    assert MapSet((short, long)).strongest() == {"result": 2}
    assert MapSet((short, long)).limit == 3.0


def test_the_scale_never_ends_below_what_is_too_small_to_tell() -> None:
    assert MapSet((effects([[0.01]]),), least=0.1).limit == 0.1
    assert MapSet((effects([[-0.5]]),), least=0.1).limit == 0.5
    assert map_sets(having(effects([[0.01]])))[0].limit == 0.1


def test_effects_along_a_chain_are_those_at_the_chosen_labels() -> None:
    one = effects([[1.0, -3.0], [2.0, 4.0]])
    assert along_chain(one, {"layer": 1}) == {0: -3.0, 1: 4.0}
    assert along_chain(one, {"layer": 7}) == {}
    assert along_chain(effects([1.0, 2.0], ("step",)), {}) == {0: 1.0, 1: 2.0}
    assert along_chain(effects([[1.0]], ("layer", "head")), {"layer": 0, "head": 0}) == {}


def test_exact_maps_over_steps_and_layers_come_first_and_estimates_last() -> None:
    estimate = effects([[1.0]], kind="attribution.resid_pre")
    others = [effects([[1.0]], ("layer", "head")), effects([1.0], ("step",), kind="knockout")]
    position, step = effects([[1.0]], ("position", "layer")), effects([[1.0]], kind="state.z")
    results = having(estimate, *others, position, step)
    assert [each.name for each in map_sets(results)] == [
        "state.z:step,layer",
        "read:position,layer",
        "knockout:step",
        "read:layer,head",
        "attribution.resid_pre:step,layer",
    ]
    assert colouring_set(having(estimate, position)).name == "read:position,layer"  # type: ignore[union-attr]
    assert colouring_set(having(effects([[1.0]], ("layer", "head")))) is None


def test_a_set_is_named_by_its_kind_or_with_its_axes() -> None:
    results = having(effects([[1.0]]), effects([[1.0]], ("layer", "head"), kind="state.z"))
    assert named_set(results, None).name == "read:step,layer"
    assert named_set(results, "state.z").name == named_set(results, "state.z:layer,head").name == "state.z:layer,head"
    with pytest.raises(InputError, match=r"no map 'raed' in these results; did you mean 'read'\?"):
        named_set(results, "raed")
    with pytest.raises(InputError, match=r"no map 'xyz' in these results; there is: read:step,layer, state.z:layer,h"):
        named_set(results, "xyz")
    with pytest.raises(InputError, match="no maps in these results; score with"):
        named_set(having(), None)
    with pytest.raises(InputError, match=r"no map of a chain's parts; there is: state.z:layer,head"):
        named_set(having(effects([[1.0]], ("layer", "head"), kind="state.z")), None)


@pytest.mark.parametrize(
    ("dims", "kind", "at", "words"),
    [
        (("step", "layer"), "read", {"layer": 3}, "in layer 3 alone"),
        (("step", "layer"), "read.window3", {"layer": 3}, "in the 3 layers around layer 3"),
        (("step", "layer", "head"), "read", {"layer": 3, "head": 1}, "in layer 3 alone and in head 1"),
        (("step", "result"), "step_graph.read", {"result": 2}, "on what step 2 states"),
        (("step",), "graft", {}, ""),
    ],
)
def test_it_is_said_where_a_number_is_of(dims: tuple[str, ...], kind: str, at: dict[str, int], words: str) -> None:
    assert MapSet((effects(np.ones([1] * len(dims)), dims, kind=kind),)).where(at) == words


def test_what_a_number_is_of_is_said_of_steps_tokens_and_chains() -> None:
    assert "of that token (keys" in MapSet((effects([[1.0]], ("position", "layer")),)).words
    assert "of the whole chain (keys" in MapSet((effects([[1.0]], ("layer", "head")),)).words


def test_an_estimate_says_what_it_is_worth() -> None:
    found = MapSet((effects([[1.0]], kind="attribution.resid_pre"),))
    assert (found.noun, found.caution) == ("estimate", "Against exact patching, over all items: not assessed.")
    assert (MapSet((effects([[1.0]]),)).noun, MapSet((effects([[1.0]]),)).caution) == ("effect", "")
