"""What a model's numbers are, in words: the dtype that it computes in, and what its weights were before."""

from collections.abc import Mapping
from typing import Any


def precision_words(facts: Mapping[str, Any]) -> str:
    """Such as `float32`, or `float32 (from 4-bit GGUF, Q4_1)` for weights that were quantised; empty where untold.

    Args:
        facts: A model's, from a manifest; those of before `weights` was recorded say the dtype alone.
    """
    dtype, weights = (str(facts.get(name) or "") for name in ("dtype", "weights"))
    return f"{dtype} (from {weights})" if dtype and weights else dtype
