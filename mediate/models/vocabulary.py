"""A tokenizer's tokens and the rows of an embedding: a token without a row cannot be read."""

import re
from collections.abc import Iterable
from typing import Any

from mediate.errors import InputError


def check_vocabulary(tokenizer: Any, rows: int, name: str) -> None:
    """Refuses a tokenizer that makes tokens of text, or puts one before a text, for which the model has no row.

    Control tokens beyond the rows, as the text models of multimodal families have them, are in no text; a template that
    has one is refused when it is used.

    Args:
        tokenizer: Of transformers.
        rows: Of the embedding.
        name: The model's.

    Raises:
        InputError: The tokenizer is larger than the embedding.
    """
    ids = set(tokenizer.get_vocab().values())
    beyond = {number for number in ids if number >= rows} - control_ids(tokenizer)
    bos = tokenizer.bos_token_id
    if beyond or (bos is not None and bos >= rows):
        raise InputError(
            f"model {name!r}: its tokenizer has {max(ids) + 1:,} tokens, and its embedding {rows:,} rows; give the "
            "tokenizer that it was trained with"
        )


def beyond_rows(token: int, name: str, rows: int) -> str:
    """One line on a token that a text or a template has and the model no row for."""
    return (
        f"token {token} is beyond the {rows:,} rows of the embedding of {name!r}; give another template, or the "
        "tokenizer that it was trained with"
    )


def control_ids(tokenizer: Any) -> set[int]:
    """All control tokens; `all_special_ids` lacks those without a role, such as the header tokens of Llama 3."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return {*tokenizer.all_special_ids, *(number for number, token in added.items() if token.special)}


def named_control(tokenizer: Any, texts: Iterable[str]) -> tuple[int, str]:
    """How many texts spell a control token's name, and the first name; it is read as text, and never as the token."""
    control = control_ids(tokenizer)
    names = {str(name) for name, number in tokenizer.get_vocab().items() if number in control}
    if not names:
        return 0, ""
    pattern = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    found = [hit for hit in map(pattern.search, texts) if hit is not None]
    return len(found), found[0].group() if found else ""
