"""Maps are compared at relative depth as shares of TE, by layer, by step and cell by cell."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.compare.maps import MapDifference, Scope
from mediate.compare.stacks import cumulative, depth_weights
from mediate.results import Results
from tests.compare import made
from tests.compare.asked import compared

FLAT = np.full((2, 4), 0.05)


def peaked(step: int, layer: int, by: float = 0.1, shape: tuple[int, int] = (2, 4)) -> np.ndarray:
    profile = np.full(shape, 0.05)
    profile[step, layer] += by
    return profile


def scopes(*runs: Results, **choices: float) -> dict[Scope, MapDifference]:
    return {each.scope: each for each in compared(*runs, **choices).maps if each.run == "run1"}


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_binning_keeps_sums_and_averages(layers: int, bins: int) -> None:
    weights = depth_weights(layers, bins)
    np.testing.assert_allclose(weights.sum(axis=0), 1)  # every layer is counted once
    means = depth_weights(layers, bins, average=True)
    np.testing.assert_allclose(means.sum(axis=1), 1)
    assert (weights >= 0).all()
    # What does not change with depth does not change with the number of layers.
    np.testing.assert_allclose(means @ np.ones(layers), 1)
    np.testing.assert_allclose(weights @ np.full(layers, 1 / layers), 1 / bins)
    if layers == bins:
        np.testing.assert_array_equal(weights, np.eye(layers))


def test_binning_by_hand() -> None:
    third = 1 / 3
    np.testing.assert_allclose(depth_weights(3, 2), [[1, 0.5, 0], [0, 0.5, 1]])
    np.testing.assert_allclose(depth_weights(3, 2, average=True), [[2 * third, third, 0], [0, third, 2 * third]])
    assert cumulative("state.resid_pre")
    assert cumulative("attribution.resid_post.ig")
    assert not cumulative("read")
    assert not cumulative("state.attn_out")


def test_shared_traces_are_compared_by_layer_step_and_cell() -> None:
    found = scopes(made.run(profile=FLAT), made.run(made.B, writer=made.A, profile=peaked(1, 2), seed=1))
    assert set(found) == {Scope.LAYER, Scope.STEP, Scope.CELL}
    layer, step, cell = (found[scope] for scope in (Scope.LAYER, Scope.STEP, Scope.CELL))
    np.testing.assert_allclose(layer.difference, [0, 0, 0.1, 0], atol=0.01)
    np.testing.assert_allclose(layer.labels["layer"], [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(step.difference, [0, 0.1], atol=0.01)
    np.testing.assert_array_equal(step.labels["step"], [0, 1])
    assert cell.difference.shape == (8,)
    assert np.flatnonzero(layer.p_adjusted <= 0.05).tolist() == [2]
    assert np.flatnonzero(step.p_adjusted <= 0.05).tolist() == [1]
    assert int(np.nanargmax(cell.difference)) == 6
    np.testing.assert_array_equal((cell.labels["step"][6], cell.labels["layer"][6]), (1, 0.625))
    np.testing.assert_allclose(layer.here - layer.there, layer.difference, atol=1e-12)
    assert (layer.low < layer.difference).all()
    # Sums over cells, over layers and over steps are one number.
    assert cell.difference.sum() == pytest.approx(layer.difference.sum())
    assert cell.difference.sum() == pytest.approx(step.difference.sum())


def test_what_is_compared_is_the_ratio_of_sums() -> None:
    a, b = made.run(profile=FLAT), made.run(made.B, writer=made.A, profile=FLAT * 3, te=2.0, seed=1)
    found = scopes(a, b)[Scope.LAYER]
    for run, values in ((a, found.there), (b, found.here)):
        te = (run.cubes[0].y[:, 1, 1, 1] - run.cubes[0].y[:, 0, 0, 0]).sum()
        sums = sum(each.values.sum(axis=0) for each in run.maps)
        np.testing.assert_allclose(values, sums / te)


def test_own_traces_have_no_steps_in_common() -> None:
    found = scopes(made.run(profile=FLAT), made.run(made.B, profile=peaked(0, 1), seed=1))
    assert set(found) == {Scope.LAYER}
    np.testing.assert_allclose(found[Scope.LAYER].difference, [0, 0.1, 0, 0], atol=0.01)
    longer = scopes(made.run(profile=FLAT), made.run(made.B, profile=np.full((3, 4), 0.05), steps=3, seed=1))
    np.testing.assert_allclose(longer[Scope.LAYER].difference, 0.05, atol=0.01)


def test_models_of_other_depth_are_compared_on_the_shallower_ones_bins() -> None:
    deep = np.full((2, 8), 0.025)
    deep[1, 5] += 0.1  # depth 0.625 to 0.75: in the third of four bins
    found = scopes(made.run(profile=FLAT), made.run(made.B, writer=made.A, profile=deep, layers=8, seed=1))
    layer = found[Scope.LAYER]
    assert layer.regridded
    assert found[Scope.CELL].difference.shape == (8,)
    np.testing.assert_allclose(layer.difference, [0, 0, 0.1, 0], atol=0.01)
    turned = scopes(made.run(made.B, profile=deep, layers=8), made.run(made.A, writer=made.B, profile=FLAT, seed=1))
    np.testing.assert_allclose(turned[Scope.LAYER].difference, [0, 0, -0.1, 0], atol=0.01)


def of_kind(run: Results, kind: str) -> Results:
    return replace(run, maps=tuple(replace(each, kind=kind) for each in run.maps))


def test_residual_streams_of_other_depth_are_averaged() -> None:
    level = of_kind(made.run(profile=FLAT), "state.resid_pre")
    deep = of_kind(made.run(made.B, profile=np.full((2, 8), 0.05), layers=8, seed=1), "state.resid_pre")
    np.testing.assert_allclose(scopes(level, deep)[Scope.LAYER].difference, 0, atol=0.01)
    summed = scopes(*(of_kind(run, "state.mlp_out") for run in (level, deep)))[Scope.LAYER]
    np.testing.assert_allclose(summed.difference, 0.1, atol=0.01)


def test_chains_of_different_length_count_nothing_at_steps_that_they_lack() -> None:
    a, b = (made.run(model, writer=writer, profile=FLAT, seed=seed) for model, writer, seed in
            ((made.A, None, 0), (made.B, made.A, 1)))  # fmt: skip

    # Item 0 has its second step taken away, in both runs alike.
    def short(run: Results) -> Results:
        item = run.items[0]
        worlds = {
            name: replace(getattr(item, name), tokens=getattr(item, name).tokens[:2], steps=(0, 0))
            for name in ("base", "source")
        }
        first = replace(run.maps[0], values=run.maps[0].values[:1], coords={"step": (0,), "layer": tuple(range(4))})
        return replace(run, items=(replace(item, **worlds), *run.items[1:]), maps=(first, *run.maps[1:]))

    found = scopes(short(a), short(b))
    te = (a.cubes[0].y[:, 1, 1, 1] - a.cubes[0].y[:, 0, 0, 0]).sum()
    # Steps are counted to the last one: what item 0 lacks is the one before it.
    before = sum(each.values[0].sum() for each in a.maps[1:]) / te
    assert found[Scope.STEP].there[0] == pytest.approx(before)
    np.testing.assert_array_equal(found[Scope.STEP].labels["step"], [-2, -1])
    assert found[Scope.STEP].n == 24


def test_chains_of_two_three_and_five_steps_are_counted_to_the_last_one() -> None:
    a, b = (made.run(model, writer=writer, profile=FLAT, seed=seed) for model, writer, seed in
            ((made.A, None, 0), (made.B, made.A, 1)))  # fmt: skip
    lengths = (2, 3, 5)

    def of_lengths(run: Results, by: float) -> Results:
        """In an item with n steps, step s of n has s + 1 in layer 0, by the factor, and nothing elsewhere."""
        items, maps = [], []
        for number, (item, effects) in enumerate(zip(run.items[:3], run.maps[:3], strict=True)):
            count = lengths[number]
            told = {
                name: replace(getattr(item, name), tokens=(" x.",) * count, steps=tuple(range(count)))
                for name in ("base", "source")
            }
            values = np.zeros((count, 4))
            values[:, 0] = by * (1.0 + np.arange(count))
            coords = {"step": tuple(range(count)), "layer": tuple(range(4))}
            items.append(replace(item, **told))
            maps.append(replace(effects, values=values, coords=coords))
        cubes = tuple(replace(c, y=c.y[:3], items=c.items[:3], groups=c.groups[:3]) for c in run.cubes)
        return replace(run, items=tuple(items), maps=tuple(maps), cubes=cubes)

    first, second = of_lengths(a, 1.0), of_lengths(b, 2.0)
    found = scopes(first, second)
    te = [float((run.cubes[0].y[:, 1, 1, 1] - run.cubes[0].y[:, 0, 0, 0]).sum()) for run in (first, second)]
    step, cell, layer = (found[scope] for scope in (Scope.STEP, Scope.CELL, Scope.LAYER))
    np.testing.assert_array_equal(step.labels["step"], [-5, -4, -3, -2, -1])
    # By hand: the last steps of 2, 3 and 5 have 2 + 3 + 5, those before them 1 + 2 + 4, then 1 + 3, then 2, then 1.
    sums = np.array([1.0, 2.0, 4.0, 7.0, 10.0])
    np.testing.assert_allclose(step.there, sums / te[0], rtol=1e-12)
    np.testing.assert_allclose(step.here, 2 * sums / te[1], rtol=1e-12)
    by_cell = cell.there.reshape(5, 4)
    np.testing.assert_allclose(by_cell[:, 0], sums / te[0], rtol=1e-12)
    np.testing.assert_array_equal(by_cell[:, 1:], 0)
    assert layer.there[0] == pytest.approx(sums.sum() / te[0], rel=1e-12)  # no effect is lost or counted twice
    same = scopes(made.run(profile=FLAT), made.run(made.B, writer=made.A, profile=FLAT, seed=1))
    np.testing.assert_array_equal(same[Scope.STEP].labels["step"], [0, 1])  # of one length, from the first on


def test_items_without_a_map_in_one_run_are_left_out() -> None:
    a, b = made.run(profile=FLAT), made.run(made.B, writer=made.A, profile=FLAT, seed=1)
    fewer = replace(b, maps=b.maps[3:])
    found = scopes(a, fewer)[Scope.LAYER]
    assert (found.n, found.groups) == (21, 8)
    te = (a.cubes[0].y[3:, 1, 1, 1] - a.cubes[0].y[3:, 0, 0, 0]).sum()
    np.testing.assert_allclose(found.there, sum(each.values.sum(axis=0) for each in a.maps[3:]) / te)


def test_axes_in_another_order_are_the_same_map() -> None:
    a, b = made.run(profile=FLAT), made.run(made.B, writer=made.A, profile=peaked(1, 2), seed=1)
    turned = [
        replace(run, maps=tuple(replace(each, values=each.values.T, dims=("layer", "step")) for each in run.maps))
        for run in (a, b)
    ]
    plain, other = scopes(a, b), scopes(*turned)
    np.testing.assert_allclose(other[Scope.STEP].difference, plain[Scope.STEP].difference)
    cells = other[Scope.CELL].difference.reshape(4, 2)
    np.testing.assert_allclose(cells.T.ravel(), plain[Scope.CELL].difference)


def test_maps_over_heads_need_the_same_heads() -> None:
    def heads(run: Results, count: int) -> Results:
        maps = tuple(
            replace(each, dims=("layer", "head"), kind="state.z",
                    coords={"layer": (0, 1, 2, 3), "head": tuple(range(count))},
                    values=np.repeat(each.values.sum(axis=0)[:, None], count, axis=1) * (1 + np.arange(count)))
            for each in run.maps
        )  # fmt: skip
        return replace(run, maps=maps)

    a, b = made.run(profile=FLAT), made.run(made.B, profile=peaked(1, 2), seed=1)
    found = scopes(heads(a, 3), heads(b, 3))
    assert set(found) == {Scope.LAYER, Scope.CELL}
    np.testing.assert_allclose(found[Scope.CELL].difference.reshape(4, 3)[2], [0.1, 0.2, 0.3], atol=0.03)
    refused = compared(heads(a, 3), heads(b, 2))
    assert refused.maps == ()
    assert refused.maps_left_out == {"state.z:layer,head of logit_diff": "their heads are not the same"}


def test_maps_that_cannot_be_compared_say_why() -> None:
    a, b = made.run(profile=FLAT), made.run(made.B, profile=FLAT, seed=1)
    cases = {
        "'run1' has none": (a, replace(b, maps=())),
        "no item has one in all runs": (replace(a, maps=a.maps[:3]), replace(b, maps=b.maps[3:])),
        "an adaptive map leaves out other cells in each run": (
            of_kind(a, "read.adaptive"), of_kind(b, "read.adaptive")),
        "a step graph's cells have outcomes of their own, and no total effect in common": (
            of_kind(a, "step_graph.read"), of_kind(b, "step_graph.read")),
        "not all runs have the outcome": tuple(
            replace(run, maps=tuple(replace(each, outcome="other") for each in run.maps)) for run in (a, b)),
        "a map does not have every layer from 0 on, or not the same layers in all items": (a, replace(b, maps=tuple(
            replace(each, coords=each.coords | {"layer": (1, 2, 3, 4)}) for each in b.maps))),
        "the mean total effect in run1 is 0.05, within 0.1 of 0": (
            a, made.run(made.B, profile=FLAT, te=0.05, seed=1)),
    }  # fmt: skip
    for why, runs in cases.items():
        found = compared(*runs)
        assert found.maps == ()
        assert list(found.maps_left_out.values()) == [why]


def test_cell_by_cell_is_corrected_for_discoveries() -> None:
    found = scopes(made.run(profile=FLAT), made.run(made.B, writer=made.A, profile=peaked(1, 2), seed=1))[Scope.CELL]
    order = np.argsort(found.p)
    adjusted = found.p[order] * len(found.p) / (1 + np.arange(len(found.p)))
    np.testing.assert_allclose(found.p_adjusted[order], np.minimum.accumulate(adjusted[::-1])[::-1].clip(max=1))
