"""Bars a layer and component: they are the means, with their intervals; many are lines."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.along import ALONG_SIZE, along_kinds_data, plot_along
from mediate.figures.style import MARGIN, detached
from mediate.results import EffectMap
from tests.figures.artists import faults
from tests.figures.maps_of import made_maps


def test_bars_are_the_means_kind_by_kind() -> None:
    kinds = [made_maps(kind, ("layer",)) for kind in ("state.attn_out", "state.mlp_out")]
    with detached(ALONG_SIZE) as (figure, ax):
        plot_along(kinds, ax=ax)
        assert faults(figure) == []
    frame = along_kinds_data(kinds)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], frame["effect"])
    ends = [each.get_segments() for each in ax.collections]
    np.testing.assert_allclose([s[0][1] for group in ends for s in group], frame["low"])
    assert [each.get_text() for each in ax.get_legend().get_texts()] == [
        "state.attn_out (n = 12)",
        "state.mlp_out (n = 12)",
    ]


def test_next_to_nothing_looks_like_it() -> None:
    small = [
        EffectMap(each.values * 0.001, each.dims, each.coords, each.item, each.group, each.kind, each.outcome, each.te)
        for each in made_maps("state.z", ("layer",))
    ]
    with detached(ALONG_SIZE) as (_, ax):
        plot_along([small], ax=ax)
    assert ax.get_ylim()[0] <= -MARGIN * 10
    assert ax.get_ylim()[1] >= MARGIN * 10


def test_sixty_layers_are_lines() -> None:
    maps = [
        EffectMap(
            np.random.default_rng(place).normal(size=60),
            ("layer",),
            {"layer": tuple(range(60))},
            f"i{place}",
            f"g{place}",
            "state.z",
            "logit_diff",
            1.0,
        )
        for place in range(6)
    ]
    with detached(ALONG_SIZE) as (figure, ax):
        plot_along([maps], ax=ax)
        assert faults(figure) == []
    assert not ax.patches
    assert any(len(line.get_xdata()) == 60 for line in ax.lines)


def test_other_maps_are_refused() -> None:
    for kinds, words in (
        ([], "one axis"),
        ([made_maps("read", ("step", "layer"))], "one axis"),
        ([made_maps("read", ("step",)), made_maps("read", ("layer",))], "different axes"),
    ):
        with pytest.raises(InputError, match=words):
            plot_along(kinds)
