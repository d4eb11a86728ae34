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

# All that is measured; of it what is answered after edited chains; of that what is written on from them first; and of
# all that is measured the steps that are resampled.
ALL, EDITED, WRITTEN, RESAMPLED = "all", "edited", "written", "resampled"
MEMORY = "memory above the weights"
# Early answering, mistakes, and the three replacements of a whole chain.
EDITS = ("truncated", "mistaken", "filled", "another")
# Of each number of steps the same number of word problems.
WORDS, STEPS = 4, (2, 5)
MODULAR, SMALLEST, SIZES = "reference-1.2m", "reference-0.1m", (40, 160)


def run(record: Record, setting: Setting) -> None:
    """Word problems under a few edits and modular problems under every one; processor time is of an item.

    Steps of word problems are resampled besides, with the numbers that are usual.
    """
    # The tiny model has no words for either kind of problem.
    words, modular, sizes = (SMALLEST, SMALLEST, (2, 4)) if setting.short else (setting.name, MODULAR, SIZES)
    sets = [
        (words, "word", WORDS, {"edits": EDITS, "resampling": True}),
        *((modular, "modular", count, {}) for count in sizes),
    ]
    for name, kind, count, choices in sets:
        on = f"{count} {kind} problems, {name}"
        found = _apart(name, count=count, **choices)
        record.value("edited chains read at once, an item", (found[EDITED] - found[WRITTEN]) / count, "s", on=on)
        record.value("and continued, an item", found[WRITTEN] / count, "s", on=on)
        rest = found[ALL] - found[EDITED] - found.get(RESAMPLED, 0.0)
        record.value("effects of the same, an item", rest / count, "s", on=on)
        if RESAMPLED in found:
            record.value("steps resampled with the usual numbers, all items", found[RESAMPLED], "s", on=on)
        record.value(MEMORY, found[MEMORY], "GiB", on=on)


BEHAVIOUR = Bench("behaviour", run, minutes=10)


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
    from mediate.faithfulness.step_resampling import resample
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
    parts = (ALL, EDITED, WRITTEN, *([RESAMPLED] if choices.get("resampling") else []))
    found = dict.fromkeys(parts, 0.0)
    booked: dict[str, tuple[str, Callable[..., Any]]] = {
        "behaviour": (EDITED, behaviour),
        "read_continued": (WRITTEN, read_continued),
        "resample": (RESAMPLED, resample),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, (part, work) in booked.items():
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
