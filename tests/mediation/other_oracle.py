"""The cube of an item held against another, once more: plain transformers, one pass a cell, a mask made by hand.

Each cell is one sequence: the question under which the chain is computed, the chain, the question that is read, and
what reads. The two questions do not see each other, and both end where the chain begins. Shares no code with mediate.
"""

from typing import Any, NamedTuple

import torch

from tests.mediation.hidden_oracle import block_logits

Ids = list[int]


class Parts(NamedTuple):
    """An item's tokens: its question's, its chain's, and what reads them."""

    question: Ids
    chain: Ids
    cue: Ids
    answer: Ids


def other_logits(hf: Any, item: Parts, other: Parts, d: int, t: int, h: int) -> torch.Tensor:
    """The logits that predict the item's answer's tokens in a cell, `token d_vocab`, in float64."""
    worlds = (other, item)
    blocks = [worlds[h].question, worlds[t].chain, worlds[d].question, [*item.cue, *item.answer[:-1]]]
    begin = max(len(blocks[0]), len(blocks[2]))
    starts = [begin - len(blocks[0]), begin, begin - len(blocks[2]), begin + len(blocks[1])]
    sees = [{0}, {0, 1}, {2}, {1, 2, 3}]
    return block_logits(hf, blocks, starts, sees)[-len(item.answer) :]
