"""Weights as they are stored, against the model that the configuration makes of them."""

import re
import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from torch import nn

from mediate.errors import InputError

# Tables that older releases of transformers stored among the weights.
_TABLES = re.compile(r"(^|\.)(inv_freq|masked_bias|position_ids)$")
_NUMBERED = re.compile(r"(?P<list>.+?)\.(?P<place>\d+)\.")


def check_stored(model: Any, loaded: Mapping[str, Collection[Any]], location: str) -> None:
    """Refuses weights that are missing, of another shape, or of parts that the configuration leaves out.

    Others that the configuration does not use are named in a warning.

    Args:
        model: As transformers loaded it.
        loaded: What transformers says of the loading.
        location: Of the weights, for messages.

    Raises:
        InputError: The configuration and the weights are of different models.
    """
    if loaded["mismatched_keys"]:
        key, found, wanted = min(loaded["mismatched_keys"])
        raise InputError(
            f"model {location!r}: transformers cannot load it ({key} is stored as {_shape(found)}, and its "
            f"configuration makes it {_shape(wanted)}{_more(len(loaded['mismatched_keys']) - 1)}); mend its "
            "config.json, or save it again"
        )
    if loaded["missing_keys"]:
        missing = sorted(loaded["missing_keys"])
        raise InputError(
            f"model {location!r}: its weights lack {missing[0]}{_more(len(missing) - 1)}, which would be random; save "
            "the whole model again"
        )
    unused = _unused(model, loaded["unexpected_keys"])
    lists = {name: len(each) for name, each in model.named_modules() if isinstance(each, nn.ModuleList)}
    for key in unused:
        count = _left_out_of(key, lists)
        if count is not None:
            raise InputError(
                f"model {location!r}: it stores {key}, and its configuration makes {count} of these parts; it would "
                "be another model than was trained: mend its config.json (such as num_hidden_layers)"
            )
    if unused:
        warnings.warn(
            f"model {location!r}: its configuration does not use {unused[0]}{_more(len(unused) - 1)} of the weights "
            "that are stored with it",
            stacklevel=2,
        )


def _unused(model: Any, keys: Iterable[str]) -> list[str]:
    """Of the keys that are not loaded, those of weights; tables that the model makes itself are none."""
    tables = [name for name, _ in model.named_buffers()]
    return sorted(
        key for key in keys if not _TABLES.search(key) and not any(f".{name}".endswith(f".{key}") for name in tables)
    )


def _left_out_of(key: str, lists: Mapping[str, int]) -> int | None:
    """How many parts the list has in the model that a key names one beyond; None where it names none."""
    for found in _NUMBERED.finditer(key):
        name = key[: found.end("list")]
        for known, count in lists.items():
            # Stored with the model's outer name or without it.
            alike = f".{known}".endswith(f".{name}") or f".{name}".endswith(f".{known}")
            if alike and int(found["place"]) >= count:
                return count
    return None


def _shape(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes)) or "a number"


def _more(count: int) -> str:
    return f" and {count} more" if count else ""
