"""Maps by name: every name that is taken is measured under that name, and the others are refused."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.mediation.kinds.read import read_map
from mediate.mediation.kinds.state import Direction, state_map
from mediate.mediation.maps import check_map, check_offered, labels_of, measure_map, parse_map
from mediate.mediation.outcomes import Outcome
from mediate.models.sites import Component
from tests import tiny
from tests.mediation.kinds.test_read import contexts

NAMES = {
    "read:layer,step": "read:step,layer",
    "read.window1:layer": "read:layer",
    "read.window2:step,layer": "read.window2:step,layer",
    "relayed:position": "relayed:position",
    "knockout:layer,head": "knockout:layer,head",
    "state.resid_mid.noising:layer": "state.resid_mid:layer",
    "state.k.denoising:kv_head,step": "state.k.denoising:step,kv_head",
    "state.mlp_post.denoising.window3:layer": "state.mlp_post.denoising.window3:layer",
    "attribution.z.atp:layer,head": "attribution.z:layer,head",
    "attribution.resid_pre.ig.denoising:layer": "attribution.resid_pre.ig.denoising:layer",
    "attribution.attn_out.graddrop.noising:layer": "attribution.attn_out.graddrop:layer",
    "attribution.q.qkfix:head": "attribution.q.qkfix:head",
    "attribution.v.relp:step,kv_head": "attribution.v.relp:step,kv_head",
    "step_graph.state:result,step": "step_graph.state:step,result",
    "graft:step": "graft:step",
    "interaction:later,step": "interaction:step,later",
}


@pytest.mark.parametrize(("text", "usual"), NAMES.items())
def test_a_map_is_measured_under_its_usual_name(text: str, usual: str) -> None:
    model, cell = tiny.model("llama"), contexts("llama")
    spec = parse_map(text)
    assert str(spec) == usual
    assert parse_map(usual) == spec
    check_offered(model, spec)
    check_map(cell.pair, spec)
    found = measure_map(model, cell, spec, Outcome.LOGIT_DIFF, 1.0)
    assert (found.kind, found.dims) == (spec.kind, spec.axes)
    assert dict(found.coords) == labels_of(model, cell.pair, spec)
    assert np.nanmax(abs(found.values)) > 0
    assert (found.agreement is not None) is text.startswith("attribution")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "read:step,state.resid_pre:step,layer",
            "repeat the option: --maps read:step --maps state.resid_pre:step,layer (in Python: give a list)",
        ),
        ("quick,read:step,layer", "it is several, so repeat the option: --maps quick --maps read:step,layer"),
        ("steps,heads", "it is several, so repeat the option: --maps steps --maps heads"),
        ("read:step,heads", "no map 'read:step,heads'; "),
        ("reads:layer", "no map 'reads:layer'; did you mean 'read'"),
        ("state:layer", "no map"),
        ("state.residual:layer", "did you mean 'state.resid_pre'"),
        ("state.z.ig:layer", "no map"),
        ("state.z.window2.denoising:layer", "no map"),
        ("attribution.z.denoising.ig:layer", "no map"),
        ("attribution.z.ig.relp:layer", "no map"),
        ("attribution.z.noising.denoising:layer", "no map"),
        ("attribution.z.window2:layer", "no map"),
        ("attribution.pattern:layer", "patterns and neurons"),
        ("attribution.z.qkfix:layer", "the QK fix is of q and k"),
        ("attribution.k.relp:layer", "q and k have no estimate"),
        ("knockout.window2:layer", "no map"),
        ("read.window2:step", "name the axis layer"),
        ("read.window0:layer", "no map"),
        ("read:step,position", "step and position exclude each other"),
        ("read:head", "did you mean 'read:kv_head'? the axes of read are step, position, layer, kv_head"),
        ("read:step, layer,head", "did you mean 'read:step,layer,kv_head'? "),
        ("knockout:layer,kv_heads", "did you mean 'knockout:layer,head'? "),
        ("state.z:layers,kv_head", "did you mean 'state.z:layer,head'? "),
        ("read:token", "no map 'read:token'; the axes of read"),
        ("step_graph.read:steps", "no map 'step_graph.read:steps'; the axes of"),
        ("read:step,step", "the axes of read"),
        ("read:step,result", "the axes of read"),
        ("step_graph:step,result", "no map"),
        ("step_graph.read:step", "over step and result: step_graph.read:step,result"),
        ("step_graph.read:step,layer", "the axes of step_graph.read are step, result"),
        ("graft:layer", "the axes of graft are step"),
        ("interaction:step", "over step and later: interaction:step,later"),
    ],
)
def test_other_names_are_refused(text: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_map(text)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_window_is_what_it_is_in_python() -> None:
    model, cell = tiny.model("llama"), contexts("llama")
    named = measure_map(model, cell, parse_map("read.window2:step,layer"), Outcome.LOGIT_DIFF, 1.0)
    called = read_map(model, cell, ("step", "layer"), Outcome.LOGIT_DIFF, window=2)
    np.testing.assert_allclose(
        named.values, called.values, rtol=0, atol=1e-6
    )  # what shares a pass goes by the pace measured
    assert not np.allclose(named.values, read_map(model, cell, ("step", "layer"), Outcome.LOGIT_DIFF).values)
    state = measure_map(model, cell, parse_map("state.z.denoising.window2:layer"), Outcome.LOGIT_DIFF, 1.0)
    wanted = state_map(
        model, cell.pair, Component.Z, ("layer",), Outcome.LOGIT_DIFF, direction=Direction.DENOISING, window=2
    )
    np.testing.assert_allclose(state.values, wanted.values, rtol=0, atol=1e-6)
    assert state.kind == wanted.kind
