"""A disk that is full before the run, among its parts, and at its tables; and is then made larger."""

import subprocess
from pathlib import Path

from tools.faults.subject import Row, Subject, differences

# Sizes of the disk in kB, from one that holds nothing to one that holds parts and not the tables.
SIZES = (16, 200, 500, 900, 1300)
LARGE = 64_000


def full_disk(subject: Subject) -> Row:
    """Runs on small disks: each ends with one line and exit code 2, and goes on when there is room.

    Raises:
        RuntimeError: No small disk can be made, for which Linux and its superuser are needed.
    """
    golden, _ = subject.golden()
    ended = went_on = finished = differing = 0
    for size in SIZES:
        place = subject.folder / f"disk-{size}"
        place.mkdir()
        _mount(place, size)
        try:
            process = subject.score(place / "run")
            said = process.wait()
            if process.code == 0:
                finished += 1
            elif process.code == 2 and "Traceback" not in said:
                ended += 1
            _mount(place, LARGE, again=True)
            subject.score(place / "run").finish()
            went_on += 1
            differing += bool(differences(place / "run", golden))
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False)
    return {
        "fault": f"a disk of {', '.join(map(str, SIZES))} kB, then a larger one ({finished} were large enough)",
        "times": len(SIZES) - finished,
        "runs finished": went_on,
        "ended by one line": ended,
        "runs that differ": differing,
    }


def _mount(place: Path, size: int, *, again: bool = False) -> None:
    options = f"{'remount,' if again else ''}size={size}k"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"no small disk can be made here: {done.stderr.strip()}")
