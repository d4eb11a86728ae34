"""What each precision costs in exactness: effects against those of float32 with eager attention."""

import numpy as np
from scipy.stats import spearmanr

import mediate
from mediate.mediation.sequences import outcomes_under
from mediate.models.model import Model
from tools.bench.bench import Bench, Setting
from tools.bench.patching import sampled
from tools.bench.subjects import Subject, Y, an_item, of_length, subject
from tools.bench.timing import Record

DTYPES = ("float64", "bfloat16", "float16")


def measure(record: Record, setting: Setting) -> None:
    """On one item; of a tiny model there is one precision alone."""
    model = setting.model
    record.dtype = ", ".join(("float32", *DTYPES))
    if setting.short:
        precision(record, model, None, subject(model, of_length(model, 40, steps=4)), 4)
    else:
        precision(record, model, setting.name, subject(model, an_item(model, 0, 6)), 60)


PRECISION = Bench("precision", measure, minutes=4)


def effects(found: Subject, numbers: list[int], *, swept: bool) -> np.ndarray:
    """State effects of some of the patches, and the run's own outcome first."""
    branches = [found.branches[number] for number in numbers]
    if swept:
        here, y = found.swept(branches)
        return np.array([here[0], *(here[0] - y)])
    y = outcomes_under(found.model, found.run, [Y], [(), *branches], found.values)[0]
    return np.array([y[0], *(y[0] - y[1:])])


def precision(record: Record, model: Model, name: str | None, reference: Subject, count: int) -> None:
    """Sweeps and plain passes in each dtype, against plain float32 passes with eager attention.

    Args:
        record: Where the numbers go.
        model: In float32.
        name: What `load` takes for it; None where there is no other precision.
        reference: The item on that model.
        count: How many patches.
    """
    numbers = sampled(reference, count)
    wanted = effects(reference, numbers, swept=False)
    on = f"float32, plain passes: {len(numbers)} patches, {reference}"
    record.value("largest effect", float(abs(wanted[1:]).max()), "nats", on=on)
    rows: list[tuple[str, Model | None, bool]] = [("float32", model, True)]
    rows += [(dtype, None, swept) for dtype in DTYPES for swept in (False, True) if name]
    kept: dict[str, Model] = {}
    for dtype, there, swept in rows:
        on = f"{dtype}, {'sweeps' if swept else 'plain passes'}"
        if there is None:
            kept = kept if dtype in kept else {dtype: mediate.load(name, dtype=dtype, device=model.facts.device)}
            there = kept[dtype]
        got = effects(subject(there, reference.pair), numbers, swept=swept)
        error = got[1:] - wanted[1:]
        record.value("largest error of an effect", float(abs(error).max()), "nats", on=on)
        record.value("rank correlation", float(spearmanr(got[1:], wanted[1:]).statistic), on=on)
        large = abs(wanted[1:]) > 0.05 * abs(wanted[1:]).max()
        same = (np.sign(got[1:]) == np.sign(wanted[1:]))[large]
        record.value("same sign, of the large", 100 * float(same.mean()), "%", on=on)
