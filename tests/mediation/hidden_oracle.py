"""The cube of an item whose parts are hidden, once more: plain transformers, one pass a cell, a mask made by hand.

Each cell is one sequence that holds the tail and the chain twice, at the same positions: as computed with sight of the
question, and without. A mask of four axes says who sees whom. Shares no code with mediate.
"""

from typing import Any, NamedTuple

import torch

from tests.plainly import kept

Ids = list[int]


class Parts(NamedTuple):
    """An item's tokens: before the question, the question's, after it, the chain's, and what reads them."""

    head: Ids
    question: Ids
    tail: Ids
    chain: Ids
    cue: Ids
    answer: Ids


def hidden_logits(hf: Any, parts: Parts, d: int, t: int, h: int) -> torch.Tensor:
    """The logits that predict the answer's tokens in a cell, `token d_vocab`, in float64."""
    head, question, tail, chain, cue, answer = parts
    readers = [*cue, *answer[:-1]]
    blocks = [head, question, tail, tail, chain, chain, readers]
    begin = len(head) + len(question)
    after = begin + len(tail)
    starts = [0, len(head), begin, begin, after, after, after + len(chain)]
    # Which blocks each block sees, beside its own past: head, question, tail seen and blind, chain seen and blind.
    sees = [
        {0},
        {0, 1},
        {0, 1, 2},
        {0, 3},
        {0, 1, 2, 4},
        {0, 3, 5},
        {0, 6} | ({1} if d else set()) | {2 if d else 3} | ({4 if h else 5} if t else set()),
    ]
    return block_logits(hf, blocks, starts, sees)[-len(answer) :]


def block_logits(hf: Any, blocks: list[Ids], starts: list[int], sees: list[set[int]]) -> torch.Tensor:
    """The logits of a sequence of blocks, `token d_vocab`, in float64.

    Args:
        hf: The transformers model.
        blocks: Their tokens.
        starts: The position of each one's first token.
        sees: The numbers of the blocks that each sees, as far as positions let it.
    """
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
    return logits
