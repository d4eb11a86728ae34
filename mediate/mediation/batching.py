"""What is run side by side: sequences of like length, as many together as are quickest and fit into memory."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import torch

from mediate.models.model import Model
from mediate.passes import quickest_tokens
from mediate.passes.memory import free_memory

# What runs side by side may be longer than it need be by this part, in padding.
PADDING = 0.125
# The part of free memory that keys and values of sequences side by side may take.
SHARE = 0.1

# From this width on as many tokens are quickest as of a wide model; of a narrower one up to so many times as many.
WIDE, MOST_NARROW = 256, 4

Key = TypeVar("Key", bound=Hashable)


def side_by_side(model: Model) -> int:
    """How many tokens of contexts are run and kept together: where more gain nothing, or memory would get short.

    A narrow model is through with a token so soon that what a pass costs by itself counts, up to some width.
    """
    facts = model.facts
    quickest = quickest_tokens(model) * max(1, min(MOST_NARROW, WIDE // facts.d_model))
    size = 2 * facts.layers * facts.kv_heads * facts.d_head * torch.finfo(model.dtype).bits // 8
    return max(1, min(quickest, int(SHARE * free_memory(model) / size)))


def of_like_length(lengths: Mapping[Key, int], most: int, padding: float = PADDING) -> list[list[Key]]:
    """Groups what is of like length, shortest first, so that little is padded.

    Args:
        lengths: Tokens of each.
        most: Tokens of a group with its padding, at most; one alone is never refused.
        padding: How much longer a group may be for its padding, as a part of what it holds.
    """
    groups: list[list[Key]] = []
    held = 0
    for key in sorted(lengths, key=lambda each: lengths[each]):
        padded = lengths[key] * (len(groups[-1]) + 1 if groups else 1)
        if not groups or padded > min(most, (1 + padding) * (held + lengths[key])):
            groups.append([])
            held = 0
        groups[-1].append(key)
        held += lengths[key]
    return groups
