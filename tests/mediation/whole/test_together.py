"""mediation.kinds.read: the cells of several pairs in one pass say what each pair's own sweep says."""

import numpy as np
import pytest

from mediate.mediation.cells import cells_of
from mediate.mediation.kinds import read as room
from mediate.mediation.kinds.read import read_effects, read_effects_together
from mediate.mediation.maps import measure_map, measure_small_maps, parse_map
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.models.sites import Component
from tests import tiny
from tests.mediation.kinds.test_read import BASE, LONGER, SOURCE, contexts


def several(architecture: str):
    """Pairs of two lengths, one of them with the worlds exchanged, and one whose worlds are the same."""
    other = [] if architecture == "gpt2" else [contexts(architecture, LONGER)]
    return [
        contexts(architecture),
        contexts(architecture, SOURCE, BASE),
        *other,
        contexts(architecture, BASE, (*BASE[:2], "11")),
    ]


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_together_or_alone_the_effects_are_the_same(architecture: str, outcome: Outcome) -> None:
    model, pairs = tiny.model(architecture), several(architecture)
    cells = [cells_of(model, each.pair, ("step", "layer"), component=Component.K)[0] for each in pairs]
    together = read_effects_together(model, pairs, cells, outcome)
    for each, own, found in zip(pairs, cells, together, strict=True):
        np.testing.assert_allclose(found, read_effects(model, each, own, outcome), atol=2e-5)
    assert abs(together[0]).max() > 1e-2
    assert not together[-1].any(), "equal worlds have no effect, exactly"


def test_more_pairs_than_a_pass_holds_take_several(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pairs, passes = tiny.model("llama"), several("llama")[:2] * 3, []
    real = room.read_past
    monkeypatch.setattr(room, "read_past", lambda *given: passes.append(1) or real(*given))
    monkeypatch.setattr(room, "SMALL_BYTES", room.ROW_BYTES // 2)
    cells = [cells_of(model, each.pair, ("layer",), component=Component.K)[0] for each in pairs]
    found = read_effects_together(model, pairs, cells, Outcome.LOGIT_DIFF)
    assert len(passes) == 3
    np.testing.assert_allclose(found[:2], found[4:], atol=1e-6)


def test_maps_are_taken_together_where_that_is_worth_while(monkeypatch: pytest.MonkeyPatch) -> None:
    model, outcome = tiny.model("llama"), Outcome.LOGIT_DIFF
    unaligned = contexts("llama", (BASE[0], "Tom has 3 apples.", "12"))
    pairs, te = [unaligned, *several("llama")[:2]], [0.5, 1.0, 2.0]
    for name in ("read:step,layer", "read.window2:layer,kv_head"):
        found = measure_small_maps(model, pairs, parse_map(name), outcome, te)
        assert list(found) == [1, 2], "chains that cannot be aligned are left to the way that says so"
        for number, each in found.items():
            alone = measure_map(model, pairs[number], parse_map(name), outcome, te[number])
            np.testing.assert_allclose(each.values, alone.values, atol=2e-5)
            assert (each.kind, each.dims, each.coords, each.te) == (alone.kind, alone.dims, alone.coords, te[number])
            assert (each.item, each.group, each.outcome) == (alone.item, alone.group, alone.outcome)
    assert not measure_small_maps(model, pairs, parse_map("knockout:layer"), outcome, te)
    monkeypatch.setattr(room, "SMALL_BYTES", 1)
    assert not measure_small_maps(model, pairs, parse_map("read:step,layer"), outcome, te)
