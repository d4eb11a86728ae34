"""Early answers after every number of steps: one by one, and side by side from one pass over the whole chain."""

from functools import partial

import torch

from mediate.faithfulness.spoken import speak
from mediate.mediation.encoding import EncodedPair
from mediate.models.model import Model
from mediate.models.side_by_side import can_pad
from mediate.passes.forward import forward
from tools.bench.bench import Bench, Setting
from tools.bench.subjects import of_length
from tools.bench.timing import Record

STEPS, STEP_TOKENS = 10, 24


def truncations(record: Record, setting: Setting) -> None:
    """n + 1 plain passes of the longest sequence, and all n + 1 answers read at once; then against a single pass."""
    model = setting.model
    pair = of_length(model, (4 if setting.short else STEP_TOKENS) * STEPS, steps=STEPS)
    chains = [pair.trace.ids[:start] for start, _ in pair.trace.step_spans] + [pair.trace.ids]
    longest = torch.tensor([[*pair.whole, *pair.readers.cue, *pair.readers.base]], device=model.device)
    note = f"{STEPS} steps, {longest.shape[1]} tokens"
    padded = can_pad(model)
    record.compare(
        "early answers: n + 1 passes of the longest sequence / at once",
        partial(_passes, model, longest, len(chains)),
        partial(_at_once, model, pair, chains, padded),
        note=note,
    )
    record.compare(
        "early answers: at once / one pass of the longest sequence",
        partial(_at_once, model, pair, chains, padded),
        partial(_passes, model, longest, 1),
        note=note,
    )


def _passes(model: Model, ids: torch.Tensor, count: int) -> None:
    for _ in range(count):
        forward(model, ids, last=2)


def _at_once(model: Model, pair: EncodedPair, chains: list[tuple[int, ...]], padded: bool) -> None:
    speak(model, pair, chains, padded=padded)


TRUNCATIONS = Bench("truncations", truncations, minutes=1)
