"""CMI, the chain's mediation index (arXiv 2602.03994), by its definition and without three of its defects.

By span of layers, what the answer's log-probability loses with the chain's states as they are without the chain,
against what it loses in a control. Published: `max(0, chain - control) / (chain + control)` of losses that are
`max(0, .)` themselves, averaged over spans, the control being positions outside the chain. Three things go wrong there:

- *sign*: `max(0, .)` makes a chain that speaks against the answer, or that says less than its control, one that says
  nothing;
- *size*: of a ratio, losses of 1e-6 and of 6 nats both give 1;
- *control*: positions of the prompt come before the chain, so their states are the same with and without it; the
  control is 0 whatever the model, and the index is 1 wherever the chain's loss is above 0.

So here losses keep their signs, `(chain - control) / (|chain| + |control|)` is undefined where its denominator is not
above `LEAST` and stands beside the difference in nats, and the control is a displacement of the chain's own states, as
far and at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mediate.results.kinds import MIN_TE
from mediate.stats import Estimate, bootstrap_mean

if TYPE_CHECKING:
    import pandas

# The sum of both sizes, in nats, up to which a span has no index: as a share has none of a total effect that small.
LEAST = MIN_TE
DEFECTS = ("sign", "size", "control")
# Two indices that differ by less are told as the same number.
SAME = 0.005


def index_of(
    chain: Float[np.ndarray, " span"],
    control: Float[np.ndarray, " span"],
    *,
    clipped: bool = False,
    least: float = LEAST,
) -> float:
    """The index of an item: the mean over its spans that have one; NaN where none has.

    Args:
        chain: What is lost without the chain, in nats.
        control: What is lost in the control.
        clipped: Whether losses, and their difference, below 0 count as 0, as published.
        least: The denominator up to which a span has none; 0 as published, where 0 / 0 is 0.
    """
    if clipped:
        chain, control = np.maximum(chain, 0), np.maximum(control, 0)
    above, size = chain - control, abs(chain) + abs(control)
    if clipped:
        above = np.maximum(above, 0)
    found = np.full(len(chain), np.nan if least else 0.0)
    np.divide(above, size, out=found, where=size > least)
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")


def published(chain: Float[np.ndarray, " span"]) -> float:
    """The index as published, with its control at positions of the prompt, which is 0."""
    return index_of(chain, np.zeros_like(chain), clipped=True, least=0.0)


def changed_by(chain: Float[np.ndarray, " span"], control: Float[np.ndarray, " span"]) -> tuple[str, ...]:
    """The defects of which each, put back alone, gives an item another index or makes it one that it has not."""
    own = index_of(chain, control)
    with_defect = (
        index_of(chain, control, clipped=True),
        index_of(chain, control, least=0.0),
        index_of(chain, np.zeros_like(control)),
    )
    return tuple(
        name
        for name, other in zip(DEFECTS, with_defect, strict=True)
        if np.isnan(own) != np.isnan(other) or abs(own - other) > SAME
    )


@dataclass(frozen=True, slots=True)
class SpanLoss:
    """What the measured answer's log-probability loses in one span of layers of one item, in nats.

    Args:
        item: The item's id.
        group: The item's group.
        first: The span's first layer; 0 of an item that has no losses.
        layers: How many layers it has; 0 likewise.
        chain: Lost with the chain's states as they are without it.
        control: Lost with states displaced as far at random, the mean over draws.
        question_moved: How far the question's states differ between the two runs at most, as a part of their norm: 0
            but for rounding, so that the published control is none.
        code: A short word on why there is none; else empty.
        reason: The same in a sentence.
    """

    item: str
    group: str
    first: int = 0
    layers: int = 0
    chain: float = float("nan")
    control: float = float("nan")
    question_moved: float = float("nan")
    code: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if bool(self.code) != bool(self.reason) or bool(self.code) != bool(np.isnan(self.chain)):
            raise ValueError(f"item {self.item!r}: layer {self.first} needs either a loss or a reason for none")


@dataclass(frozen=True, slots=True)
class Indexed:
    """The index of one item.

    Args:
        item: The item's id.
        group: The item's group.
        cmi: The index, from -1 to 1; NaN where no span has one.
        nats: What the chain's states are worth beyond the control's, the mean over spans.
        published: The index as published.
        changed_by: The defects that would have given it another index, each put back alone.
    """

    item: str
    group: str
    cmi: float
    nats: float
    published: float
    changed_by: tuple[str, ...]


def indexed(found: Sequence[SpanLoss]) -> tuple[Indexed, ...]:
    """The index of every item that has losses."""
    rows: dict[str, list[SpanLoss]] = {}
    for each in found:
        if not each.code:
            rows.setdefault(each.item, []).append(each)
    told = []
    for item, spans in rows.items():
        chain, control = (np.array([getattr(each, name) for each in spans]) for name in ("chain", "control"))
        told.append(
            Indexed(
                item,
                spans[0].group,
                index_of(chain, control),
                float((chain - control).mean()),
                published(chain),
                changed_by(chain, control),
            )
        )
    return tuple(told)


@dataclass(frozen=True, slots=True)
class IndexOfSet:
    """The index over the items of a set.

    Args:
        cmi: Its mean over the items that have one.
        nats: The mean over all items of what the chain's states are worth beyond the control's.
        published: The mean of the index as published.
        changed: By defect, of how many items it would have changed the index.
        items: Items with losses.
        undefined: Of how many of them no span has an index.
    """

    cmi: Estimate
    nats: Estimate
    published: Estimate
    changed: dict[str, int]
    items: int
    undefined: int


def index_of_set(found: Sequence[SpanLoss], *, seed: int = 0, level: float = 0.95) -> IndexOfSet:
    """The index over a set, with intervals over groups."""
    told = indexed(found)

    def mean(name: str, items: Sequence[Indexed]) -> Estimate:
        values = np.array([getattr(each, name) for each in items], dtype=float)
        return bootstrap_mean(values, [each.group for each in items], seed=seed, level=level)

    having = [each for each in told if not np.isnan(each.cmi)]
    return IndexOfSet(
        cmi=mean("cmi", having),
        nats=mean("nats", told),
        published=mean("published", told),
        changed={defect: sum(defect in each.changed_by for each in told) for defect in DEFECTS},
        items=len(told),
        undefined=len(told) - len(having),
    )


def index_table(found: Sequence[SpanLoss]) -> "pandas.DataFrame":
    """A row an item: its index, the nats, the index as published, and which defects would have changed it."""
    import pandas as pd

    columns = ["item", "group", "cmi", "nats", "published"]
    told = indexed(found)
    table = pd.DataFrame([{name: getattr(each, name) for name in columns} for each in told], columns=columns)
    for defect in DEFECTS:
        table[f"changed_by_{defect}"] = [defect in each.changed_by for each in told]
    return table


def span_table(found: Sequence[SpanLoss]) -> "pandas.DataFrame":
    """A row an item and span."""
    import pandas as pd

    names = [each.name for each in fields(SpanLoss)]
    return pd.DataFrame([{name: getattr(each, name) for name in names} for each in found], columns=names)


def spans_from_table(table: "pandas.DataFrame") -> tuple[SpanLoss, ...]:
    """The inverse of `span_table`."""
    rows = table[[each.name for each in fields(SpanLoss)]].to_dict("records")
    return tuple(SpanLoss(**{str(name): value for name, value in row.items()}) for row in rows)
