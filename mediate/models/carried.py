"""What a model carries from position to position: keys and values, or more, which cannot be set channel by channel."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from mediate.errors import InputError

# What configurations call layers that look back by attention alone.
_ATTENTION = frozenset(
    {
        "attention",
        "full_attention",
        "global",
        "local",
        "sliding_attention",
        "chunked_attention",
        "window_attention",
        "indexed_attention",
        "deepseek_sparse_attention",
    }
)
# What transformers' caches call a layer's past that is neither keys nor values.
_IN_CACHES = ("conv_states", "recurrent_states", "indexer_keys")
_STATE = "carry a state that is not in keys and values"
# Where families without `layer_types` say what each layer is.
_KINDS = ("layer_types", "layers_block_type", "block_types", "attention_layers")


def check_layers(config: Any, name: str) -> None:
    """Refuses a configuration with layers that are no attention, before any weights are read.

    Raises:
        InputError: Some layers are convolutions, linear attention, state spaces or other recurrences.
    """
    text = config.get_text_config()
    found = next((kinds for key in _KINDS if (kinds := getattr(text, key, None))), None) or ()
    kinds = [str(kind) for kind in found if isinstance(kind, str) and kind not in _ATTENTION]
    if kinds:
        which = ", ".join(dict.fromkeys(kinds))
        raise _refusal(name, config.model_type, f"{len(kinds)} of its {len(found)} layers ({which}) {_STATE}")


def check_carried(plain: Any, ids: Int[Tensor, "row pos"], name: str) -> None:
    """Refuses a model whose pass leaves anything but keys and values behind.

    Args:
        plain: A transformers model.
        ids: A few tokens.
        name: The model's.

    Raises:
        InputError: It carries a state as well or instead, or nothing.
    """
    kind = plain.config.model_type
    try:
        with torch.no_grad():
            out = plain(input_ids=ids, use_cache=True)
    except TypeError:  # of the oldest, which know no cache
        out = None
    cache = next(
        (found for key in ("past_key_values", "cache") if (found := getattr(out, key, None)) is not None), None
    )
    layers = getattr(cache, "layers", None)
    if layers is None:
        states = any(getattr(out, key, None) is not None for key in ("state", "cache_params"))
        raise _refusal(name, kind, f"its layers {_STATE}" if states else "its pass hands out no keys and values")
    more = sum(any(_holds(getattr(layer, key, None)) for key in _IN_CACHES) for layer in layers)
    if more:
        raise _refusal(name, kind, f"{more} of its {len(layers)} layers {_STATE}")
    none = sum(not all(_holds(getattr(layer, key, None)) for key in ("keys", "values")) for layer in layers)
    if none:
        raise _refusal(name, kind, f"{none} of its {len(layers)} layers have no keys and values of their own")


def _holds(state: Any) -> bool:
    each: Iterable[Any] = state.values() if isinstance(state, dict) else (state,)
    return any(isinstance(tensor, Tensor) for tensor in each)


def _refusal(name: str, kind: str, reason: str) -> InputError:
    return InputError(
        f"model {name!r} ({kind}): {reason}, so channels cannot be told apart; give a model that looks back through "
        "attention alone"
    )
