"""Long chains: what a cube, a knockout map and attribution take, in processor time of plain passes and in memory.

Each of two processes measures its part: peak memory cannot be taken back. Time is the processor's, user and system, so
that other work on the machine does not count.
"""

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from mediate.mediation.cells import cells_of
from mediate.mediation.contrasts.hidden import measure_hidden, run_sights
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.attribution import attributions
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.names import LOGIT, LOGPROB
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.traces.trace import Trace
from tools.bench.bench import TINY, Bench, Setting
from tools.bench.growth import forget_peak, held
from tools.bench.subjects import Y, of_length
from tools.bench.timing import Record

# Tokens of question and chain, and steps; tokens of a chain whose attribution is measured.
TOKENS, STEPS, ATTRIBUTED = 8000, 100, 4096
QUESTION = 100
MEMORY = "memory above the weights"


def run(record: Record, setting: Setting) -> None:
    """Cube and knockout map of one item in plain passes of it; attribution of three components of a shorter one."""
    tokens, steps, attributed = (160, 5, 64) if setting.short else (TOKENS, STEPS, ATTRIBUTED)
    name = TINY if setting.short else setting.name
    on = f"{tokens:,} tokens in {steps} steps"
    found = _apart(name, tokens=tokens, steps=steps)
    for what in ("cube", "knockout map, step x layer"):
        record.value(f"{what} / one plain pass", found[what] / found["plain"], "times", on=on)
        record.value(f"{what}: {MEMORY}", found[f"{what}: {MEMORY}"], "GiB", on=on)
    record.value("one plain pass, processor time", found["plain"], "s", on=on)
    found = _apart(name, attributed=attributed)
    what, on = "attribution of three components", f"{attributed:,} CoT tokens"
    record.value(f"{what}: {MEMORY}", found[f"{what}: {MEMORY}"], "GiB", on=on)
    record.value(f"{what}, processor time", found[what], "s", on=on)


LONG = Bench("long", run, minutes=9)


def _apart(model: str, **choices: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tools.bench.long", model, json.dumps(choices)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


def measure(name: str, tokens: int = 0, steps: int = 0, attributed: int = 0) -> dict[str, float]:
    """Seconds of the processor and peak memory, of an item of so many tokens or of a pair with so long a chain."""
    import mediate
    from tests import tiny

    model = tiny.model("llama") if name == TINY else mediate.load(name, device="cpu")
    if not attributed:
        return _item(model, tokens, steps)
    pair, three = of_length(model, attributed), [Component.RESID_PRE, Component.ATTN_OUT, Component.MLP_OUT]
    found: dict[str, float] = {}
    _timed(found, "attribution of three components", held("VmRSS"), lambda: attributions(model, pair, three, Y))
    return found


def _item(model: Model, tokens: int, steps: int) -> dict[str, float]:
    item = item_of(tokens, steps, model.facts.d_vocab)
    found: dict[str, float] = {}
    before = held("VmRSS")

    def cube() -> Any:
        (sights,) = run_sights(model, [item])
        return sights, measure_hidden(model, [sights], [LOGIT, LOGPROB])

    sights, _ = _timed(found, "cube", before, cube)
    cells, _ = cells_of(model, item, ("step", "layer"))
    mapped = _timed(
        found,
        "knockout map, step x layer",
        before,
        lambda: knockout_effects(model, item, cells, [LOGIT], past=sights.seen),
    )
    assert np.isfinite(mapped).all()
    # Last: what it leaves with the allocator would hide what the others take.
    _timed(found, "plain", before, plain_pass(model, item))
    return found


def plain_pass(model: Model, item: EncodedItem) -> Callable[[], object]:
    """A pass of transformers' own model of the same shape, with torch's attention; its weights do not matter."""
    import transformers

    plain = transformers.AutoModelForCausalLM.from_config(
        copy.deepcopy(model.plain.config), attn_implementation="sdpa"
    ).eval()
    ids = torch.tensor([item.whole])

    def passed() -> object:
        with torch.no_grad():
            return plain(ids, logits_to_keep=1, use_cache=False)

    return passed


def item_of(tokens: int, steps: int, vocabulary: int, seed: int = 0) -> EncodedItem:
    """An item of random tokens, its chain in steps of equal length."""
    generator = torch.Generator().manual_seed(seed)
    ids = tuple(torch.randint(1, vocabulary - 1, (tokens,), generator=generator).tolist())
    question = min(QUESTION, tokens // 4)
    chain = ids[question:]
    numbers = tuple(place * steps // len(chain) for place in range(len(chain)))
    trace = Trace("x" * len(chain), chain, ("x",) * len(chain), numbers)
    readers = Readers((1, 2, 3, 4, 5), (6, 7), spoken=1)
    return EncodedItem("long", "long", ids[:question], (1, question - 2), trace, readers)


def _timed(found: dict[str, float], name: str, before: float, work: Callable[[], Any]) -> Any:
    forget_peak()
    started = time.process_time()
    result = work()
    found[name] = time.process_time() - started
    found[f"{name}: {MEMORY}"] = held("VmHWM") - before
    # Told as it goes, for it takes minutes; the process' answer is its standard output.
    print(f"{name}: {found[name]:.1f} s, {found[f'{name}: {MEMORY}']:.2f} GiB", file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], **json.loads(sys.argv[2]))))
