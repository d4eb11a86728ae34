"""Measures what the fast ways save, as ratios within one process, and what the main things take.

Nothing here is a test. Variants of the same work run in turn, after one run that does not count. `--write` puts each
benchmark's table into its part of `docs/speed.md` as soon as it is there, and leaves the others' as they are.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from mediate.errors import InputError
from mediate.files import write_text
from tools.bench.behaviour import BEHAVIOUR
from tools.bench.bench import COMMAND, Bench, Setting
from tools.bench.commands import DEMO, FIRST_PATH
from tools.bench.comparing import COMPARING
from tools.bench.distilling import DISTILLING
from tools.bench.engines import ENGINES
from tools.bench.gpu import GPU
from tools.bench.growth import GROWTH
from tools.bench.long import LONG
from tools.bench.many import MANY
from tools.bench.merging import MERGING
from tools.bench.pages import PAGES
from tools.bench.patching import PATCHING
from tools.bench.peers import PEERS
from tools.bench.precision import PRECISION
from tools.bench.rows import load, table
from tools.bench.timing import Record, machine
from tools.bench.truncations import TRUNCATIONS
from tools.bench.tuning import TUNING
from tools.bench.ways import ADAPTIVE, CUBES, KNOCKOUT
from tools.bench.whole import WHOLE

# In the order of the page.
BENCHES: tuple[Bench, ...] = (
    PATCHING, PEERS, WHOLE, ADAPTIVE, CUBES, KNOCKOUT, TRUNCATIONS, BEHAVIOUR, LONG, GROWTH, PRECISION, FIRST_PATH,
    MANY, DEMO, COMPARING, MERGING, PAGES, TUNING, DISTILLING, ENGINES, GPU,
)  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs" / "speed.md"


def main(arguments: list[str] | None = None) -> list[Record]:
    """Runs the benchmarks that are asked for, and writes `bench.json`, `growth.png` and, where asked, the page.

    Raises:
        InputError: No such benchmark, the page lacks its markers, or a short form would be written where real ones are.
    """
    listed = "; ".join(f"{each.name}, {each.minutes:g} min" for each in BENCHES)
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__, epilog=f"On two idle cores, about: {listed}.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="the benchmarks to run; all by default")
    parser.add_argument("--short", action="store_true", help="on a tiny model, one round, to see that it still runs")
    parser.add_argument("--write", action="store_true", help="write their tables into the page")
    parser.add_argument("--page", type=Path, default=PAGE, help="docs/speed.md by default")
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="where bench.json and growth.png go")
    parser.add_argument("--beside", metavar="COMMIT", default="", help="hold the demo against this commit's, in turn")
    asked = parser.parse_args(arguments)
    chosen = _chosen(asked.names)
    if asked.beside and DEMO not in chosen:
        raise InputError(f"--beside is of {DEMO.name}; name it too, or leave out --beside")
    if asked.write:
        if asked.short and asked.page.resolve() == PAGE.resolve():
            raise InputError("--short measures nothing; leave it out, or name a copy of the page: --page")
        for bench in chosen:
            bench.part.check(asked.page)
    setting = Setting(asked.short, asked.out, asked.beside)
    rounds = 1 if asked.short else 3
    print(
        f"{setting.name}, {torch.get_num_threads()} threads, load {load():.1f}, {rounds} rounds; medians, with ranges"
    )
    records = []
    for bench in chosen:
        record = Record(rounds, bench.name, setting.name)
        bench.measure(record, setting)
        records.append(record)
        _write_json(asked.out / "bench.json", records)
        if asked.write:
            print(_write(bench, record, asked.page), flush=True)
    print(f"written: {asked.out / 'bench.json'}")
    return records


def _chosen(names: list[str]) -> tuple[Bench, ...]:
    known = {bench.name: bench for bench in BENCHES}
    for name in names:
        if name not in known:
            raise InputError(f"no benchmark {name!r}; there is {', '.join(known)}")
    return tuple(bench for bench in BENCHES if not names or bench.name in names)


def _write(bench: Bench, record: Record, page: Path) -> str:
    """Writes a benchmark's table, if all of it was measured, and says what became of it."""
    if record.skipped:
        return f"{page}: {bench.name} left as it was ({record.skipped[0].name}: {record.skipped[0].note})"
    bench.part.write(page, table(record.rows))
    return f"{page}: {bench.name} written"


def _write_json(path: Path, records: list[Record]) -> None:
    found = [record.json() for record in records]
    content = {
        "machine": machine(),
        "rounds": records[0].rounds,
        "values": {name: value for each in found for name, value in each["values"].items()},
        "ratios": [row for each in found for row in each["ratios"]],
        "rows": [row for each in found for row in each["rows"]],
    }
    write_text(path, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        print(f"tools.bench: {error}", file=sys.stderr)
        sys.exit(2)
