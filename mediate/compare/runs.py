"""The runs that are compared: stored results under names of their own, and who wrote their chains."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.results import Measured, Results
from mediate.results.outcomes import unit_of
from mediate.stats import Estimate
from mediate.stats.studentised import named_runs

GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a chain.

    Args:
        fingerprint: Of the model; `given` where the chain came with the pairs.
        name: What to call it; two names of one fingerprint are one writer.
    """

    fingerprint: str = GIVEN
    name: str = field(default=GIVEN, compare=False)


@dataclass(frozen=True, slots=True)
class NamedRun:
    """One run among those that are compared.

    Args:
        label: Names it in every table and figure.
        results: What it found.
        folder: Where it is stored; None where it is not.
    """

    label: str
    results: Results
    folder: Path | None = None

    @property
    def model(self) -> Mapping[str, Any]:
        """The manifest's facts of the model that read the chains."""
        return _part(self.results.manifest, "model")

    @property
    def spec(self) -> Mapping[str, Any]:
        """The manifest's choices of the run."""
        return _part(self.results.manifest, "spec")

    @property
    def reader(self) -> Writer:
        """The model that was measured."""
        model = self.model
        name = str(model.get("name", self.label))
        return Writer(str(model.get("fingerprint", f"unknown model of {self.label}")), name)

    @property
    def parameters(self) -> int | None:
        """How many parameters the model has, where the manifest says so."""
        count = self.model.get("parameters")
        return int(count) if isinstance(count, int) and count > 0 else None

    def writer(self, item: Measured) -> Writer:
        """Who wrote all chains of an item: the model that was measured, that of another run, or nobody."""
        if item.written:
            return self.reader
        other = self.results.manifest.get("writer")
        if isinstance(other, Mapping):
            return Writer(str(other.get("fingerprint")), str(other.get("name")))
        return Writer()


def _part(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = manifest.get(name)
    return part if isinstance(part, Mapping) else {}


def name_runs(
    results: Sequence[Results], folders: Sequence[Path | None], labels: Sequence[str] | None = None
) -> tuple[NamedRun, ...]:
    """Runs under the given labels; without labels, under the names of their folders, or of their models.

    Raises:
        InputError: Fewer than two runs, one run given twice, or labels that do not name each run once.
    """
    if len(results) < 2:
        raise InputError(f"compare: needs two runs or more, and {len(results)} is given; name another run directory")
    places = [
        folder.resolve() if folder is not None else id(each) for each, folder in zip(results, folders, strict=True)
    ]
    for place, count in Counter(places).items():
        if count > 1:
            first = folders[places.index(place)] or "one of the results"
            raise InputError(f"compare: {first} is given {count} times; give each run once")
    names = tuple(labels) if labels else _labels(results, folders)
    if len(names) != len(results) or len(set(names)) != len(names) or not all(name.strip() for name in names):
        raise InputError(f"compare: labels {', '.join(map(repr, names))} do not name {len(results)} runs once each")
    return tuple(NamedRun(*each) for each in zip(names, results, folders, strict=True))


def _labels(results: Sequence[Results], folders: Sequence[Path | None]) -> tuple[str, ...]:
    """The shortest ends of the folders' paths that tell them apart; numbered models' names where there is no folder."""
    if all(folder is not None for folder in folders):
        parts = [folder.resolve().parts for folder in folders if folder is not None]
        for length in range(1, max(map(len, parts)) + 1):
            names = tuple("/".join(each[-length:]) for each in parts)
            if len(set(names)) == len(names):
                return names
    names = tuple(str(_part(each.manifest, "model").get("name", "run")) for each in results)
    if len(set(names)) == len(names):
        return names
    return tuple(f"{place} {name}" for place, name in enumerate(names, start=1))


def by_label(estimate: Estimate, runs: Sequence[NamedRun], outcome: str) -> Estimate:
    """An estimate of shares in several runs, whose reason names these by their labels."""
    return named_runs(estimate, [f"total effect in {run.label}" for run in runs], unit_of(outcome))
