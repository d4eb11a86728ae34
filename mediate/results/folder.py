"""What a run found, as one record, and its directory on disk; reading it back needs no model and no torch."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mediate.errors import InputError
from mediate.files import check_own, write_atomic, write_text
from mediate.results.behaviour import Behaved
from mediate.results.cmi import SpanLoss
from mediate.results.controls import Controlled, control_table, controls_from_table
from mediate.results.cube import Cube, cube_table, cubes_from_table
from mediate.results.damaged import RESULTS, from_tables, unreadable
from mediate.results.joined import joined_table
from mediate.results.joined_steps import step_table
from mediate.results.kinds import MIN_TE
from mediate.results.manifest import MANIFEST as MANIFEST
from mediate.results.manifest import read_manifest as read_manifest
from mediate.results.manifest import write_manifest as write_manifest
from mediate.results.maps import EffectMap, agreement_table, effect_table, maps_from_table, with_agreements
from mediate.results.nldd import Decay
from mediate.results.off_distribution import OffDistribution
from mediate.results.optional_tables import OPTIONAL
from mediate.results.outcomes import outcome_facts
from mediate.results.replacements import Replaced
from mediate.results.resampled import Resampled
from mediate.results.spread import AgainstOthers
from mediate.results.sums import SUMS, check_sum, sum_of, sums_in
from mediate.results.text_effects import TextCorners
from mediate.results.told import Measured, Reject, item_table, items_from_table

REJECTS = "rejects.jsonl"
TABLES = ("items", "cube", "effects", "cut", "agreement", "controls")
# Both sides of each item and of each step, made from others: written where chains were edited, and never read.
JOINED, JOINED_STEPS = "joined", "joined_steps"


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run found.

    Args:
        manifest: The content of `run.json`: spec, model, versions, counts, status.
        items: The measured items.
        cubes: One cube an outcome, all over the same items.
        maps: Effects by step and layer, one record an item and map.
        rejects: What was left out and why.
        cut: As `cubes`, of the items whose chains could be cut before they state the answer, and read there.
        controls: Controls, one record an item and control.
        others: The cubes against each other item, of which `cubes` are the means, one record an item and outcome; none
            where items are held against something else.
        replaced: The chain alone replaced, one record an item, replacement and outcome.
        behaviour: What was answered after edited chains, one record an item, edit, place and reading.
        text: The base answer's probability after either question with either chain, one record a pair.
        decays: The answer's lead where a step is wrong and the chain ends there, one record an item and step.
        spans: What the answer loses with the chain's states as without it, one record an item and span of layers.
        off: How far off the distribution is what state maps put in place, one record a pair and direction.
        resampled: Steps of chains resampled, one record an item and step.
        ranked: Of an unfinished run: the effects of controlled items that those in random weights are ranked against.
    """

    manifest: Mapping[str, Any]
    items: tuple[Measured, ...] = ()
    cubes: tuple[Cube, ...] = ()
    maps: tuple[EffectMap, ...] = ()
    rejects: tuple[Reject, ...] = ()
    cut: tuple[Cube, ...] = ()
    controls: tuple[Controlled, ...] = ()
    others: tuple[AgainstOthers, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    behaviour: tuple[Behaved, ...] = ()
    text: tuple[TextCorners, ...] = ()
    decays: tuple[Decay, ...] = ()
    spans: tuple[SpanLoss, ...] = ()
    off: tuple[OffDistribution, ...] = ()
    resampled: tuple[Resampled, ...] = ()
    ranked: tuple[EffectMap, ...] = ()

    def __post_init__(self) -> None:
        for cube in self.cubes:
            # Of an outcome that some items do not have, it is over the others, in their order.
            there = set(cube.items)
            if cube.items != tuple(item.id for item in self.items if not cube.partial or item.id in there):
                raise ValueError(f"the cube of {cube.outcome!r} is not over the run's items")
        known = {item.id for item in self.items}
        named = {item for cube in self.cut for item in cube.items}
        for records in (self.controls, *(getattr(self, each.field) for each in OPTIONAL)):
            named |= {each.item for each in records}
        if named - known:
            raise ValueError(f"effects of item {min(named - known)!r}, which is not among the run's items")
        if {cube.outcome for cube in self.cut} - {cube.outcome for cube in self.cubes}:
            raise ValueError("cut chains have outcomes that the run has not")

    def cube(self, outcome: str | None = None) -> Cube:
        """The cube of an outcome; of the first one where none is named."""
        for cube in self.cubes:
            if outcome in (None, cube.outcome):
                return cube
        have = ", ".join(cube.outcome for cube in self.cubes) or "none"
        raise InputError(f"no outcome {outcome!r} in these results; there is: {have}")


def check_new(folder: Path) -> None:
    """Raises InputError where a folder holds a run already."""
    if (folder / MANIFEST).exists():
        raise InputError(f"{folder}: holds a run already; choose another folder")


def write_results(folder: Path, results: Results) -> None:
    """Writes a run directory; each file appears whole or not at all, and `run.json` comes last."""
    write_run(folder, _made(results), results.rejects, results.manifest)


def _made(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each table of a run directory with its name, made when it is asked for: of many items they are large."""
    yield from _read_from(results)
    if results.behaviour:
        yield JOINED, joined_table(results.cube(), results.behaviour, least_effect(results))
        yield JOINED_STEPS, step_table(results.behaviour, results.maps, results.resampled)


def tables_of(results: Results) -> dict[str, pd.DataFrame]:
    """What was found, as the tables that it is read from, by their names."""
    return dict(_read_from(results))


def _read_from(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "cube", cube_table(results.cubes)
    yield "effects", effect_table(results.maps)
    yield "items", item_table(results.items)
    yield "cut", cube_table(results.cut)
    yield "agreement", agreement_table(results.maps)
    yield "controls", control_table(results.controls)
    yield from ((each.name, each.write(found)) for each in OPTIONAL if (found := getattr(results, each.field)))


def least_effect(results: Results) -> float:
    """The size of TE of the first outcome, in its unit, up to which a share is undefined."""
    own = outcome_facts(results.cube().outcome).min_te
    return float((results.manifest.get("spec") or {}).get("min_te", MIN_TE)) if own is None else own


def write_run(
    folder: Path, tables: Iterable[tuple[str, pd.DataFrame]], rejects: Sequence[Reject], manifest: Mapping[str, Any]
) -> None:
    """Writes the files of a run directory of either kind, `run.json` with their sums last.

    Args:
        folder: The run directory.
        tables: Each with its name, one after the other.
        rejects: What was left out.
        manifest: What is said of the run.

    Raises:
        InputError: Its tables would go through a link.
    """
    check_own(folder / RESULTS)
    sums = {table_name(name): write_table(folder / table_name(name), table) for name, table in tables}
    _let_go()
    left_out = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in rejects)
    write_text(folder / REJECTS, left_out)
    write_manifest(folder, dict(manifest) | {SUMS: sums | {REJECTS: sum_of(left_out.encode("utf-8"))}})


def _let_go() -> None:
    """Gives back what Arrow's pool holds for tables to come, some 30 MB for those of 5,000 items."""
    pa.default_memory_pool().release_unused()


def table_name(name: str) -> str:
    """Where a table stands below a run directory."""
    return f"{RESULTS}/{name}.parquet"


def write_table(path: Path, table: pd.DataFrame) -> str:
    """Writes a table as Parquet, whole or not at all, and returns its sum."""
    content = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), content, compression="zstd")
    written: bytes = content.getvalue().to_pybytes()

    def fill(part: Path) -> None:
        part.write_bytes(written)

    write_atomic(path, fill)
    return sum_of(written)


