"""The calls of a notebook or script, wired from the rooms."""

from pathlib import Path
from typing import Any

from mediate.models.loading import load as load_unchecked
from mediate.models.model import Model
from mediate.runs.selfcheck import checked


def load(
    model: Any,
    *,
    adapter: str | Path | None = None,
    tokenizer: Any = None,
    dtype: str = "float32",
    device: str | None = None,
    trust_remote_code: bool = False,
    copy: bool = True,
) -> Model:
    """Loads a causal language model, hooks it and checks it; see `mediate.models.loading.load` for the arguments."""
    loaded = load_unchecked(
        model,
        adapter=adapter,
        tokenizer=tokenizer,
        dtype=dtype,
        device=device,
        trust_remote_code=trust_remote_code,
        copy=copy,
    )
    return checked(loaded)
