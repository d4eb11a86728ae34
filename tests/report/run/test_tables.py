import numpy as np
import pytest

from mediate.report import channel_table, mean_map_table, reject_table, summary_table
from mediate.report.run.tables import cell_table, identity_error
from mediate.results import CHANNELS, Results, corners, mean_map, set_effects, set_shares, shapley
from mediate.results.contrasts import HIDDEN
from tests.figures.records import fake_item_results, fake_manifest, fake_results

NAMED = ["necessity", "sufficiency", "blind"]


def test_the_summary_has_every_quantity_of_every_outcome() -> None:
    results = fake_results()
    table = summary_table(results).set_index(["outcome", "quantity"])
    effects = ["TE", "NDE", "NIE", "TDE", "TIE", "interaction", *(f"{channel} effect" for channel in CHANNELS)]
    shares = [f"{name} share" for name in (*CHANNELS, "mediated")]
    assert list(table.index) == [(cube.outcome, name) for cube in results.cubes for name in (*effects, *shares)]
    for cube in results.cubes:
        for name, share in set_shares(cube).items():
            row = table.loc[(cube.outcome, f"{name} share")]
            assert (row["value"], row["low"], row["high"]) == (share.value, share.low, share.high)
            assert (row["unit"], row["undefined"], row["n"], row["groups"]) == ("share of TE", 1, 12, 5)
        assert table.loc[(cube.outcome, "TIE"), "value"] == set_effects(cube)["tie"].value
        assert table.loc[(cube.outcome, "TIE"), "unit"] == "nats"


def test_tables_of_items_have_the_named_effects_and_tables_of_pairs_have_none() -> None:
    results = fake_item_results()
    summary = summary_table(results).set_index(["outcome", "quantity"])
    for cube in results.cubes:
        effects, cells, channels = set_effects(cube), cell_table([cube]), channel_table(cube)
        for name, each in zip(NAMED, HIDDEN.named, strict=True):
            row, mean = summary.loc[(cube.outcome, name)], effects[name]
            assert (row["value"], row["low"], row["high"]) == (mean.value, mean.low, mean.high)
            assert row["low"] < row["value"] < row["high"]
            np.testing.assert_array_equal(cells[name], each.of(cube.y))
            np.testing.assert_array_equal(channels[name], each.of(cube.y))
    pairs = fake_results()
    for table in (cell_table(pairs.cubes), channel_table(pairs.cubes[0]), summary_table(pairs).set_index("quantity").T):
        assert not set(NAMED) & set(table.columns)


def test_a_table_of_several_contrasts_has_gaps_where_one_names_no_difference() -> None:
    table = cell_table([*fake_results(2).cubes, *fake_item_results(2).cubes])
    assert table["blind"].isna().tolist() == [True] * 4 + [False] * 4


def test_the_summary_of_nothing_has_the_same_columns() -> None:
    nothing = summary_table(Results(fake_manifest()))
    assert len(nothing) == 0
    assert list(nothing.columns) == list(summary_table(fake_results()).columns)


def test_channels_of_items_sum_to_te_and_undefined_shares_are_nan() -> None:
    cube = fake_results().cubes[0]
    table = channel_table(cube, min_te=0.1)
    np.testing.assert_allclose(table[list(CHANNELS)].to_numpy(), shapley(cube.y))
    np.testing.assert_allclose(table[list(CHANNELS)].sum(axis=1), table["te"])
    np.testing.assert_allclose(table["nde"] + table["tie"], table["te"])
    np.testing.assert_allclose(
        table["mediated_share"].drop(4), (corners(cube.y).tie / corners(cube.y).te)[np.arange(12) != 4]
    )
    assert table.filter(like="share").isna().any(axis=1).tolist() == [place == 4 for place in range(12)]


def test_the_identity_error_is_that_of_floating_point() -> None:
    cube = fake_results().cubes[0]
    assert 0 < identity_error(cube) < 1e-12


def test_the_table_under_the_map_figures_is_the_mean_map() -> None:
    maps = fake_results().maps
    mean, coords, count = mean_map(maps)
    table = mean_map_table(maps)
    assert len(table) == mean.size
    square = table.pivot(index="step", columns="layer", values="mean")
    np.testing.assert_allclose(square.to_numpy(), mean)
    assert (tuple(square.index), tuple(square.columns)) == (coords["step"], coords["layer"])
    np.testing.assert_array_equal(table.pivot(index="step", columns="layer", values="n").to_numpy(), count)


def test_rejects_are_counted_by_reason_and_part() -> None:
    table = reject_table(fake_results().rejects)
    assert table[["code", "part", "count"]].to_numpy().tolist() == [
        ["not_solved", "item", 2],
        ["equal_answers", "item", 1],
        ["steps_differ", "read:step,layer", 1],
    ]
    assert table["example"][0] == "the model answers '9' in the base world, not '11'"
    assert list(reject_table([]).columns) == list(table.columns)


@pytest.mark.parametrize("level", [0.5, 0.99])
def test_the_level_of_the_spec_is_used(level: float) -> None:
    results = fake_results()
    changed = Results(fake_manifest(spec={"level": level}), results.items, results.cubes)
    assert set(summary_table(changed)["level"]) == {level}
