"""What `mediate.attribute` gives back, on records that no model has made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import mediate
from mediate.errors import InputError
from mediate.report import Attributed
from mediate.report.run.attributed import ALONE
from mediate.results import Results, corners, item_shares, shapley
from mediate.results.cube import select
from tests.figures.records import fake_item_results
from tests.report.parse import parse


def alone(item: str = "apples-000", *, cut: bool = True) -> Results:
    """One item of a run, with its effects by step beside those by step and layer."""
    found = fake_item_results(6)
    (shown,) = (each for each in found.items if each.id == item)
    cubes = tuple(select(cube, [item]) for cube in found.cubes)
    (by_layer,) = (each for each in found.maps if each.item == item)
    by_step = replace(
        by_layer, values=by_layer.values.sum(axis=1), dims=("step",), coords={"step": by_layer.coords["step"]}
    )
    return replace(found, items=(shown,), cubes=cubes, maps=(by_layer, by_step), cut=cubes if cut else (), rejects=())


def test_its_table_is_steps_by_layers() -> None:
    found = alone()
    table, (by_layer, by_step) = Attributed(found).table(), found.maps
    assert list(table.columns) == ["step", "text", "all layers", *by_layer.coords["layer"]]
    np.testing.assert_array_equal(table[list(by_layer.coords["layer"])], by_layer.values)
    np.testing.assert_array_equal(table["all layers"], by_step.values)
    assert "".join(table["text"]).replace(" ", "") == "".join(found.items[0].base.tokens).replace(" ", "").replace(
        "\n", ""
    )


def test_its_numbers_are_those_of_the_cube() -> None:
    found = Attributed(alone())
    numbers = found.numbers().set_index(["outcome", "quantity"])
    for cube in found.results.cubes:
        channels, shares = shapley(cube.y, cube.contrast)[0], item_shares(cube)[0]
        wanted = {
            "TE": (corners(cube.y).te[0], np.nan),
            **{name: (channels[place], shares[place]) for place, name in enumerate(("direct", "text", "latent"))},
            "mediated": (corners(cube.y).tie[0], shares[3]),
            "necessity": (cube.y[0, 1, 1, 1] - cube.y[0, 1, 0, 0], np.nan),
            "sufficiency": (cube.y[0, 0, 1, 1] - cube.y[0, 0, 0, 0], np.nan),
            "blind": (cube.y[0, 1, 1, 1] - cube.y[0, 1, 1, 0], np.nan),
        }
        for name, pair in wanted.items():
            np.testing.assert_allclose(numbers.loc[(cube.outcome, name), ["value", "share"]].astype(float), pair)
    assert len(numbers) == 8 * len(found.results.cubes)
    assert len(found.numbers(before_answer=True)) == len(numbers)
    assert not len(Attributed(alone(cut=False)).numbers(before_answer=True))


def test_it_says_that_one_item_is_no_evidence_and_gives_no_interval() -> None:
    for shown in (repr(Attributed(alone())), parse(Attributed(alone())._repr_html_()).text):
        assert " ".join(ALONE.split()) in " ".join(shown.split())
        assert "[" not in shown.replace("[1", "").split("Chains of thought")[0]
        assert "it can be copied; read just before that, TE is" in " ".join(shown.split())
    assert "it can be copied." in repr(Attributed(alone(cut=False)))
    assert "The chain does not state the answer." in repr(Attributed(alone("cards-003")))
    assert not {"low", "high"} & set(Attributed(alone()).numbers())


def test_a_share_of_almost_nothing_is_not_told() -> None:
    small, found = alone(), alone("stones-004")
    assert "too little for a share to say anything" in " ".join(repr(Attributed(found)).split())
    assert "too little" not in repr(Attributed(small))
    assert Attributed(found).numbers()["share"].iloc[:5].isna().all()


def test_an_answer_that_gains_says_so() -> None:
    found = alone()
    turned = replace(found, cubes=tuple(replace(cube, y=-cube.y) for cube in found.cubes))
    assert " loses " in repr(Attributed(found)).splitlines()[0]
    assert " gains " in repr(Attributed(turned)).splitlines()[0]


def test_a_sentence_on_an_outcome_of_the_first_token_says_so() -> None:
    found = alone(cut=False)
    assert found.cubes[0].outcome == "logit"
    assert "nats of its first token's logit when" in " ".join(repr(Attributed(found)).split())
    other = replace(found, cubes=found.cubes[1:])
    assert other.cubes[0].outcome == "logprob"
    assert "nats of its log-probability when" in " ".join(repr(Attributed(other)).split())


def test_channels_that_pull_against_each_other_are_told_in_a_line() -> None:
    found = alone()
    y = np.zeros_like(found.cubes[0].y)
    y[:, 1], y[:, :, 1, 1] = 5.0, -1.0
    y[:, 1, 1, 1] = 3.0
    apart = replace(found, cubes=tuple(replace(cube, y=y) for cube in found.cubes))
    told = "note: The channels pull against each other ("
    assert told in repr(Attributed(apart))
    assert "The channels pull against each other (" in parse(Attributed(apart)._repr_html_()).text
    y = np.zeros_like(y)
    y[:, 1, 1, 1] = 3.0
    along = replace(found, cubes=tuple(replace(cube, y=y) for cube in found.cubes))
    assert "pull against" not in repr(Attributed(along))


def test_its_figure_has_what_each_step_says_and_no_mean() -> None:
    found = Attributed(alone())
    figure = Figure((7.0, 4.0), layout="constrained")
    ax = found.plot(figure=figure)
    np.testing.assert_array_equal(ax.images[0].get_array(), found.map.values)
    said = [each.get_text() for each in ax.get_yticklabels()]
    assert [text.split()[-1] for text in said] == [str(step) for step in found.map.coords["step"]]
    assert all(text.startswith(words[:8]) for text, words in zip(said, found.table()["text"], strict=True))
    _, above, right = figure.axes[:3]
    np.testing.assert_allclose([each.get_width() for each in right.patches], found.table()["all layers"])
    assert (above.get_ylabel(), right.get_xlabel()) == ("sum of\ncells", "all layers at once")
    assert "knockout effect is largest at" in " ".join(figure.get_suptitle().split())
    own = found.plot()
    assert own.has_data()
    (place,) = (whole := Figure((7.0, 4.0))).subplots(1, 1, squeeze=False).flat
    assert found.plot(ax=place) in whole.subfigs[0].axes
    pyplot.close(own.figure)


def test_it_is_saved_as_a_run_that_opens(tmp_path: Path) -> None:
    found = Attributed(alone())
    saved = found.save(tmp_path / "run")
    again = mediate.open(tmp_path / "run")
    assert type(again) is type(saved)
    np.testing.assert_array_equal(Attributed(again.results).table(), found.table())
    with pytest.raises(InputError, match="holds a run already"):
        found.save(tmp_path / "run")