def read_results(folder: str | Path) -> Results:
    """Reads a finished run directory.

    Raises:
        InputError: The folder is no run directory, the run did not finish, or a file is missing or damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    beside = [each for each in OPTIONAL if table_name(each.name) in (manifest.get(SUMS) or ())]
    manifest, tables, rejects = read_run(folder, manifest, [*TABLES, *(each.name for each in beside)], "score")
    with from_tables(folder, "score"):
        return results_from(tables, manifest, rejects)


def results_from(tables: Mapping[str, pd.DataFrame], manifest: Mapping[str, Any], rejects: Sequence[Reject]) -> Results:
    """What was found, from its tables.

    Args:
        tables: From `tables_of`, or read from a run directory.
        manifest: What is said of the run.
        rejects: What was left out.
    """
    items, cubes = items_from_table(tables["items"]), cubes_from_table(tables["cube"])
    if not items:  # a table without rows names no outcomes
        outcomes = manifest.get("spec", {}).get("outcomes", ())
        cubes = tuple(Cube(np.zeros((0, 2, 2, 2)), (), (), str(outcome)) for outcome in outcomes)
    maps = with_agreements(maps_from_table(tables["effects"]), tables["agreement"])
    cut, controls = cubes_from_table(tables["cut"]), controls_from_table(tables["controls"])
    more = {each.field: each.read(tables[each.name]) for each in OPTIONAL if each.name in tables}
    return Results(manifest, items, cubes, maps, tuple(rejects), cut, controls, **more)


def read_run(
    folder: Path, manifest: Mapping[str, Any], names: Sequence[str], verb: str
) -> tuple[dict[str, Any], dict[str, pd.DataFrame], tuple[Reject, ...]]:
    """The manifest, without its sums, the tables and what was left out of a finished run of either kind.

    Raises:
        InputError: The run did not finish, or a file is missing or damaged; `verb` is what makes another run.
    """
    check_finished(folder, manifest, verb)
    sums = sums_in(folder, manifest, verb)
    tables = {name: read_table(folder, name, verb, sums) for name in names}
    _let_go()
    rejects = read_rejects(folder, verb, sums)
    return {name: value for name, value in manifest.items() if name != SUMS}, tables, rejects


def check_finished(folder: Path, manifest: Mapping[str, Any], verb: str) -> None:
    """Refuses a run that did not finish, or whose choices are none; `verb` is what finishes it, such as `score`."""
    if manifest.get("status") != "success":
        raise InputError(f"{folder}: the run's status is {manifest.get('status')!r}; {verb} again to finish it")
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping):
        raise InputError(f"{folder / MANIFEST}: does not say what was run (spec); {verb} into a new directory")
    for name, fits in _NUMBERS.items():
        number = spec.get(name, 0.5)
        if not isinstance(number, int | float) or isinstance(number, bool) or (name in spec and not fits(number)):
            raise InputError(f"{folder / MANIFEST}: its {name} is {str(number)[:40]!r}; {verb} into a new directory")


# What a run's statistics are worked out with, where it names them.
_NUMBERS: Mapping[str, Callable[[float], bool]] = {
    "level": lambda level: 0 < level < 1,
    "min_te": lambda least: 0 <= least < float("inf"),
    "seed": lambda seed: seed >= 0 and int(seed) == seed,
}


def read_rejects(folder: Path, verb: str, sums: Mapping[str, str] | None) -> tuple[Reject, ...]:
    """What a run left out.

    Raises:
        InputError: The file is missing or damaged; `verb` is what makes another, such as `score`.
    """
    path = folder / REJECTS
    try:
        content = path.read_bytes()
        check_sum(REJECTS, content, sums)
        return tuple(Reject(**json.loads(line)) for line in content.decode("utf-8").split("\n") if line)
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(path, error, verb) from error


def read_table(folder: Path, name: str, verb: str, sums: Mapping[str, str] | None) -> pd.DataFrame:
    """One table of a run.

    Raises:
        InputError: As `read_rejects`.
    """
    path = folder / table_name(name)
    try:
        content = path.read_bytes()
        check_sum(table_name(name), content, sums)
        frame: pd.DataFrame = pq.read_table(pa.BufferReader(content)).to_pandas()
    except Exception as error:  # of a damaged file pandas, too, reads what it calls its metadata, and raises anything
        raise unreadable(path, error, verb) from error
    return frame
