"""Tests on behaviour: processor time of sets of items, and memory as sets grow; each set in a process of its own.

Time is the processor's, user and system, so that other work on the machine does not count.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from tools.bench.bench import Bench, Setting
from tools.bench.growth import forget_peak, held
from tools.bench.timing import Record

# All that is measured; of it what is answered after edited chains; of that what is written on from them first.
ALL, EDITED, WRITTEN = "all", "edited", "written"
MEMORY = "memory above the weights"
# Early answering, mistakes, and the three replacements of a whole chain.
EDITS = ("truncated", "mistaken", "filled", "another")
# Of each number of steps the same number of word problems.
WORDS, STEPS = 4, (2, 5)
MODULAR, SMALLEST, SIZES = "reference-1.2m", "reference-0.1m", (40, 160)


def run(record: Record, setting: Setting) -> None:
    """Word problems under a few edits and modular problems under every one; processor time is of an item."""
    # The tiny model has no words for either kind of problem.
    words, modular, sizes = (SMALLEST, SMALLEST, (2, 4)) if setting.short else (setting.name, MODULAR, SIZES)
    sets = [(words, "word", WORDS, {"edits": EDITS}), *((modular, "modular", count, {}) for count in sizes)]
    for name, kind, count, choices in sets:
        on = f"{count} {kind} problems, {name}"
        found = _apart(name, count=count, **choices)
        record.value("edited chains read at once, an item", (found[EDITED] - found[WRITTEN]) / count, "s", on=on)
        record.value("and continued, an item", found[WRITTEN] / count, "s", on=on)
        record.value("effects of the same, an item", (found[ALL] - found[EDITED]) / count, "s", on=on)
        record.value(MEMORY, found[MEMORY], "GiB", on=on)


BEHAVIOUR = Bench("behaviour", run, minutes=5)


def _apart(model: str, **choices: Any) -> dict[str, float]:
    command = [sys.executable, "-m", "tools.bench.behaviour", model, json.dumps(choices)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


def measure(name: str, count: int, **choices: Any) -> dict[str, float]:
    """Seconds of the processor and peak memory, of items by themselves with the given chains of a task."""
    import mediate
    from mediate.faithfulness.continued import read_continued
    from mediate.faithfulness.faithfulness import behaviour
    from mediate.tasks import generate_pairs
    from tools.findings.behaviour import operands_swapped

    model = mediate.load(name, device="cpu")
    if name.startswith("reference"):
        pairs, choices = mediate.modular_pairs(count), choices | {"rewrite": operands_swapped}
    else:
        pairs = generate_pairs(count, steps=STEPS, with_cot=True)
    items = [replace(pair.base, id=pair.id, group=pair.group) for pair in pairs]
    forget_peak()
    before = held("VmRSS")
    # By its name: `mediate.faithfulness` is the call.
    module = import_module("mediate.faithfulness.faithfulness")
    found = dict.fromkeys((ALL, EDITED, WRITTEN), 0.0)
    with pytest.MonkeyPatch.context() as patch:
        for name, part, work in (("behaviour", EDITED, behaviour), ("read_continued", WRITTEN, read_continued)):
            patch.setattr(module, name, _booked(found, part, work))
        options: dict[str, Any] = {"store": False, "progress": False, "maps": [], "control_pairs": 0} | choices
        _booked(found, ALL, mediate.faithfulness)(model, items, **options)
    return found | {MEMORY: held("VmHWM") - before}


def _booked(found: dict[str, float], name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """A call whose processor time is added up under a name."""

    def timed(*given: Any, **options: Any) -> Any:
        started = time.process_time()
        result = work(*given, **options)
        found[name] += time.process_time() - started
        return result

    return timed


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], **json.loads(sys.argv[2]))))
