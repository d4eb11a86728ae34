"""Frames and labelled arrays: every number stands under its own labels, in the columns that a run directory has."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.report import Scores
from mediate.results import CHANNELS, Cube, EffectMap, Measured, Results, Told, corners, mean_map, write_results
from mediate.results.agreement import Agreement
from mediate.results.contrasts import CONTRASTS, Contrast
from mediate.results.cube import cube_array
from mediate.results.dataset import results_dataset
from mediate.results.labelled import units_of
from mediate.results.maps import map_array, maps_from_table

OUTCOMES = ("logit_diff", "logprob_diff")
LABELS = {"step": st.integers(0, 9), "layer": st.integers(0, 5), "head": st.integers(0, 3)}


def made(
    item: str = "a", steps: tuple[int, ...] = (0, 1), dims: tuple[str, ...] = ("step", "layer"), **changes: Any
) -> EffectMap:
    coords = {name: {"step": steps, "layer": (0, 1, 2), "kv_head": (0, 1)}[name] for name in dims}
    values = np.random.default_rng(len(item) + len(dims)).normal(size=[len(coords[name]) for name in dims])
    fields: dict[str, Any] = {"group": f"of {item}", "kind": "read", "outcome": OUTCOMES[0], "te": 1.5}
    return EffectMap(values, dims, coords, item, **(fields | changes))


def cube(items: tuple[str, ...] = ("a", "bb"), outcome: str = OUTCOMES[0]) -> Cube:
    y = np.random.default_rng(len(outcome)).normal(size=(len(items), 2, 2, 2))
    return Cube(y, items, tuple(f"of {item}" for item in items), outcome)


def results(maps: tuple[EffectMap, ...] = (), items: tuple[str, ...] = ("a", "bb")) -> Results:
    world = Told("q", "1", (" x",), (0,), None, True)
    measured = tuple(Measured(item, f"of {item}", world, world) for item in items)
    return Results({"status": "success"}, measured, tuple(cube(items, outcome) for outcome in OUTCOMES), maps)


@st.composite
def any_coords(draw: st.DrawFn) -> dict[str, tuple[int, ...]]:
    """Any axes in any order, with labels in any order and gaps between them."""
    dims = tuple(draw(st.permutations(list(LABELS)))[: draw(st.integers(1, 3))])
    return {name: tuple(draw(st.lists(LABELS[name], min_size=1, max_size=4, unique=True))) for name in dims}


@settings(deadline=None, max_examples=60)
@given(any_coords())
def test_every_cell_stands_under_its_labels(coords: dict[str, tuple[int, ...]]) -> None:
    shape = [len(labels) for labels in coords.values()]
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)  # each value names its cell
    one = EffectMap(values, tuple(coords), coords, "a", "g", "read", OUTCOMES[0], 2.0)
    frame, array = one.to_frame(), one.to_xarray()
    assert len(frame) == one.values.size
    found = frame.set_index(list(one.dims))["effect"]
    for place in np.ndindex(one.values.shape):
        labels = {name: one.coords[name][at] for name, at in zip(one.dims, place, strict=True)}
        key = tuple(labels.values())
        assert found.loc[key if len(key) > 1 else key[0]] == one.values[place] == array.sel(labels).item()


def test_a_maps_frame_is_its_part_of_the_run_directory(tmp_path: Path) -> None:
    maps = (made("a"), made("bb", steps=(0, 1, 2)))
    write_results(tmp_path, results(maps))
    stored = pd.read_parquet(tmp_path / "results" / "effects.parquet")
    for each in maps:
        pd.testing.assert_frame_equal(each.to_frame(), stored[stored["item"] == each.item].reset_index(drop=True))
        back = maps_from_table(each.to_frame())[0]
        assert (back.dims, back.coords, back.te) == (each.dims, each.coords, each.te)
        np.testing.assert_array_equal(back.values, each.values)
    assert set(stored) == {"item", "group", "kind", "outcome", "step", "layer", "effect", "te"}


def test_a_cubes_frame_is_its_part_of_the_run_directory(tmp_path: Path) -> None:
    write_results(tmp_path, results())
    stored = pd.read_parquet(tmp_path / "results" / "cube.parquet")
    one = cube(outcome=OUTCOMES[1])
    pd.testing.assert_frame_equal(one.to_frame(), stored[stored["outcome"] == OUTCOMES[1]].reset_index(drop=True))
    assert list(one.to_frame())[:5] == ["item", "group", "outcome", "contrast", "y000"]
    assert one.to_frame()["y011"].tolist() == one.y[:, 0, 1, 1].tolist()


def test_a_cubes_array_is_labelled() -> None:
    one = cube()
    array = one.to_xarray()
    assert (array.dims, array.name, array.attrs["units"]) == (("item", "d", "t", "h"), "logit_diff", "nats")
    assert array.sel(item="bb", d=1, t=0, h=1).item() == one.y[1, 1, 0, 1]
    assert array["group"].sel(item="bb").item() == "of bb"
    nde = array.sel(d=1, t=0, h=0) - array.sel(d=0, t=0, h=0)
    np.testing.assert_array_equal(nde, corners(one.y).nde)
    assert [array[name].attrs["long_name"].split(":")[0] for name in "dth"] == list(CHANNELS)


@pytest.mark.parametrize("contrast", CONTRASTS, ids=str)
def test_a_cubes_axes_say_what_an_item_is_held_against(contrast: Contrast) -> None:
    array = replace(cube(), contrast=contrast).to_xarray()
    said = [array[name].attrs["long_name"] for name in "dth"]
    assert said == [
        f"{name}: 1 the item as it is, 0 {zero}" for name, zero in zip(CHANNELS, contrast.zero, strict=True)
    ]


def test_a_maps_array_carries_what_its_record_says() -> None:
    array = made("bb", te=0.25, kind="state.z").to_xarray()
    assert (array.dims, array.name) == (("step", "layer"), "state.z")
    assert array.attrs == {"units": "nats", "kind": "state.z", "outcome": "logit_diff"}
    assert {name: array[name].item() for name in ("item", "group", "te")} == {
        "item": "bb",
        "group": "of bb",
        "te": 0.25,
    }
    agreement = Agreement(0.95, 1.0, 0.0, 1.0, 1.0, 24, 8, 0)
    assert made(agreement=agreement).to_xarray().attrs["verdict"] == "reliable"


def test_arrays_of_several_items_side_by_side_have_the_mean_of_the_maps() -> None:
    maps = [made("a", te=1.0), made("bb", steps=(1, 2, 4), te=3.0)]
    together = xr.concat([each.to_xarray() for each in maps], "item", join="outer", coords=["group", "te"])
    mean, coords, _ = mean_map(maps)
    assert {name: tuple(together[name].values) for name in ("step", "layer")} == coords
    np.testing.assert_allclose(together.mean("item"), mean)
    assert together["te"].sel(item="bb").item() == 3.0


def test_a_whole_run_as_one_dataset() -> None:
    gap = made("bb", kind="step_graph.read")
    gap.values[0, 1] = np.nan
    heads = ("layer", "kv_head")
    maps = (made("a"), made("bb", steps=(0, 1, 2)), made("a", outcome=OUTCOMES[1]), made("bb", dims=heads), gap)
    run = results(maps)
    data = Scores(run).to_xarray()
    assert set(data.data_vars) == {"y", "te", "read:step,layer", "read:layer,kv_head", "step_graph.read:step,layer"}
    assert dict(data.sizes) == {"outcome": 2, "item": 2, "d": 2, "t": 2, "h": 2, "step": 3, "layer": 3, "kv_head": 2}
    for each in run.cubes:
        xr.testing.assert_equal(data["y"].sel(outcome=each.outcome, drop=True), each.to_xarray())
        np.testing.assert_array_equal(data["te"].sel(outcome=each.outcome), corners(each.y).te)
    filled = 0
    for each in maps:
        here = data[f"{each.kind}:{','.join(each.dims)}"].sel(item=each.item, outcome=each.outcome)
        np.testing.assert_array_equal(here.sel({name: list(each.coords[name]) for name in each.dims}), each.values)
        filled += int(np.isfinite(each.values).sum())
    assert sum(int(data[name].notnull().sum()) for name in data.data_vars if ":" in name) == filled
    assert {data[name].attrs["units"] for name in data.data_vars} == {"nats"}


def test_maps_without_cubes_and_a_run_of_nothing() -> None:
    alone = results_dataset(Results({}, maps=(made("a"),)))
    assert alone["group"].values.tolist() == ["of a"]
    assert alone["te"].isnull().all()
    empty = results_dataset(Results({}))
    assert (empty.sizes["item"], empty.sizes["outcome"]) == (0, 0)


def test_two_maps_of_one_cell_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"item 'a': two maps read:step,layer of 'logit_diff'"):
        results_dataset(results((made("a"), made("a"))))


def test_arrays_are_copies() -> None:
    one, whole = made(), cube()
    before = one.values.copy(), whole.y.copy()
    one.to_xarray()[:] = 0.0
    whole.to_xarray()[:] = 0.0
    results_dataset(results((one,)))["read:step,layer"][:] = 0.0
    np.testing.assert_array_equal(one.values, before[0])
    np.testing.assert_array_equal(whole.y, before[1])


def test_without_xarray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    for call in (lambda: map_array(made()), lambda: cube_array(cube()), lambda: results_dataset(results())):
        with pytest.raises(InputError, match=r"pip install xarray") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys, mediate; assert not {'pandas', 'xarray', 'torch', 'numpy'} & set(sys.modules)\n"
        "import mediate.results.dataset, mediate.report; assert not {'xarray', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_array_names_the_unit_of_its_outcome() -> None:
    assert cube_array(cube(outcome="prob")).attrs["units"] == "probability"
    assert units_of(["logit", "prob", "logprob"]) == "nats, probability"
