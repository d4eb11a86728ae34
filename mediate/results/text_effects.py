"""Natural effects at the level of text: what question and chain, as words, do to the base answer's probability.

The chain is words here, and the model runs them after whichever question stands there: of the cube these are the cells
in which the chain was computed under the question that is read, d = h. So what a chain's activations carry beyond its
words goes with the question, where the corners at t = h (`mediate.results.cube.corners`) count it with the chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mediate.results.cube import Corners
from mediate.stats import Estimate, bootstrap_mean

if TYPE_CHECKING:
    import pandas

COLUMNS = ("p00", "p01", "p10", "p11")


@dataclass(frozen=True, slots=True)
class TextCorners:
    """The probability of the whole base answer after each question with each chain, of one pair, run as plain text.

    Args:
        item: The item's id.
        group: The item's group.
        p00: After the source's question and the source's chain.
        p01: After the source's question and the base's chain.
        p10: After the base's question and the source's chain.
        p11: After the base's question and the base's chain.
    """

    item: str
    group: str
    p00: float
    p01: float
    p10: float
    p11: float

    def __post_init__(self) -> None:
        if not all(0 <= getattr(self, name) <= 1 + 1e-6 for name in COLUMNS):
            raise ValueError(f"item {self.item!r}: a probability that is none")


def text_corners_of(y: Float[np.ndarray, "item 2 2 2"]) -> Float[np.ndarray, "item question chain"]:
    """The cells of a cube that a plain run of text gives: Y[d, t, h = d]."""
    plain: Float[np.ndarray, "item question chain"] = np.stack([y[:, d, :, d] for d in (0, 1)], axis=1)
    return plain


def text_effects(p: Float[np.ndarray, "item question chain"]) -> Corners:
    """Natural effects of question and chain on a probability (arXiv 2512.23032), positive towards the base answer.

    With x_h the base's question, x the source's, c_h and c their chains:
    `NDE = p(x_h, c) - p(x, c)`, `NIE = p(x, c_h) - p(x, c)`, which is as they are published; and so
    `TE = p(x_h, c_h) - p(x, c)`, `TDE = TE - NIE`, `TIE = TE - NDE` and the interaction `TIE - NIE`.
    """
    p00, p01, p10, p11 = p[:, 0, 0], p[:, 0, 1], p[:, 1, 0], p[:, 1, 1]
    return Corners(
        te=p11 - p00, nde=p10 - p00, nie=p01 - p00, tde=p11 - p01, tie=p11 - p10, interaction=(p11 - p10) - (p01 - p00)
    )


def text_effects_of(found: Sequence[TextCorners]) -> Corners:
    """`text_effects` of some pairs."""
    return text_effects(np.array([[[each.p00, each.p01], [each.p10, each.p11]] for each in found]).reshape(-1, 2, 2))


def set_text_effects(found: Sequence[TextCorners], *, seed: int = 0, level: float = 0.95) -> dict[str, Estimate]:
    """The mean of each over items, with its interval over groups, by its name in `Corners`."""
    groups = [each.group for each in found]
    return {
        name: bootstrap_mean(values, groups, seed=seed, level=level)
        for name, values in text_effects_of(found)._asdict().items()
    }


def text_effect_table(found: Sequence[TextCorners]) -> "pandas.DataFrame":
    """A row a pair: `item`, `group`, the four probabilities `pQC` of question Q and chain C, and the effects."""
    import pandas as pd

    names = ["item", "group", *COLUMNS]
    table = pd.DataFrame([{name: getattr(each, name) for name in names} for each in found], columns=names)
    for name, values in text_effects_of(found)._asdict().items():
        table[name] = values
    return table


def text_corners_from_table(table: "pandas.DataFrame") -> tuple[TextCorners, ...]:
    """The inverse of `text_effect_table`."""
    rows = table[["item", "group", *COLUMNS]].to_dict("records")
    return tuple(TextCorners(**{str(name): value for name, value in row.items()}) for row in rows)
