"""runs.turning: how each layer's keys turn is found, and what cannot be moved is refused for its true reason."""

from typing import Any

import pytest
import torch

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from mediate.models.turning import Turning
from mediate.passes.keyvalues import moved, prefill
from mediate.passes.selfcheck import checked
from tests import tiny

STILL, NEIGHBOURS = Turning(still=True), Turning(neighbours=True)


@pytest.mark.parametrize(
    ("architecture", "turnings"),
    [
        ("llama", ()),
        ("SmolLM3ForCausalLM", (Turning(), Turning(), Turning(), STILL)),
        ("Cohere2ForCausalLM", (NEIGHBOURS, NEIGHBOURS, NEIGHBOURS, STILL)),
        ("Ernie4_5ForCausalLM", (NEIGHBOURS,) * 4),
        ("GPTJForCausalLM", (NEIGHBOURS,) * 4),
        ("NanoChatForCausalLM", (Turning(reverse=True),) * 4),
        ("BloomForCausalLM", (STILL,) * 4),
    ],
)
def test_ways_are_found(architecture: str, turnings: tuple[Turning, ...]) -> None:
    model = tiny.model(architecture)
    assert model.turnings == turnings
    assert model.check("re-rotated keys").passed


def test_keys_without_places_stay_to_the_last_bit() -> None:
    model = tiny.model("SmolLM3ForCausalLM")
    stretch = prefill(model, model.probe.ids[:1], start=3)[0]
    found = moved(model, stretch, 40)
    assert torch.equal(found.keys[3], stretch.keys[3])
    assert not torch.equal(found.keys[2], stretch.keys[2])


@pytest.mark.parametrize(
    ("architecture", "reason"),
    [
        ("gpt2", "its positions are not rotary"),
        ("OPTForCausalLM", "its positions are not rotary"),
        # Norms with weights after the turn: scores depend on both places, not on their distance.
        ("HunYuanDenseV1ForCausalLM", "keys and values elsewhere are more than a turn away from these"),
        ("Ministral3ForCausalLM (scaled within the text)", "keys and values elsewhere are more than a turn away"),
    ],
)
def test_why_keys_cannot_be_moved(architecture: str, reason: str) -> None:
    model = tiny.model(architecture)
    with pytest.raises(InputError, match=reason):
        moved(model, prefill(model, model.probe.ids[:1])[0], 5)


def test_a_model_that_counts_its_positions_itself_is_no_model_without_positions() -> None:
    """Wherever it is told that tokens stand, it gives the same keys: they seem not to turn."""
    plain = tiny.plain_model("llama")
    real = plain.model.rotary_emb.forward

    def counted(hidden: Any, position_ids: Any) -> Any:
        return real(hidden, torch.arange(position_ids.shape[1])[None].expand(position_ids.shape))

    plain.model.rotary_emb.forward = counted
    check = checked(load(plain, device="cpu", copy=False)).check("re-rotated keys")
    assert not check.passed
    assert "counts positions itself" in check.detail
