"""models.trial: what does not run, plain or hooked, is refused in one line."""

import pytest

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from mediate.passes.selfcheck import checked
from tests import tiny


def test_a_class_that_does_not_run_in_a_dtype() -> None:
    """transformers' XGLM hides the future with a number that float64 has and float32 has not."""
    with pytest.raises(InputError, match=r"\(XGLMForCausalLM\): transformers cannot run it in float64 \(.*\); give"):
        load(tiny.plain_model("XGLMForCausalLM", "float64"), device="cpu", copy=False)


def test_a_class_that_does_not_run_hooked() -> None:
    name = "OPTForCausalLM (norm after, projected embedding)"
    with pytest.raises(InputError, match="transformer-lens hooks it, and hooked it does not run") as caught:
        checked(load(tiny.plain_model(name), device="cpu", copy=False))
    assert "\n" not in str(caught.value)
    assert "give another model" in str(caught.value)
