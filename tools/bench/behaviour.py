"""Tests on behaviour: processor time of sets of items, and memory as sets grow; each set in a process of its own.

Time is the processor's, user and system, so that other work on the machine does not count.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tools.bench.bench import Bench, Setting
from tools.bench.growth import forget_peak, held
from tools.bench.timing import Record

ALONE, ALL = "behaviour", "all"
MEMORY = "memory above the weights"
# Early answering, mistakes, and the three replacements of a whole chain.
EDITS = ("truncated", "mistaken", "filled", "another")
WORDS, STEPS = 8, (2, 5)
MODULAR, SMALLEST, SIZES = "reference-1.2m", "reference-0.1m", (100, 400)


def run(record: Record, setting: Setting) -> None:
    """Word problems read at once and continued, and modular problems with every edit; processor time is of an item."""
    short = setting.short
    words, sizes = (2, (2, 4)) if short else (WORDS, SIZES)
    # The tiny model has no words for either kind of problem.
    name, modular = (SMALLEST, SMALLEST) if short else (setting.name, MODULAR)
    for what, readings in (("read at once", ["at_once"]), ("both readings", ["at_once", "continued"])):
        on = f"{words} word problems of 2 to 5 steps, {name}"
        found = _apart(name, count=words, edits=EDITS, readings=readings)
        record.value(f"{', '.join(EDITS)}, {what}", found[ALONE] / words, "s", on=on)
        record.value(f"{what}: {MEMORY}", found[MEMORY], "GiB", on=on)
    for count in sizes:
        on = f"{count:,} modular problems, {modular}"
        found = _apart(modular, count=count)
        record.value("every edit and a paraphrase, both readings", found[ALONE] / count, "s", on=on)
        record.value(f"both readings: {MEMORY}", found[MEMORY], "GiB", on=on)
        record.value("effects of the same", (found[ALL] - found[ALONE]) / count, "s", on=on)


BEHAVIOUR = Bench("behaviour", run, minutes=5)


def _apart(model: str, **choices: Any) -> dict[str, float]:
    command = [sys.executable, "-m", "tools.bench.behaviour", model, json.dumps(choices)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


def measure(name: str, count: int, **choices: Any) -> dict[str, float]:
    """Seconds of the processor and peak memory, of items by themselves with the given chains of a task."""
    import mediate
    from mediate.faithfulness import faithfulness
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
    found = dict.fromkeys((ALONE, ALL), 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faithfulness, "behaviour", _booked(found, ALONE, faithfulness.behaviour))
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
