"""Maps over any axes, made up from a seed; no model behind them."""

import numpy as np

from mediate.results import EffectMap
from mediate.results.kinds import parse_kind

SIZES = {"step": 4, "position": 12, "layer": 5, "head": 3, "kv_head": 2, "result": 4, "later": 4}


def made_maps(
    kind: str, dims: tuple[str, ...], *, items: int = 12, outcome: str = "logit_diff", uneven: bool = False
) -> list[EffectMap]:
    """A map an item, each in a group of its own, whose last place along the chain and middle layer have the most."""
    rng = np.random.default_rng(0)
    outcome = parse_kind(kind).of.outcome or outcome
    maps = []
    for number in range(items):
        sizes = {name: SIZES[name] - (uneven and name == "step" and number % 2) for name in dims}
        values = rng.normal(0, 0.05, tuple(sizes.values()))
        values[tuple(size // 2 if name in ("layer", "head") else -1 for name, size in sizes.items())] += 5.0
        if dims in (("step", "result"), ("step", "later")):
            values = np.where(np.triu(np.ones(values.shape), k=1) > 0, values, np.nan)
            values[0, -1] = 5.0
        coords = {name: tuple(range(size)) for name, size in sizes.items()}
        te = float("nan") if parse_kind(kind).of.outcome else 10.0
        maps.append(EffectMap(values, dims, coords, f"item-{number}", f"g{number}", kind, outcome, te))
    return maps
