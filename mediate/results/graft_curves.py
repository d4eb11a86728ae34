"""Grafts by text beside grafts by keys and values: how far the answer has gone over to the twin's, by step grafted.

Both curves take the source's chain up to a step. By text, the base's question stays and all is computed anew; what is
read is the answer. By keys and values (`graft` maps), what the source run computed is put in place, and what is read is
an outcome: the effect is the part of TE that the graft takes away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mediate.results.behaviour import Behaved, ReadAs
from mediate.results.maps import EffectMap
from mediate.stats import Estimate, bootstrap_ratio, bounded_mean
from mediate.traces.text_grafts import GRAFTED

KIND = "graft"


@dataclass(frozen=True, slots=True)
class Grafted:
    """The source's chain up to one step behind the base's question, over items.

    Args:
        step: The last step grafted, counted from 0.
        at_once: The share of answers that are the twin's, read at once.
        continued: The same, where the model writes on.
        exact: The part of TE that the keys and values of these steps take away, a ratio of sums; undefined without a
            `graft` map.
    """

    step: int
    at_once: Estimate
    continued: Estimate
    exact: Estimate


def graft_table(found: Sequence[Behaved], maps: Sequence[EffectMap] = (), outcome: str = "") -> pd.DataFrame:
    """A row an item and step that was grafted up to.

    Columns: `item`, `group`, `step`, `steps`; `at_once` and `continued`, 1 where the answer is the twin's, 0 where not,
    and NaN where it was not read so; `effect` of the same graft by keys and values, and `te`, both of one outcome and
    in its unit, NaN without such a map.

    Args:
        found: What was answered.
        maps: The maps of the run, of which those of grafts over steps count.
        outcome: Of which they are.
    """
    exact = {each.item: each for each in maps if (each.kind, each.dims, each.outcome) == (KIND, ("step",), outcome)}
    rows: dict[tuple[str, int], dict[str, object]] = {}
    for each in found:
        if each.edit == GRAFTED.name and each.made:
            row = rows.setdefault((each.item, each.place), _row(each, exact.get(each.item)))
            row[each.reading] = float(each.followed)
    names = ["item", "group", "step", "steps", *ReadAs, "effect", "te"]
    return pd.DataFrame([*rows.values()], columns=names)


def graft_curve_of(table: pd.DataFrame, *, seed: int = 0, level: float = 0.95) -> tuple[Grafted, ...]:
    """Both curves over the items of a set, step by step.

    Args:
        table: From `graft_table`.
        seed: Of the bootstrap over groups.
        level: Coverage of the intervals.
    """
    told = []
    for step, rows in table.groupby("step"):
        at_once, continued = (
            bounded_mean(there[reading].to_numpy(float), there["group"].tolist(), level=level)
            for reading in ReadAs
            for there in [rows.dropna(subset=[reading])]
        )
        mapped = rows.dropna(subset=["effect", "te"])
        effects, te = (mapped[name].to_numpy(float) for name in ("effect", "te"))
        exact = bootstrap_ratio(effects, te, mapped["group"].tolist(), seed=seed, level=level)
        told.append(Grafted(int(str(step)), at_once, continued, exact))
    return tuple(told)


def _row(each: Behaved, exact: EffectMap | None) -> dict[str, object]:
    known = exact is not None and each.place in exact.coords["step"]
    return {
        "item": each.item,
        "group": each.group,
        "step": each.place,
        "steps": each.steps,
        "effect": float(exact.values[exact.coords["step"].index(each.place)]) if exact and known else np.nan,
        "te": exact.te if exact and known else np.nan,
    }
