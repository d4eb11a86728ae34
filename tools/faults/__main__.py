"""Makes faults, and says what became of the runs: `python -m tools.faults [NAME ...] [--kills N] [--write]`.

With `--write` the table stands in `docs/trust.md`, between its markers.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.faults.disk import full_disk
from tools.faults.storm import storm
from tools.faults.subject import MODEL, PAIRS, Row, Subject, table
from tools.faults.writers import one_cache, one_directory
from tools.marked import Part

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
PART = Part("faults", "make faults")
KILLS = 100


def faults(kills: int) -> Mapping[str, Callable[[Subject], Row]]:
    """Every fault, by its name."""
    return {
        "storm": partial(storm, kills=kills, workers=1),
        "shards": partial(storm, kills=kills, workers=4),
        "disk": full_disk,
        "cache": one_cache,
        "directory": one_directory,
    }


def main() -> None:
    """Makes those that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(faults(0))}; all by default")
    parser.add_argument("--kills", type=int, default=KILLS, help="how many processes each storm kills")
    parser.add_argument("--write", action="store_true", help="write the table into docs/trust.md")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(faults(0)):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(faults(0))}")
    if chosen.write:
        PART.check(PAGE)
    rows: list[Row] = []
    for name, fault in faults(chosen.kills).items():
        if name in (chosen.names or faults(0)):
            with TemporaryDirectory() as folder:
                rows.append(fault(Subject(Path(folder))))
            print(f"{name}: {dict(rows[-1])}", file=sys.stderr)
    told = f"{MODEL}, {PAIRS} problems, float32, CPU, one thread a process; {datetime.now(UTC).date()}."
    content = f"{table(rows)}\n\n{told}"
    if chosen.write:
        PART.write(PAGE, content)
    print(content)
    if any(row.get(name) for row in rows for name in ("items lost", "doubled", "runs that differ")):
        sys.exit("faults: a run was lost, doubled or another")


if __name__ == "__main__":
    main()
