"""Processes killed at random times, again and again, until the run is done; then the same from the beginning."""

import shutil
import sys
import time
from pathlib import Path

from tools.faults.started import Started
from tools.faults.subject import Row, Subject, differences, lost_and_doubled


def storm(subject: Subject, kills: int, workers: int) -> Row:
    """Kills one process, or that many shards of one run, at times drawn from the length of the whole run.

    Every other run has a cache, which is killed with it.

    Args:
        subject: What is run.
        kills: How many processes are killed.
        workers: How many run at once.
    """
    usual = {cached: subject.golden(cached=cached) for cached in (False, True)}
    killed = runs = lost = doubled = differing = 0
    while killed < kills:
        out, cache = subject.folder / f"storm-{workers}-{runs}", subject.folder / "cache" if runs % 2 else None
        golden, whole = usual[cache is not None]
        if cache is not None:
            shutil.rmtree(cache, ignore_errors=True)
        killed += _through(subject, out, cache, workers, whole * workers)
        if workers > 1:
            subject.start("merge", str(out), "--no-report").finish()
        runs += 1
        missing, twice = lost_and_doubled(out, golden)
        lost, doubled = lost + missing, doubled + twice
        if found := _differing(out, golden):
            print(f"{out.name} differs: {', '.join(found)}", file=sys.stderr)
        differing += bool(found)
        shutil.rmtree(out)
    return {
        "fault": f"kill -9 of {'the process' if workers == 1 else f'{workers} shards at once'}, at random",
        "times": killed,
        "runs finished": runs,
        "items lost": lost,
        "doubled": doubled,
        "runs that differ": differing,
    }


def _through(subject: Subject, out: Path, cache: Path | None, workers: int, whole: float) -> int:
    """Starts and kills until all are at their end; returns how many were killed."""
    killed, left = 0, list(range(1, workers + 1))
    while left:
        going = {number: _begun(subject, out, cache, number, workers) for number in left}
        until = {number: time.monotonic() + subject.rng.uniform(0, whole) for number in left}
        for number in sorted(left, key=lambda each: until[each]):
            process = going[number]
            process.process.join(max(0.0, until[number] - time.monotonic()))
            if process.code is None:
                killed += process.kill()
            else:
                process.finish()
            if process.code == 0:
                left.remove(number)
    return killed


def _begun(subject: Subject, out: Path, cache: Path | None, number: int, workers: int) -> Started:
    return subject.score(out, *(["--shard", f"{number}/{workers}"] if workers > 1 else []), cache=cache)


def _differing(run: Path, golden: Path) -> list[str]:
    return [each for each in differences(run, golden) if not each.startswith("shards/")]
