"""Whole commands, each in a process of its own with an empty cache: the demo, and a first path to a report."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mediate.clock import timed
from mediate.models.fetch import fetched_path
from mediate.pairs.files import read_pairs, write_pairs
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.tasks import generate_pairs, modular_pairs
from tools.bench.bench import Bench, Setting
from tools.bench.timing import Record, seconds

ROOT = Path(__file__).parents[2]
# What a short form runs on: it comes with the package.
SMALLEST = "reference-0.1m"


def demo(record: Record, setting: Setting) -> None:
    """The demo; beside another commit's, in turn, where one is named."""
    pairs = 2 if setting.short else 40
    record.model, note = "the reference reasoners", f"{pairs} pairs, 12 models"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def run(source: Path) -> None:
            mediate_command(source, folder, "demo", "--pairs", str(pairs))

        if setting.beside:
            other = stack.enter_context(checked_out(setting.beside))
            name = f"`mediate demo`: {setting.beside} / here"
            row = record.compare(name, lambda: run(other), lambda: run(ROOT), note=note)
            assert row.slow
            assert row.fast
            record.value(f"`mediate demo`, {setting.beside}", row.slow, "s", on=note, n=record.rounds)
            record.value("`mediate demo`", row.fast, "s", on=note, n=record.rounds)
        else:
            times = [seconds(lambda: run(ROOT)) for _ in range(record.rounds)]
            record.value("`mediate demo`", times, "s", on=note)


def first_path(record: Record, setting: Setting) -> None:
    """From pairs with given chains to a report, with all defaults: the command, and what its stages take in process."""
    name, count = (SMALLEST, 2) if setting.short else (setting.name, 10)
    record.model = name
    made = modular_pairs(count) if setting.short else generate_pairs(count, steps=2, with_cot=True)
    note = f"{count} pairs"
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at)
        write_pairs(folder / "pairs.jsonl", made)

        def run() -> None:
            mediate_command(ROOT, folder, "score", "pairs.jsonl", "--model", name)

        record.value("`mediate score`, report included", [seconds(run) for _ in range(record.rounds)], "s", on=note)
        pairs = read_pairs(folder / "pairs.jsonl")
    from mediate.passes.loaded import load

    model = load(name, device="cpu") if setting.short else setting.model
    with timed() as clock:
        record.value("measuring, in process", seconds(lambda: score(model, pairs, make_spec())), "s", on=note)
    for stage, taken in clock.seconds().items():
        record.value(f"of it, {stage}", taken, "s", on=note)


def mediate_command(source: Path, folder: Path, verb: str, *arguments: str) -> None:
    """Runs a command of the package as it is in one source tree, with a cache that holds fetched models alone.

    Raises:
        RuntimeError: The command failed; with what it said.
    """
    with tempfile.TemporaryDirectory(dir=folder) as at:
        cache = Path(at) / "cache"
        cache.mkdir()
        models = fetched_path("any").parent
        if models.is_dir():
            (cache / "models").symlink_to(models)
        done = subprocess.run(
            [sys.executable, "-m", "mediate", verb, *arguments, "--out", str(Path(at) / "out"), "--quiet"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(source), "MEDIATE_CACHE": str(cache)},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"mediate {verb} of {source} ended with {done.returncode}: {done.stderr[-2000:]}")


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A commit of this repository in a folder of its own."""
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(folder), commit], check=True, capture_output=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True, capture_output=True)


DEMO = Bench("demo", demo, minutes=3)
FIRST_PATH = Bench("first-path", first_path, minutes=4)
