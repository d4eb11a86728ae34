"""The words for kinds of maps: an estimate is called one, and what is exact is not."""

import pytest

from mediate.mediation.names import parse_map
from mediate.results.kind_words import called, of_a_step
from mediate.results.kinds import is_estimate

EXACT = ("read", "relayed", "knockout", "state.z", "state.resid_pre.denoising", "read.window3", "state.mlp_out.window5")
ESTIMATED = ("attribution.z", "attribution.resid_pre.ig", "attribution.k.qkfix", "attribution.mlp_out.relp.denoising")


@pytest.mark.parametrize("kind", [*EXACT, *ESTIMATED])
def test_the_words_are_those_of_the_kind(kind: str) -> None:
    method = parse_map(f"{kind}:layer").name.method
    assert is_estimate(kind) == (method is not None) == (kind in ESTIMATED)
    assert called(kind) == f"{kind} {'estimate of the effect' if method else 'effect'}"
    assert of_a_step(kind).startswith("a gradient estimate, not exact patching, of" if method else "the effect of")


def test_a_step_graph_is_called_in_words() -> None:
    assert called("step_graph.read") == "step graph's read effect"


def test_what_is_done_is_said() -> None:
    assert "swapping what the answer reads" in of_a_step("read")
    assert "hiding that step" in of_a_step("knockout")
    assert "replacing z at that step by the source's" in of_a_step("state.z")
    assert "putting the base's z at that step into the source run" in of_a_step("state.z.denoising")
    assert "replacing resid_pre at that step" in of_a_step("attribution.resid_pre")
    assert "the size of the effect" in of_a_step("attribution.z.graddrop")
    assert "of that step, and of all before it" in of_a_step("graft")
    assert of_a_step("something.new") == "the something.new effect of that step"
