"""Sequences that were run side by side, and pasts that are gathered from them: one copy for all, not one for each."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class RowsTogether:
    """The keys and values of sequences that were run side by side, in every layer, padding among them.

    Args:
        keys: As attention reads them.
        values: As attention reads them.
    """

    keys: Float[Tensor, "layer row kv_head pos d_key"]
    values: Float[Tensor, "layer row kv_head pos d_value"]

    def gathered(self, which: Int[np.ndarray, "some_layer past some_head some_pos"]) -> list[tuple[Tensor, Tensor]]:
        """Pasts that have, at each position, the key and value that one of the rows has there: a pair a layer.

        Args:
            which: The row that they are taken from; one layer stands for all, and one KV head.
        """
        layers, rows, heads, width = self.keys.shape[:4]
        layer, head = np.arange(layers)[:, None, None, None], np.arange(heads)[:, None]
        places = ((layer * rows + which) * heads + head) * width + np.arange(which.shape[-1])
        index = torch.from_numpy(places.ravel()).to(self.keys.device)
        keys, values = (
            each.flatten(0, 3).index_select(0, index).reshape(*places.shape, -1) for each in (self.keys, self.values)
        )
        return list(zip(keys, values, strict=True))
