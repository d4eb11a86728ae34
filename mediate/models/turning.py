"""How the keys of a layer turn with their position, and the turn itself.

Families lay rotary channels out differently: channel i paired with channel i + half, or with its neighbour; the first
channels of a head, or its last; either way round. And some have layers without rotary embedding among others.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Turning:
    """How the keys of one layer turn.

    Args:
        still: They do not.
        neighbours: Channel 2i is paired with channel 2i + 1, not channel i with channel i + half.
        last: The rotary channels are a head's last, not its first.
        reverse: They turn the other way.
    """

    still: bool = False
    neighbours: bool = False
    last: bool = False
    reverse: bool = False

    @property
    def usual(self) -> bool:
        """Whether keys turn as in Llama: channel i with channel i + half, from the first channel on."""
        return not (self.still or self.neighbours or self.last or self.reverse)

    def order(self, width: int, half: int) -> Int[Tensor, " d_key"]:
        """Which channel stands where once the rotary ones come first, each `half` before the one it is paired with."""
        begin = width - 2 * half if self.last else 0
        rotary = np.arange(begin, begin + 2 * half)
        pairs = rotary.reshape(half, 2).T if self.neighbours else rotary.reshape(2, half)
        if self.reverse:
            pairs = pairs[::-1]
        others = np.arange(begin), np.arange(begin + 2 * half, width)
        return torch.from_numpy(np.concatenate([pairs.reshape(-1), *others]))


def spun(
    keys: Float[Tensor, "kv_head pos d_key"], by: Complex[Tensor, "pos half"], how: Turning
) -> Float[Tensor, "kv_head pos d_key"]:
    """Keys with each pair of rotary channels, taken as a complex number, multiplied; the others stay as they are."""
    half = by.shape[-1]
    order = how.order(keys.shape[-1], half).to(keys.device)
    laid = keys[..., order]
    pairs = torch.complex(laid[..., :half].double(), laid[..., half : 2 * half].double()) * by
    turned = torch.cat([pairs.real, pairs.imag], dim=-1).to(keys.dtype)
    return torch.cat([turned, laid[..., 2 * half :]], dim=-1)[..., order.argsort()]


def sine_table(plain: Any) -> Complex[Tensor, "place half"] | None:
    """What a transformers model multiplies keys with at each place, where its modules hold that as GPT-J's do.

    None where they do not. The table was rounded, so its entries are not of length 1 to the last digit.
    """
    for module in plain.modules():
        table = getattr(module, "embed_positions", None)
        if isinstance(table, Tensor) and table.ndim == 2:
            sine, cosine = table.double().chunk(2, dim=-1)
            return torch.complex(cosine, sine)
    return None


# All ways to turn, the usual one first.
WAYS = tuple(
    Turning(neighbours=neighbours, last=last, reverse=reverse)
    for last, neighbours, reverse in product((False, True), repeat=3)
)
