"""Contrasts: what an item is held against, and so what index 0 of its cube means.

The cube Y[d, t, h], its total effect and its classical effects are the same for all; how the total effect is shared out
among the channels depends on which cells differ. Shares of different contrasts are different quantities, and never
stand in one column or comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mediate.errors import InputError

Y = Float[np.ndarray, "item 2 2 2"]
Values = Float[np.ndarray, "item 3"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """What a base item is held against.

    Args:
        name: As it is asked for and stored.
        zero: What index 0 means, of d, t and h.
        shapley: Shares the total effect out among direct, text and latent.
    """

    name: str
    zero: tuple[str, str, str]
    shapley: Callable[[Y], Values]

    def __str__(self) -> str:
        return self.name


def over_all_orders(y: Y) -> Values:
    """Shapley value of each channel over the cube; rows sum to TE.

    A channel's value is its mean effect over the orders in which the three can be switched from source to base: weight
    1/3 with none or both of the others at base, 1/6 with one of them (Shapley 1953).
    """
    columns = []
    for axis in (1, 2, 3):
        gain = np.take(y, 1, axis=axis) - np.take(y, 0, axis=axis)  # item x the other two channels
        columns.append(gain[:, 0, 0] / 3 + (gain[:, 0, 1] + gain[:, 1, 0]) / 6 + gain[:, 1, 1] / 3)
    return np.stack(columns, axis=1)


def chain_before_its_sight(y: Y) -> Values:
    """The mean effect of each channel over the three orders in which the chain is shown before its own world is set.

    Where the chain is hidden nobody can tell how it was computed: Y[d, 0, 0] = Y[d, 0, 1]. Over all six orders a reader
    of the latent state alone would be called one of the text too; over these three it is wholly latent. Rows sum to TE.
    """
    direct = (y[:, 1, 0, 0] - y[:, 0, 0, 0]) + (y[:, 1, 1, 0] - y[:, 0, 1, 0]) + (y[:, 1, 1, 1] - y[:, 0, 1, 1])
    text = (y[:, 1, 1, 0] - y[:, 1, 0, 0]) + 2 * (y[:, 0, 1, 0] - y[:, 0, 0, 0])
    latent = 2 * (y[:, 1, 1, 1] - y[:, 1, 1, 0]) + (y[:, 0, 1, 1] - y[:, 0, 1, 0])
    return np.stack([direct, text, latent], axis=1) / 3


TWIN = Contrast(
    "twin", ("the twin's question", "the twin's chain", "computed under the twin's question"), over_all_orders
)
HIDDEN = Contrast(
    "hidden",
    (
        "the answer cannot attend to the question",
        "the answer cannot attend to the chain",
        "computed without sight of the question",
    ),
    chain_before_its_sight,
)
OTHER = Contrast(
    "other",
    ("another item's question", "that item's chain", "computed under that item's question"),
    over_all_orders,
)
CONTRASTS = (TWIN, HIDDEN, OTHER)


def contrast_named(name: str) -> Contrast:
    """The contrast of that name.

    Raises:
        InputError: There is none.
    """
    found = next((each for each in CONTRASTS if each.name == str(name)), None)
    if found is None:
        raise InputError(f"no contrast {str(name)[:40]!r}; there are {', '.join(map(str, CONTRASTS))}")
    return found
