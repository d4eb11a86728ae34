"""Whole items: what maps cost in forward passes, and items a minute against the straightforward loop."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.attribution import attributions
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.maps import measure_map, parse_map
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.passes.forward import forward
from mediate.passes.keyvalues import prefill
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.tasks import generate_pairs
from mediate.traces.trace import lost_words
from tests import tiny
from tests.scoring.test_score import PAIRS
from tools.bench.bench import Bench, Setting
from tools.bench.subjects import Y, an_item, of_length
from tools.bench.timing import Record

MAPS = ("read:step,layer", "attribution.resid_pre:position,layer")


def run(record: Record, setting: Setting) -> None:
    """Loading, the passes of one item, and whole items."""
    model = setting.model
    if not setting.short:
        model_load(record, setting.name)
        shared_beginning(record, model)
    in_forward_passes(record, model, of_length(model, 40, steps=4) if setting.short else an_item(model, 2))
    items_a_minute(record, model, 2)


WHOLE = Bench("whole", run, minutes=4)


def shared_beginning(record: Record, model: Model) -> None:
    """The four contexts of a cube, run whole and with what they begin with run once."""
    pair = an_item(model, 4)

    def four_passes() -> object:
        return prefill(model, torch.tensor([pair.context(h, t) for h in (0, 1) for t in (0, 1)]))

    note = f"{len(pair.context(1, 1))} tokens"
    record.compare("contexts: whole / shared beginning once", four_passes, lambda: run_contexts(model, pair), note=note)


def in_forward_passes(record: Record, model: Model, pair: EncodedPair) -> None:
    """What maps cost, in plain forward passes of the same item."""
    contexts = run_contexts(model, pair)
    ids = torch.tensor([pair.context(1, 1) + pair.readers.cue])
    three = [Component.RESID_PRE, Component.ATTN_OUT, Component.MLP_OUT]

    def passed() -> object:
        return forward(model, ids, last=1)

    def mapped(name: str) -> object:
        return measure_map(model, contexts, parse_map(name), Y, 1.0)

    note = f"{ids.shape[1]} tokens, {len(pair.traces[1].ids)} of them CoT"
    for name, work in {
        "the cube": lambda: measure_cube(model, run_contexts(model, pair)),
        "attribution patching, all layers x positions x 3": lambda: attributions(model, pair, three, Y),
        "read map, step x layer": lambda: mapped("read:step,layer"),
        "step graph, read": lambda: mapped("step_graph.read:step,result"),
        "knockout map, step x layer": lambda: mapped("knockout:step,layer"),
    }.items():
        record.compare(f"{name} / one forward pass", work, passed, note=note)


def items_a_minute(record: Record, model: Model, count: int, steps: int = 2) -> None:
    """`score` with cube, read map and attribution map, against one plain pass for every intervention."""
    pairs = generate_pairs(count, steps=steps, with_cot=True, length=lambda text: len(model.tokenizer(text).input_ids))
    if lost_words(model.tokenizer, pairs[0].base.question):  # the tiny model has no words for them
        pairs = PAIRS[:count]
    spec = make_spec(maps=MAPS, control_pairs=0, on_bad_item="skip", outcomes=("logit_diff",))
    measured = []

    def scored(which: Model) -> None:
        with TemporaryDirectory() as folder:
            results = score(which, pairs, spec, out=Path(folder) / "run")
        measured.append(len(results.items))

    def one_at_a_time() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mediate.mediation.sequences.PASS_TOKENS", 1)
            patch.setattr("mediate.mediation.kinds.read.ROW_BYTES", 1)
            patch.setattr("mediate.mediation.kinds.cube.ROW_BYTES", 1)
            scored(tiny.unswept(model))

    note = f"{len(pairs)} pairs of {steps} steps"
    row = record.compare(
        "an item, cube + read + attribution maps: one at a time / score",
        one_at_a_time,
        lambda: scored(model),
        each=(len(pairs), len(pairs)),
        note=note,
    )
    assert row.fast
    record.value("an item, score", row.fast, "s", on=note, n=record.rounds)
    record.value("items a minute, score", 60 / row.fast, on=note, n=record.rounds)
    record.value("pairs measured", measured[-1], on=note)


def model_load(record: Record, name: str) -> None:
    """How long a model takes to load, hook and check."""
    from mediate.passes.loaded import load

    started = time.perf_counter()
    load(name, device="cpu")
    record.value("load, hook and self-check", time.perf_counter() - started, "s", on="the model")
