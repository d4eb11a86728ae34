"""models.past: the past goes in under the name that the model has for it, and hooked attention finds it there."""

from typing import Any

import pytest
import torch
from transformers import DynamicCache

from mediate.models.past import past_argument, with_past
from tests import tiny


class Newest:
    def forward(self, input_ids: Any, cache: Any = None) -> None: ...


class Older:
    def forward(self, input_ids: Any, past_key_values: Any = None) -> None: ...


class Wrapping:
    def forward(self, *args: Any, **kwargs: Any) -> None: ...


class Another:
    def forward(self, input_ids: Any, memory: Any = None) -> None: ...


@pytest.mark.parametrize(
    ("model", "name"), [(Newest(), "cache"), (Older(), "past_key_values"), (Wrapping(), "past_key_values")]
)
def test_the_model_is_asked(model: Any, name: str) -> None:
    assert past_argument(model) == name
    assert with_past(model, "kept") == {name: "kept", "use_cache": True}
    assert with_past(model, None) == {}


def test_a_model_without_a_past_is_named_with_its_arguments() -> None:
    with pytest.raises(TypeError, match="Another takes no past under a known name, only self, input_ids, memory"):
        past_argument(Another())


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_attention_that_transformer_lens_computes_reads_the_past(architecture: str) -> None:
    """With every hook point in use, the last tokens after a cache of the first say what they say in a full pass."""
    model, ids = tiny.model(architecture), torch.arange(12)[None] % 7
    name = "blocks.0.attn.hook_pattern"
    seen: list[torch.Size] = []

    def run(tokens: torch.Tensor, begin: int, **options: Any) -> torch.Tensor:
        places = torch.arange(begin, begin + tokens.shape[1])[None]
        hooks = [(name, lambda value, hook: seen.append(value.shape))]
        return model.bridge.run_with_hooks(tokens, fwd_hooks=hooks, position_ids=places, **options)

    with torch.no_grad():
        whole = run(ids, 0, use_cache=False)
        cache = DynamicCache()
        run(ids[:, :8], 0, **with_past(model.plain, cache))
        rest = run(ids[:, 8:], 8, **with_past(model.plain, cache))
    torch.testing.assert_close(rest, whole[:, 8:], atol=2e-5, rtol=1e-4)
    assert [shape[-2:] for shape in seen] == [(12, 12), (8, 8), (4, 12)]
