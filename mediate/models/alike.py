"""Models whose layers do not all hold keys and values of one shape: refused by their configuration, before any weights.

Keys and values of all layers are held as one array, and what the answer reads is set layer by layer.
"""

from typing import Any

from mediate.errors import InputError

_OF_HEADS = {"head_dim": "wide", "num_key_value_heads": "KV heads", "num_attention_heads": "query heads"}


def check_alike(config: Any, name: str) -> None:
    """Raises InputError where layers share keys and values with others, or have heads of other number or width.

    Args:
        config: Of transformers.
        name: The model's.
    """
    text = config.get_text_config().to_dict()
    name = f"{name!r} ({config.model_type})"
    shared = text.get("num_kv_shared_layers") or 0
    if shared:
        raise _refusal(
            name, f"its last {shared} layers have no keys and values of their own and read those of earlier layers"
        )
    for layer, own in sorted((text.get("per_layer_config") or {}).items(), key=lambda each: int(each[0])):
        for key, words in _OF_HEADS.items():
            if key in own and key in text and own[key] != text[key]:
                raise _refusal(
                    name, f"layer {layer} has {_counted(own[key], words)}, others {_counted(text[key], words)}"
                )
    heads = set(text.get("num_attention_heads_per_layer") or ())
    if len(heads) > 1:
        raise _refusal(name, f"its layers have from {min(heads)} to {max(heads)} query heads")


def _counted(number: int, words: str) -> str:
    return f"heads {number} wide" if words == "wide" else f"{number} {words}"


def _refusal(name: str, reason: str) -> InputError:
    return InputError(f"model {name}: {reason}, so its layers cannot be set alike; give another model")
