"""Workers on Ray: what two of them do of what one does, and one of what this process does, each of one thread."""

from collections.abc import Sequence

import torch

import mediate
from mediate.pairs.pair import Pair
from mediate.scoring.beginning import BegunRun, Settled
from mediate.scoring.engine_spec import make_engine_spec
from mediate.scoring.engines.cluster import connected
from mediate.scoring.engines.crew import Alike, RayCrew, room
from mediate.scoring.engines.handing import Errand, Gang
from mediate.scoring.engines.orders import Order
from mediate.scoring.spec import ScoreSpec, make_spec
from mediate.tasks import generate_pairs, modular_pairs
from tools.bench.bench import NAME, Bench, Setting
from tools.bench.timing import Record

SMALLEST = "reference-0.1m"


def engines(record: Record, setting: Setting) -> None:
    """Batches measured by one worker, by two, and here; loading and preparing are done before, without controls."""
    spec = make_spec(control_pairs=0)
    subjects: dict[str, Sequence[Pair]] = {SMALLEST: _of_lengths(4 if setting.short else 200)}
    if not setting.short:
        mediate.fetch(NAME)
        subjects[NAME] = tuple(pair for steps in (2, 3, 4) for pair in generate_pairs(8, steps=steps, with_cot=True))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with connected(make_engine_spec(engine="ray", num_workers=3)) as ray:
            for name, pairs in subjects.items():
                record.model = name
                _compare(record, ray, Order(name, {}, pairs, (), spec, cached=False), spec)
    finally:
        torch.set_num_threads(threads)


def _of_lengths(count: int) -> Sequence[Pair]:
    """Pairs of several lengths, with ids of their own."""
    made = [pair for steps in (2, 3, 4, 5) for pair in modular_pairs(count, seed=steps, steps=steps)]
    return tuple(Pair(f"p{number}", each.group, each.base, each.source) for number, each in enumerate(made))


def _compare(record: Record, ray: object, order: Order, spec: ScoreSpec) -> None:
    model = mediate.load(order.model, device="cpu")
    here = Settled.of(model, order.given, (), spec, {}, False).begun(None)
    errands = [Errand(batch.number, tuple(item.id for item in batch.items)) for batch in here.batches]
    resources, _ = room(ray, make_engine_spec(engine="ray"), order)
    gangs = []
    for size in (1, 2):
        crew = RayCrew(ray, order.json(), resources, here.plan.tokens, here.plan.fingerprint)
        gangs.append(Gang(crew, size, Alike().check))
        gangs[-1].begin()
    one, two = gangs
    note = f"{order.model}, {len(order.given)} pairs in {len(errands)} batches"
    try:
        record.compare("one worker / two", lambda: list(one.work(errands)), lambda: list(two.work(errands)), note=note)
        record.compare("one worker / this process", lambda: list(one.work(errands)), lambda: _here(here), note=note)
    finally:
        for gang in gangs:
            gang.stop()


def _here(begun: BegunRun) -> None:
    for batch in begun.batches:
        begun.measured(batch.number, [item.id for item in batch.items])


ENGINES = Bench("engines", engines, minutes=6)
