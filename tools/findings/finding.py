"""What a finding is, and the words that the tables of all of them share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import mediate
from mediate.errors import InputError
from mediate.report import Scores
from mediate.report.words import interval, number, percent
from mediate.stats import Estimate
from tools.marked import Part

COMMAND = "python -m tools.findings"
LIBRARIES = ("mediate", "torch", "transformers", "transformer-lens")
SEED = 0
WIDTH = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """One table of `docs/findings.md`, between markers of its name.

    Args:
        name: What the command calls it.
        make: Measures what it needs, into run directories below a folder; what is there already is read back.
        table: The table, from these directories alone.
        minutes: About how long making takes, on two idle cores.
    """

    name: str
    make: Callable[[Path], None]
    table: Callable[[Path], str]
    minutes: float

    @property
    def part(self) -> Part:
        """Its part of the page."""
        return Part(self.name, f"{COMMAND} {self.name}")


def run_of(folder: Path) -> Scores:
    """The run in a directory.

    Raises:
        InputError: There is none, or it is something else.
    """
    run = mediate.open(folder)
    if not isinstance(run, Scores):
        raise InputError(f"{folder}: holds no scored run; give the folder that {COMMAND} or mediate demo wrote: --from")
    return run


def name_of(run: Scores) -> str:
    """The model's name."""
    return str(run.results.manifest["model"]["name"])


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in line)} |" for line in lines)


def nats(estimate: Estimate) -> str:
    """An effect with its interval."""
    return f"{number(estimate.value)} {interval(estimate)}" if estimate.defined else "undefined"


def basis(runs: Sequence[Scores], estimates: Iterable[Estimate], more: str = "") -> str:
    """What a table is of: precision, outcome, n, groups, seed, the way of its intervals, days and versions.

    Args:
        runs: That it was read from.
        estimates: That stand in it.
        more: What else there is to say, as a sentence.
    """
    manifests = [run.results.manifest for run in runs]
    told = list(estimates)
    versions = {
        f"{name} {each['versions'][name]}" for each in manifests for name in LIBRARIES if name in each["versions"]
    }
    parts = (
        _each(each["model"]["dtype"] for each in manifests),
        f"`{_each(run.results.cube().outcome for run in runs)}`",
        f"n = {_each(str(each.n) for each in told)} in {_each(str(each.groups) for each in told)} groups",
        f"seed {_each(str(each.seed) for each in told)}",
        f"intervals of {_each(percent(each.level) for each in told)}, {_each(each.method for each in told)}",
        f"measured {_each(each['created'][:10] for each in manifests)} with {', '.join(sorted(versions))}",
    )
    return fill(f"{'; '.join(parts)}.{f' {more}' if more else ''}", WIDTH, break_on_hyphens=False)


def _each(names: Iterable[str]) -> str:
    return " and ".join(sorted(dict.fromkeys(names)))
