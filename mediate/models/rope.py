"""Rotary embedding whose frequencies depend on how long the sequence is."""

from typing import Any

from mediate.models.model import Model

_LENGTH_DEPENDENT = ("dynamic", "longrope")


def depends_on_length(config: Any) -> bool:
    """Whether the rotary frequencies change with the length of the sequence, and so with the longest beside it.

    Args:
        config: Of a transformers model.
    """
    return any(str(each.get("rope_type")) in _LENGTH_DEPENDENT for each in _ropes(config))


def scales_by_place(config: Any) -> bool:
    """Whether attention is scaled by the place in the sequence, as in Llama 4, padding in front of it counted."""
    text = config.get_text_config()
    return bool(getattr(text, "attn_temperature_tuning", False)) or any(
        "llama_4_scaling_beta" in each for each in _ropes(config)
    )


def longest_alike(config: Any) -> int | None:
    """The most tokens up to which LongRoPE (Ding et al. 2024) turns by its short factors; None where there is no limit.

    Past that, transformers turns by the long factors in each pass that ends there, and by the short ones in all others.
    """
    own = getattr(config.get_text_config(), "original_max_position_embeddings", None)
    found = [
        each.get("original_max_position_embeddings") or own
        for each in _ropes(config)
        if str(each.get("rope_type")) == "longrope"
    ]
    return min((int(each) for each in found if each), default=None)


def most_tokens(model: Model) -> int | None:
    """The longest sequence of which all passes agree: what the context holds, and what is turned by one set of factors.

    None where neither is bounded.
    """
    return min((each for each in (model.facts.context, longest_alike(model.plain.config)) if each), default=None)


def _ropes(config: Any) -> list[dict[str, Any]]:
    """The settings of each rotary embedding; some families have one for each kind of layer."""
    found = getattr(config.get_text_config(), "rope_parameters", None) or {}
    if "rope_type" in found:
        return [found]
    return [each for each in found.values() if isinstance(each, dict)]
