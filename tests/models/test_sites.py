"""The names of hook points, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.models.sites import EMBEDDED, Component, Site, parse_component
from tests import tiny


@given(component=st.sampled_from(Component), layer=st.integers(0, 10_000))
def test_a_site_is_found_by_its_hook_points_name(component: Component, layer: int) -> None:
    site = Site(component, layer)
    assert Site.from_hook_name(site.hook_name) == site
    assert parse_component(str(component)) is component


def test_names_are_those_that_transformer_lens_uses() -> None:
    assert Site(Component.Z, 3).hook_name == "blocks.3.attn.hook_z"
    assert Site(Component.MLP_POST, 2).hook_name == "blocks.2.mlp.hook_post"
    assert Site(Component.RESID_MID, 0).hook_name == "blocks.0.hook_resid_mid"
    points = tiny.model("llama").bridge.hook_dict
    for component in Component:
        for layer in range(tiny.LAYERS):
            assert Site(component, layer).hook_name in points
        assert Site(component, tiny.LAYERS).hook_name not in points
    assert EMBEDDED.hook_name == "blocks.0.hook_resid_pre"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "hook_embed",
        "blocks.0.hook_z",
        "blocks.0.attn.hook_resid_pre",
        "blocks.0.attn.hook_attn_scores",
        "blocks.0.hook_mlp_post",
        "blocks.0.attn.hook_post",
        "blocks.01.hook_resid_pre",
        "blocks.-1.hook_resid_pre",
        "blocks.x.hook_resid_pre",
        "blocks.\u0663.hook_resid_pre",
        "blocks.0.hook_resid_pre\n",
        " blocks.0.hook_resid_pre",
        "blocks.0.hook_resid_pre.hook_z",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="is not the hook point of a site; components are resid_pre") as caught:
        Site.from_hook_name(name)
    assert repr(name) in str(caught.value)


def test_a_layer_below_0_is_refused() -> None:
    with pytest.raises(InputError, match="layers count from 0"):
        Site(Component.Z, -1)


def test_an_unknown_component_is_refused() -> None:
    with pytest.raises(InputError, match="no component 'scores'; there are resid_pre"):
        parse_component("scores")
