"""Ways of spending less: cubes side by side, state maps that look where effects are, knockouts at the cost of reads."""

from functools import partial

import numpy as np

import mediate
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.adaptive import Adaptive, Search, adaptive_state_map
from mediate.mediation.kinds.cube import measure_cube, measure_cubes, run_all_contexts, run_contexts
from mediate.mediation.maps import measure_map, parse_map
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.results import total_effect
from tools.bench.bench import Bench, Setting
from tools.bench.subjects import Y, an_item, of_length
from tools.bench.timing import Record

REASONER, ITEMS = "reference-4m", 8
# Tokens of a chain; a context has some 30 more.
CHAIN = 80


def cubes(record: Record, setting: Setting) -> None:
    """Cubes one after the other and side by side, on two sizes of model."""
    sizes = {setting.name: setting.model}
    if not setting.short:
        sizes = {REASONER: mediate.load(REASONER, device="cpu")} | sizes
    record.model = ", ".join(sizes)
    for name, model in sizes.items():
        items = [of_length(model, CHAIN, seed=seed) for seed in range(2 if setting.short else ITEMS)]
        note = f"{name}, {len(items)} pairs, {len(items[0].context(1, 1))} tokens a context"
        one, many = partial(_apart, model, items), partial(_together, model, items)
        record.compare("a cube: one after the other / side by side", one, many, note=note)
        apart = float(abs(np.array(one()) - np.array(many())).max())
        record.value("largest difference of the two", apart, "nats", on=note)


def _apart(model: Model, items: list[EncodedPair]) -> list[np.ndarray]:
    return [measure_cube(model, run_contexts(model, item), [Y]) for item in items]


def _together(model: Model, items: list[EncodedPair]) -> list[np.ndarray]:
    return list(measure_cubes(model, run_all_contexts(model, items), [Y]))


def adaptive(record: Record, setting: Setting) -> None:
    """A state map over position and layer, whole and adaptive, and what the adaptive one left out."""
    model = setting.model
    pair = of_length(model, 40, steps=4) if setting.short else an_item(model, 0, 6)
    contexts, spec = run_contexts(model, pair), parse_map("state.resid_pre:position,layer")
    te = float(total_effect(measure_cube(model, contexts, [Y]))[0])
    kept: list[Adaptive] = []

    def searched() -> None:
        kept[:] = [adaptive_state_map(model, pair, Component.RESID_PRE, Y, te, Search())]

    whole = measure_map(model, contexts, spec, Y, te).values
    note = f"{whole.size:,} cells, from {100 * Search().threshold:g} % of TE on"
    row = record.compare(
        "a state map: whole / adaptive", lambda: measure_map(model, contexts, spec, Y, te), searched, note=note
    )
    for way, taken in (("whole", row.slow), ("adaptive", row.fast)):
        assert taken
        record.value(f"a state map: {way}", taken, "s", on=note, n=record.rounds)
    (found,) = kept
    above = abs(whole) > found.threshold
    record.value("cells above the threshold", int(above.sum()), on=note)
    record.value("of them found", int((above & ~np.isnan(found.map.values)).sum()), on=note)
    record.value("of the cells left out, above it, at most (bound of 95 %)", 100 * found.bound, "%", on=note)
    missed = above & np.isnan(found.map.values)
    record.value("of the cells left out, above it", 100 * missed.sum() / max(found.left_out, 1), "%", on=note)


def hidden_keys(record: Record, setting: Setting) -> None:
    """A knockout map beside a read map of the same cells, from the same keys and values."""
    model = setting.model
    pair = of_length(model, 40 if setting.short else CHAIN, steps=4)
    contexts = run_contexts(model, pair)
    maps = [parse_map(f"{kind}:step,layer") for kind in ("knockout", "read")]
    knockout, read = (partial(measure_map, model, contexts, spec, Y, 1.0) for spec in maps)
    record.compare("a map, step x layer: knockout / read", knockout, read, note=f"{len(pair.context(1, 1))} tokens")


CUBES = Bench("cubes", cubes, minutes=2)
ADAPTIVE = Bench("adaptive", adaptive, minutes=8)
KNOCKOUT = Bench("knockout", hidden_keys, minutes=1)
