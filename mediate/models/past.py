"""What transformers calls a model's past, asked of the model: 5.24 renamed the argument, and each class may again."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

# The newest name first.
_NAMES = ("cache", "past_key_values")


@cache
def arguments_of(forward: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """What a class's forward pass takes, by name; asked at every pass, so it is looked up once."""
    return inspect.signature(forward).parameters


def past_argument(plain: Any) -> str:
    """The name under which a transformers model's forward pass takes its cache of keys and values.

    Raises:
        TypeError: None of the names that transformers has used; the message lists the arguments that there are.
    """
    parameters = arguments_of(type(plain).forward)
    for name in _NAMES:
        if name in parameters:
            return name
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return _NAMES[-1]  # passed on to what it wraps, where the oldest name still means the same
    raise TypeError(f"{type(plain).__name__} takes no past under a known name, only {', '.join(parameters)}")


def with_past(plain: Any, cache: Any) -> dict[str, Any]:
    """The arguments that let a forward pass, or `generate`, read and fill a cache; none without one."""
    return {} if cache is None else {past_argument(plain): cache, "use_cache": True}


def pass_past_on(bridge: Any) -> None:
    """Lets attention that transformer-lens computes itself find the past under the name that it looks for.

    transformer-lens 4.3 knows the old names alone and, given another, silently attends to no past. Where its attention
    is transformers' own, with nothing between, the name is left as it came.
    """
    from transformer_lens.model_bridge.generalized_components.attention import AttentionBridge

    def renamed(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        if "forward" in vars(module) or kwargs.get(_NAMES[0]) is None:
            return None
        return args, kwargs | {_NAMES[-1]: kwargs[_NAMES[0]]}

    for module in bridge.modules():
        if isinstance(module, AttentionBridge) and type(module).forward is not AttentionBridge.forward:
            module.register_forward_pre_hook(renamed, with_kwargs=True)
