"""Graft curves: against the cube at both ends, against plain transformers between them, and their refusals."""

import numpy as np
import pytest
import torch

from mediate.errors import InputError, ItemError
from mediate.mediation.kinds.cube import Contexts, measure_cube
from mediate.mediation.kinds.graft import graft_curve, grafts_laid_out
from mediate.mediation.kinds.read import read_map
from mediate.mediation.maps import check_map, parse_map
from mediate.mediation.outcomes import USUAL, Outcome
from tests import tiny
from tests.mediation.kinds.test_read import contexts
from tests.mediation.kinds.test_step_graph import THREE
from tests.plainly import kept, with_past

# The second step is longer in the source's chain, the third shorter.
UNEQUAL = (
    THREE[0],
    (
        "Tom has 3 apples.",
        "Tom buys 3 apples. Tom now has 3 + 2 = 5. Tom gives 4 pears.",
        "4",
    ),
)
TWO_STEPS = (THREE[1][0], "Tom buys 3 apples. Tom has 3 + 2 = 5.", "4")


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_curve_ends_at_the_cube_and_equals_grafts_laid_out(architecture: str) -> None:
    cell, model = contexts(architecture, *THREE, dtype="float64"), tiny.model(architecture, "float64")
    y = measure_cube(model, cell, USUAL)
    for place, outcome in enumerate(USUAL):
        found = graft_curve(model, cell, outcome)
        assert (found.kind, found.dims) == ("graft", ("step",))
        assert found.values[-1] == pytest.approx(y[place, 1, 1, 1] - y[place, 1, 0, 0], abs=1e-10)
        np.testing.assert_allclose(found.values, grafts_laid_out(model, cell, outcome), atol=1e-10)
        # The first graft is the first step's read effect; a later one is no sum of theirs.
        single = read_map(model, cell, ("step",), outcome).values
        assert found.values[0] == pytest.approx(single[0], abs=1e-12)
        assert abs(found.values - single.cumsum())[1:].max() > 1e-6


def plain_graft(cell: Contexts, architecture: str, steps: int) -> float:
    """Plain transformers reads its own caches cut and joined by hand; keys are turned by running both at their places.

    The base's later steps, where they have to move, are taken from a run in which a gap of position ids stands before
    them: their keys are then turned to where the graft ends, and nothing they attend to has changed but by rotation.
    """
    from transformers import DynamicCache

    pair, plain = cell.pair, tiny.plain_model(architecture, "float64")
    begin = len(pair.questions[1])
    stops = [trace.step_spans[steps - 1][1] if steps else 0 for trace in pair.traces]
    shift = stops[0] - stops[1]

    def cache(world: int, places: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        past = DynamicCache()
        with kept(plain):
            plain(torch.tensor([pair.context(world, world)]), position_ids=places[None], **with_past(plain, past))
        return [(layer.keys, layer.values) for layer in past.layers]

    # All of the base run moved alike: rotary keys and values of its later steps, at the places after the graft.
    length = len(pair.context(1, 1))
    moved = cache(1, torch.arange(length) + shift)
    base, source = cache(1, torch.arange(length)), cache(0, torch.arange(len(pair.context(0, 0))))
    past = [
        tuple(
            torch.cat(
                [ours[:, :, :begin], theirs[:, :, begin : begin + stops[0]], late[:, :, begin + stops[1] :]], dim=2
            )
            for ours, theirs, late in zip(*layers, strict=True)
        )
        for layers in zip(base, source, moved, strict=True)
    ]
    readers = list(pair.readers.cue + pair.readers.base[: pair.readers.shared])
    places = torch.arange(past[0][0].shape[2], past[0][0].shape[2] + len(readers))[None]
    with kept(plain):
        logits = plain(torch.tensor([readers]), position_ids=places, **with_past(plain, DynamicCache(past))).logits[
            0, -1
        ]
    answers = [each[pair.readers.shared] for each in (pair.readers.source, pair.readers.base)]
    return float(logits[answers[1]] - logits[answers[0]])


@pytest.mark.parametrize("worlds", [THREE, UNEQUAL], ids=["equal steps", "unequal steps"])
def test_each_graft_against_caches_joined_by_hand(worlds) -> None:
    cell = contexts("llama", *worlds, dtype="float64")
    found = graft_curve(tiny.model("llama", "float64"), cell, Outcome.LOGIT_DIFF).values
    y = [plain_graft(cell, "llama", steps) for steps in range(4)]
    np.testing.assert_allclose(found, y[0] - np.array(y[1:]), atol=1e-9)
    assert abs(np.diff([0, *found])).min() > 1e-4


def test_unequal_steps_take_keys_that_can_be_moved() -> None:
    cell = contexts("gpt2", THREE[0], THREE[1], dtype="float32")
    assert graft_curve(tiny.model("gpt2"), cell, Outcome.LOGIT_DIFF).values.shape == (3,)
    with pytest.raises(InputError, match="cannot read keys at other positions"):
        graft_curve(tiny.model("gpt2"), contexts("gpt2", *UNEQUAL), Outcome.LOGIT_DIFF)


def test_chains_of_other_numbers_of_steps_are_refused() -> None:
    cell = contexts("llama", THREE[0], TWO_STEPS)
    spec = parse_map("graft:step")
    with pytest.raises(ItemError, match="the base chain has 3 steps and the source chain 2") as refused:
        check_map(cell.pair, spec)
    assert refused.value.code == "unequal_steps"
    with pytest.raises(ItemError, match="3 steps"):
        graft_curve(tiny.model("llama"), cell, Outcome.LOGIT_DIFF)
