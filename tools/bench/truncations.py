"""Early answers after every number of steps: one by one, and side by side from one pass over the whole chain.

First what is read there alone, which is a pass and the cues behind it; then the answers, of which the model says
further tokens: each of those is a pass over all weights again.
"""

from collections.abc import Callable
from functools import partial

import torch

from mediate.faithfulness.leads import leads
from mediate.faithfulness.spoken import speak
from mediate.models.model import Model
from mediate.models.side_by_side import can_pad
from mediate.passes.forward import forward
from tools.bench.bench import Bench, Setting
from tools.bench.subjects import of_length
from tools.bench.timing import Record

STEPS, STEP_TOKENS = 10, 24


def truncations(record: Record, setting: Setting) -> None:
    """n + 1 plain passes of the longest sequence, and all n + 1 read at once; then against a single pass."""
    model = setting.model
    pair = of_length(model, (4 if setting.short else STEP_TOKENS) * STEPS, steps=STEPS)
    chains = [pair.trace.ids[:start] for start, _ in pair.trace.step_spans] + [pair.trace.ids]
    longest = torch.tensor([[*pair.whole, *pair.readers.cue, *pair.readers.base]], device=model.device)
    note = f"{STEPS} steps, {longest.shape[1]} tokens"
    padded = can_pad(model)
    ways: dict[str, Callable[..., object]] = {"early leads": leads, "early answers": speak}
    for name, way in ways.items():
        at_once: Callable[[], object] = partial(way, model, pair, chains, padded=padded)
        record.compare(
            f"{name}: n + 1 passes of the longest sequence / at once",
            partial(_passes, model, longest, len(chains)),
            at_once,
            note=note,
        )
        record.compare(
            f"{name}: at once / one pass of the longest sequence",
            at_once,
            partial(_passes, model, longest, 1),
            note=note,
        )


def _passes(model: Model, ids: torch.Tensor, count: int) -> None:
    for _ in range(count):
        forward(model, ids, last=2)


TRUNCATIONS = Bench("truncations", truncations, minutes=1)
