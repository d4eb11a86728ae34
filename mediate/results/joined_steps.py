"""Both sides of each step: what a mistake in it did to the answer, and what its activations carry.

Held against each other in two ways, which say different things. *Over all steps* asks whether steps that matter by one
side matter by the other, whatever item they are of: how items differ counts. *Within items* asks it of the steps of one
chain, and averages: how items differ does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from mediate.results.behaviour import WHOLE, Behaved, ReadAs
from mediate.results.kinds import parse_kind
from mediate.results.maps import EffectMap
from mediate.results.resampled import Resampled
from mediate.stats import Estimate, bootstrap_mean
from mediate.stats.rank import FEWEST, rank_correlation_of, spearman

# Edits that make one step wrong, and what of them is held against effects.
MISTAKES = ("mistaken", "mistaken.recomputed")
CHANGED, LOST, RESAMPLED = "changed", "lost", "resampled"
IMPORTANCE = ("importance", "counterfactual")
# Kinds of maps whose cells are effects of single steps, measured exactly.
OF_STEPS = ("read", "relayed", "knockout", "state", "ablate", "step_graph")
LABELS = ("item", "group", "step", "steps")


@dataclass(frozen=True, slots=True)
class StepsAgreed:
    """How far a side of behaviour and an effect agree over steps.

    Args:
        behaviour: The column of `step_table`.
        effect: Likewise, a kind of map.
        pooled: Spearman's correlation over the steps of all items, with an interval over groups.
        within: The mean over items of Spearman's correlation over the item's own steps.
        without: Items that have both and no correlation of their own: fewer than three steps, or one side is the same
            for all.
    """

    behaviour: str
    effect: str
    pooled: Estimate
    within: Estimate
    without: int


def step_effects(effects: EffectMap) -> Float[np.ndarray, " step"]:
    """One number a step: of a map over more than steps, such as layers, the effect of the largest size, with its sign.

    Effects in different layers do not add up, so they are not summed. NaN where a step has no effect.
    """
    values = np.moveaxis(effects.values, effects.dims.index("step"), 0).reshape(len(effects.coords["step"]), -1)
    sizes = np.where(np.isnan(values), -1.0, abs(values))
    found: Float[np.ndarray, " step"] = values[np.arange(len(values)), sizes.argmax(axis=1)]
    return found


def step_maps(maps: Sequence[EffectMap]) -> dict[str, dict[str, EffectMap]]:
    """By kind and item, the map that says what single steps do; of several of a kind, that of the fewest axes."""
    found: dict[str, dict[str, EffectMap]] = {}
    for each in sorted(maps, key=lambda each: len(each.dims), reverse=True):
        name = parse_kind(each.kind)
        if name.of.name in OF_STEPS and name.view is None and not name.adaptive and "step" in each.dims:
            found.setdefault(each.kind, {})[each.item] = each
    return dict(sorted(found.items()))


def step_table(
    found: Sequence[Behaved],
    maps: Sequence[EffectMap],
    resampled: Sequence[Resampled] = (),
) -> pd.DataFrame:
    """A row an item and step, of items that answered.

    Columns: `item`, `group`, `step` counted from 0, `steps`; for each edit that makes one step wrong, read at once,
    `changed.EDIT`, 1 where the answer is another, and `lost.EDIT`, the log-probability in nats that the measured answer
    loses; where steps were resampled, what that says of their importance, `resampled.importance` and
    `resampled.counterfactual` (`mediate.results.resampled`). Then a column for each kind of map of steps, see
    `step_effects`. NaN where there is no such number.

    Args:
        found: What was answered.
        maps: Of one outcome, and step graphs.
        resampled: Steps that were resampled.
    """
    whole = {each.item: each for each in found if each.edit == WHOLE and each.made}
    table = pd.DataFrame(
        [(each.item, each.group, step, each.steps) for each in whole.values() for step in range(each.steps)],
        columns=list(LABELS),
    )
    columns: dict[str, dict[tuple[str, int], float]] = {}
    for each in found:
        if each.edit in MISTAKES and each.reading == ReadAs.AT_ONCE and each.made and each.item in whole:
            place = each.item, each.place
            columns.setdefault(f"{CHANGED}.{each.edit}", {})[place] = float(not each.same)
            columns.setdefault(f"{LOST}.{each.edit}", {})[place] = whole[each.item].logprob - each.logprob
    for row in resampled:
        for name in IMPORTANCE if row.made else ():
            columns.setdefault(f"{RESAMPLED}.{name}", {})[row.item, row.step] = float(getattr(row, name))
    for kind, by_item in step_maps(maps).items():
        columns[kind] = {
            (item, step): float(value)
            for item, each in by_item.items()
            for step, value in zip(each.coords["step"], step_effects(each), strict=True)
        }
    places = list(zip(table["item"], table["step"], strict=True))
    for name, having in columns.items():
        table[name] = [having.get(place, np.nan) for place in places]
    return table


def steps_agreed(
    table: pd.DataFrame, behaviour: str, effect: str, *, seed: int = 0, level: float = 0.95
) -> StepsAgreed:
    """How far two columns of `step_table` agree, over all steps and within items."""
    there = table.dropna(subset=[behaviour, effect])
    one, other = (there[name].to_numpy(float) for name in (behaviour, effect))
    pooled = rank_correlation_of(one, other, there["group"].tolist(), seed=seed, level=level)
    own, groups = list[float](), list[str]()
    for _, rows in there.groupby("item", sort=False):
        value = spearman(rows[behaviour].to_numpy(float), rows[effect].to_numpy(float))
        if len(rows) >= FEWEST and not np.isnan(value):
            own.append(value)
            groups.append(str(rows["group"].iloc[0]))
    within = bootstrap_mean(np.array(own, dtype=float), groups, seed=seed, level=level)
    return StepsAgreed(behaviour, effect, pooled, within, there["item"].nunique() - len(own))


def all_steps_agreed(table: pd.DataFrame, *, seed: int = 0, level: float = 0.95) -> tuple[StepsAgreed, ...]:
    """Every mistake with every effect that the table has of steps, and resampling importance with step graphs.

    A step graph says what a step does to later ones, so that the last step has no number in it.
    """
    kinds = [name for name in table.columns if parse_kind(name).of.name in OF_STEPS]
    graphs = [name for name in kinds if parse_kind(name).of.outcome]
    single = [name for name in kinds if name not in graphs]
    beside = {CHANGED: single, LOST: single, RESAMPLED: graphs}
    return tuple(
        steps_agreed(table, side, kind, seed=seed, level=level)
        for side in table.columns
        for kind in beside.get(side.partition(".")[0], ())
    )
