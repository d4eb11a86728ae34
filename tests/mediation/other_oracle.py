"""The cube of an item held against another, once more: plain transformers, one pass a cell, a mask made by hand.

Each cell is one sequence: the question under which the chain is computed, the chain, the question that is read, and
what reads. The two questions do not see each other, and both end where the chain begins. Shares no code with mediate.
"""

from typing import Any, NamedTuple

import torch

from tests.plainly import kept

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
    ids = [token for block in blocks for token in block]
    owner = torch.tensor([number for number, block in enumerate(blocks) for _ in block])
    place = torch.tensor([start + k for start, block in zip(starts, blocks, strict=True) for k in range(len(block))])
    allowed = torch.tensor([[int(key) in sees[int(query)] for key in owner] for query in owner])
    allowed &= place[None, :] <= place[:, None]
    dtype = next(hf.parameters()).dtype

    def added(visible: torch.Tensor) -> torch.Tensor:
        return torch.zeros(visible.shape, dtype=dtype).masked_fill(~visible, torch.finfo(dtype).min)[None, None]

    mask: Any = added(allowed)
    window = getattr(hf.config, "sliding_window", None)
    if getattr(hf.config, "layer_types", None) and window:
        near = place[:, None] - place[None, :] < window
        mask = {"full_attention": mask, "sliding_attention": added(allowed & near)}
    with torch.no_grad(), kept(hf):
        logits = hf(torch.tensor([ids]), attention_mask=mask, position_ids=place[None]).logits[0].double()
    return logits[-len(item.answer) :]
