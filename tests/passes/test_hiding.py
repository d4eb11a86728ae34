"""Keys hidden by the mask: what a knockout hides, on every architecture that does not read more in it."""

import pytest
import torch

from mediate.errors import InputError
from mediate.passes.hiding import check_hiding, hiding
from mediate.passes.keyvalues import run_on
from tests import tiny


@pytest.mark.parametrize("architecture", [*tiny.ARCHITECTURES, "MptForCausalLM", "GPTNeoForCausalLM", "OPTForCausalLM"])
def test_hidden_keys_are_those_that_are_knocked_out(architecture: str) -> None:
    check_hiding(tiny.model(architecture))


def test_a_model_whose_positions_count_the_mask_is_refused() -> None:
    with pytest.raises(InputError, match=r"hidden by its mask \(its logits are off by 0\.4"):
        check_hiding(tiny.model("BloomForCausalLM"))


def test_the_first_token_is_never_hidden_and_a_mask_is_used() -> None:
    model = tiny.model("llama")
    mask = torch.tensor([[True, False, False]])
    with pytest.raises(InputError, match="attention sink"), hiding(model, mask):
        run_on(model, torch.tensor([[1, 2, 3]]))
    with pytest.raises(InputError, match="no pass was run"), hiding(model, ~mask & mask):
        pass
