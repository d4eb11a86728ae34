"""Batches: what is measured side by side, and the unit in which a run is done, kept, taken up again and shared out.

They are formed from all items before anything is looked up. What a number is beside others differs by rounding, so a
run that is taken up again, a shard and a worker must have the same batches.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import torch

from mediate.mediation.batching import of_like_length, side_by_side
from mediate.mediation.procedures import PreparedT, Procedure
from mediate.models.gpu import CPU
from mediate.models.model import Model
from mediate.models.threads import TINY
from mediate.scoring.scored import described

# Tokens of a batch on a processor: a batch of these takes a quarter of the time of one of 2,048, and so much less is
# measured again after a run was stopped. All takes as long: 8 pairs of SmolLM2 on two threads, twice in turn, 24 and
# 19 s, with 2,048 tokens 28 and 19 s.
MOST_KEPT = 512


@dataclass(frozen=True, slots=True)
class Batch(Generic[PreparedT]):
    """Items that are measured together.

    Args:
        number: Its place among the batches of its run, counted from 0.
        items: Of like length.
    """

    number: int
    items: tuple[PreparedT, ...]


def tokens_together(model: Model) -> int:
    """How many tokens are measured side by side, as memory allows now; in half precision each item is alone.

    How it is rounded beside others would show there. Of a model that a processor takes seconds for, fewer stand
    together than memory allows: what is done is kept batch by batch.
    """
    if torch.finfo(model.dtype).bits < 32:
        return 1
    slow = model.device.type == CPU and model.facts.parameters > TINY
    return min(side_by_side(model), MOST_KEPT) if slow else side_by_side(model)


def batches_of(
    procedure: Procedure[PreparedT, Any], model: Model, items: Sequence[PreparedT], tokens: int | None = None
) -> list[Batch[PreparedT]]:
    """As many items together as are worth running side by side, longest first; their order makes no difference.

    Args:
        procedure: How such items are measured.
        model: The hooked model.
        items: All items of a run.
        tokens: How many tokens run side by side, `tokens_together` by default. A run that is taken up again gives what
            it had at first.
    """
    length: Callable[[PreparedT], int] = procedure.length
    by_id = {item.id: item for item in sorted(items, key=lambda item: item.id)}
    lengths = {name: length(item) for name, item in by_id.items()}
    groups = of_like_length(lengths, tokens or tokens_together(model))[::-1]
    return [Batch(number, tuple(by_id[name] for name in group)) for number, group in enumerate(groups)]


def fingerprint_of(batches: Sequence[Batch[Any]]) -> str:
    """sha256 over the items of each batch in tokens: what parts of a run must have in common to be of one run."""
    digest = hashlib.sha256()
    for batch in batches:
        told = [[item.id, described(item.tokens)] for item in batch.items]
        digest.update(json.dumps(told, sort_keys=True).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
