"""Many processes on one cache, some of them killed; and two on one run directory."""

import time

from mediate.holding.held import owner_of
from tools.faults.subject import Row, Subject, differences

WRITERS, ROUNDS = 8, 3


def one_cache(subject: Subject) -> Row:
    """Eight processes measure the same items into one cache at once, half of them killed; then all go on."""
    golden, whole = subject.golden(cached=True)
    cache, killed, finished, differing = subject.folder / "shared", 0, 0, 0
    for round_ in range(ROUNDS):
        outs = [subject.folder / f"writer-{round_}-{number}" for number in range(WRITERS)]
        going = [subject.score(out, cache=cache / str(round_)) for out in outs]
        for process in going[::2]:
            time.sleep(subject.rng.uniform(0, whole))
            killed += process.kill()
        for process in going[1::2]:
            process.finish()
        for out in outs[::2]:
            subject.score(out, cache=cache / str(round_)).finish()
        finished += WRITERS
        differing += sum(bool(differences(out, golden)) for out in outs)
    return {
        "fault": f"{WRITERS} processes on one cache, half of them killed",
        "times": killed,
        "runs finished": finished,
        "runs that differ": differing,
    }


def one_directory(subject: Subject) -> Row:
    """A second process on the same directory is refused by one line that names the first, which goes on."""
    golden, _ = subject.golden()
    out, refused = subject.folder / "held", 0
    first = subject.score(out)
    while owner_of(out) is None and first.code is None:  # it has not loaded its model by then
        time.sleep(0.02)
    second = subject.score(out)
    said = second.wait()
    refused += second.code == 2 and str(first.pid) in said
    first.finish()
    return {
        "fault": "a second process on the same directory",
        "times": 1,
        "runs finished": 1,
        "ended by one line": refused,
        "runs that differ": int(bool(differences(out, golden))),
    }
