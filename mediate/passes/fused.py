"""Long attention by torch's own blocks of queries and keys, which never hold an array of all scores.

Two layouts of it: the queries of one sequence after another's, and rows that read one past. There the queries of many
rows stand side by side against one copy of the past, with each row's own keys after it and hidden from the others, so
that the past is neither repeated nor read again for each row.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Queries of a call. From so many on, torch's kernel for processors takes larger blocks of them, and is quicker.
QUERIES = 768
# Own keys of rows that are taken together are at most one in so many of the keys of the past that they read.
FEW = 8


def own_attention(
    query: Float[Tensor, "batch head query_pos d_head"],
    key: Float[Tensor, "batch kv_head key_pos d_head"],
    value: Float[Tensor, "batch kv_head key_pos d_value"],
    mask: Float[Tensor, "mask masked_head query_pos key_pos"],
    scale: float | None,
) -> Float[Tensor, "batch query_pos head d_value"]:
    """Attention of a sequence to itself: some queries at a time, to the keys that the future does not hide.

    Args:
        query: After rotary embedding.
        key: After rotary embedding; the last ones are the queries' own positions.
        value: As many as keys.
        mask: Added to the scores.
        scale: Of the scores; one over the square root of the head's width by default.
    """
    length, own = query.shape[2], key.shape[2]
    found: list[Tensor] = []
    for start in range(0, length, QUERIES):
        stop = min(start + QUERIES, length)
        seen = own - length + stop
        part = functional.scaled_dot_product_attention(
            query[:, :, start:stop],
            key[:, :, :seen],
            value[:, :, :seen],
            attn_mask=mask[:, :, start:stop, :seen],
            scale=scale,
            enable_gqa=True,
        )
        found.append(part.transpose(1, 2))
    return torch.cat(found, dim=1)


def attention_beside_past(
    query: Float[Tensor, "batch head query_pos d_head"],
    own: tuple[Float[Tensor, "batch kv_head own_pos d_head"], Float[Tensor, "batch kv_head own_pos d_value"]],
    past: tuple[Float[Tensor, "kv_head past_pos d_head"], Float[Tensor, "kv_head past_pos d_value"]],
    mask: Float[Tensor, "mask masked_head query_pos all_pos"],
    scale: float | None,
) -> Float[Tensor, "batch query_pos head d_value"]:
    """Attention of some rows to a past that all of them read, and after it each to itself.

    Args:
        query: After rotary embedding.
        own: Keys and values of each row; the last ones are the queries' own positions.
        past: Keys and values of what comes before, the same for all rows.
        mask: Added to the scores, of each row or of all alike; no query is left without a key.
        scale: Of the scores; one over the square root of the head's width by default.
    """
    (batch, heads, length, _), (kv_heads, before) = query.shape, past[0].shape[:2]
    group, keys_own = heads // kv_heads, own[0].shape[2]
    positions = min(length, max(1, QUERIES // group))
    # The keys of other rows are scored for nothing; they stay few beside the past.
    rows = min(batch, -(-QUERIES // (group * positions)), 1 + before // (FEW * keys_own))
    # One copy of the past, with room for the own keys and values of the rows that are taken together.
    keys, values = (functional.pad(each, (0, 0, 0, rows * keys_own)) for each in past)
    found: Float[Tensor, "batch query_pos head d_value"]
    found = query.new_empty(batch, length, heads, values.shape[-1])
    alike = len(mask) == 1
    for start in range(0, length, positions):
        stop = min(start + positions, length)
        seen, laid = keys_own - length + stop, mask
        for first in range(0, batch, rows):
            some = slice(first, min(first + rows, batch))
            count = some.stop - first
            end = before + count * seen
            for there, each in zip((keys, values), own, strict=True):
                there[:, before:end] = rearrange(each[some, :, :seen], "row kv pos d -> kv (row pos) d")
            if not alike or first == 0 or count < rows:  # else it is that of the rows before
                here = (mask if alike else mask[some])[:, :, start:stop, : before + seen]
                laid = _side_by_side(here, count, kv_heads, group, before)
            part = functional.scaled_dot_product_attention(
                rearrange(query[some, :, start:stop], "row (kv group) pos d -> 1 kv (row group pos) d", kv=kv_heads),
                keys[None, :, :end],
                values[None, :, :end],
                attn_mask=laid,
                scale=scale,
            )
            found[some, start:stop] = rearrange(
                part, "1 kv (row group pos) d -> row pos (kv group) d", row=count, group=group
            )
    return found


def _side_by_side(
    mask: Float[Tensor, "mask masked_head query_pos all_pos"], rows: int, kv_heads: int, group: int, before: int
) -> Float[Tensor, "1 some_kv_head all_query_pos all_rows_pos"]:
    """The mask of rows side by side: each sees the past and its own keys as its mask says, and no other row's."""
    _, heads, length, width = mask.shape
    seen = width - before
    lowest = torch.finfo(mask.dtype).min
    # Not minus infinity, of which a kernel's block of keys that are all hidden would make NaN.
    by_head = rearrange(
        mask.clamp_min(lowest), "row (kv group) pos key -> kv row group pos key", kv=1 if heads == 1 else kv_heads
    ).expand(-1, rows, group, -1, -1)
    laid = mask.new_full((len(by_head), rows, group, length, before + rows * seen), lowest)
    laid[..., :before] = by_head[..., :before]
    for row in range(rows):
        at = before + row * seen
        laid[:, row, ..., at : at + seen] = by_head[:, row, ..., before:]
    return rearrange(laid, "kv row group pos key -> 1 kv (row group pos) key")
