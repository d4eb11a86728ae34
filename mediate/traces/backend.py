"""A tokenizer's own engine, asked without what transformers puts around each call: that takes ten times as long.

What comes out is the same. A class of transformers that encodes or decodes in a way of its own, or a tokenizer in plain
Python, is asked as it wants to be.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

# What a class must have from transformers itself, and from which of its modules.
_OWN = {
    "__call__": "tokenization_utils_base",
    "decode": "tokenization_utils_base",
    "_encode_plus": "tokenization_utils_tokenizers",
    "_decode": "tokenization_utils_tokenizers",
}


@cache
def _is_plain(kind: type) -> bool:
    return all(
        getattr(getattr(kind, name, None), "__module__", "") == f"transformers.{module}"
        for name, module in _OWN.items()
    )


def engine(tokenizer: Any) -> Any:
    """The engine of a tokenizer that puts nothing of its own around it, and cuts and pads nothing; else None."""
    if not _is_plain(tokenizer.__class__):  # of a weak reference, too, that of what is behind it
        return None
    found = tokenizer.backend_tokenizer
    return found if found.truncation is None and found.padding is None else None


def text_ids(tokenizer: Any, text: str, *, added: bool = False) -> list[int]:
    """Token ids of a text, in which nothing becomes a control token.

    Args:
        tokenizer: Of transformers.
        text: The text.
        added: Whether the tokens are added that the tokenizer puts around a text by itself.
    """
    direct = engine(tokenizer)
    if direct is None:
        return list(tokenizer(text, add_special_tokens=added, split_special_tokens=True)["input_ids"])
    if not direct.encode_special_tokens:  # as transformers sets it before each call
        direct.encode_special_tokens = True
    return list(direct.encode(text, add_special_tokens=added).ids)


def text_of(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of token ids, control tokens included, spacing untouched."""
    direct = engine(tokenizer)
    if direct is None:
        return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))
    return str(direct.decode(list(ids), skip_special_tokens=False))
