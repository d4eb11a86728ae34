"""Parts of a run that is not finished: small run directories below it, each done when its `run.json` is on disk.

`RUN/parts/plan.json` says what the run is made of, `RUN/parts/00003/` holds what was found of some of its batches. A
part without `run.json` was being written when its process died, and is nothing; one that is damaged is set aside.
"""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediate.errors import InputError, one_line
from mediate.files import check_own, write_text
from mediate.results.damaged import RESULTS
from mediate.results.manifest import MANIFEST, read_manifest
from mediate.results.sums import SUMS, check_sum
from mediate.results.told import Reject

if TYPE_CHECKING:
    from mediate.results.folder import Results

PARTS, PLAN, CORRUPT = "parts", "plan.json", ".corrupt"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will measure, decided before its first batch.

    Args:
        order: The ids of its items, in the order of the file.
        tokens: How many tokens run side by side.
        batches: How many batches there are.
        fingerprint: Of the batches and what is in them; parts of another plan are none of this run.
        left_out: What was left out before anything was measured.
    """

    order: tuple[str, ...]
    tokens: int
    batches: int
    fingerprint: str
    left_out: tuple[Reject, ...] = ()

    @property
    def given(self) -> int:
        """How many items there were, with those that were left out before anything was measured."""
        return len(self.order) + sum(each.part == "item" for each in self.left_out)


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is done.

    Args:
        folder: Where it stands.
        batches: The numbers of its batches.
        measured: How many items were measured.
        rejected: How many were left out, by the code of why.
    """

    folder: Path
    batches: tuple[int, ...]
    measured: int
    rejected: Mapping[str, int]


def counts_of(plan: Plan, parts: Sequence[Part]) -> dict[str, Any]:
    """What is done of a run, for the manifest of one that is not finished.

    `planned` of the `given` items are, or will be, measured; of these so many are `measured`. `rejected` counts those
    that were left out before or since, and `by_reason` these by the code of why.
    """
    by_reason = Counter(each.code for each in plan.left_out if each.part == "item")
    for part in parts:
        by_reason.update(part.rejected)
    return {
        "given": plan.given,
        "planned": len(plan.order),
        "measured": sum(part.measured for part in parts),
        "rejected": sum(by_reason.values()),
        "by_reason": dict(by_reason),
    }


def done_words(counts: Mapping[str, Any]) -> str:
    """`312 of 1,000 items`, of a run that is not finished."""
    return f"{counts['measured']:,} of {counts['planned']:,} items"


def write_plan(run: Path, plan: Plan) -> None:
    """Says what a run is made of.

    Raises:
        InputError: Its parts would go through a link.
    """
    check_own(run / PARTS)
    write_text(run / PARTS / PLAN, json.dumps(asdict(plan), ensure_ascii=False) + "\n")


def read_plan(run: Path) -> Plan | None:
    """What a run is made of; None where it does not say so, or what says so is damaged."""
    try:
        told = json.loads((run / PARTS / PLAN).read_text(encoding="utf-8"))
        order, tokens, batches = tuple(map(str, told["order"])), int(told["tokens"]), int(told["batches"])
        left_out = tuple(Reject(**each) for each in told["left_out"])
        return Plan(order, tokens, batches, str(told["fingerprint"]), left_out)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def tokens_in(run: Path | None) -> int | None:
    """How many tokens run side by side in a run that was begun; None where none was."""
    plan = None if run is None else read_plan(run)
    return None if plan is None else plan.tokens


def write_part(
    run: Path, results: "Results", batches: Sequence[int], plan: str, numbers: tuple[int, int] = (0, 1)
) -> Part:
    """Writes what was found of some batches, under the next free number.

    Args:
        run: The run directory.
        results: What was found; its manifest has the specification that the run has.
        batches: The numbers of the batches.
        plan: The fingerprint of the plan that they are of.
        numbers: Which of how many processes writes it: each has numbers of its own.

    Raises:
        InputError: It would go through a link.
        OSError: The system refuses; nothing is left of the part then.
    """
    from mediate.results.folder import write_results

    rejected = dict(Counter(each.code for each in results.rejects if each.part == "item"))
    told = {"batches": list(batches), "plan": plan, "measured": len(results.items), "rejected": rejected}
    folder = _next(run, *numbers)
    check_own(run / PARTS, folder)
    manifest = {"spec": results.manifest.get("spec", {}), "status": "success", "part": told}
    try:
        write_results(folder, replace(results, manifest=manifest))
    except OSError:  # on a full disk, so that there is room to say so
        _drop(folder)
        raise
    return Part(folder, tuple(batches), len(results.items), rejected)


def _next(run: Path, place: int, of: int) -> Path:
    parts = run / PARTS
    there = [int(each.name) for each in parts.iterdir() if each.name.isdecimal()] if parts.is_dir() else []
    free = max(there, default=-1) + 1
    return parts / f"{free + (place - free) % of:05d}"


def _folders(run: Path) -> list[Path]:
    """What stands below a run's parts, each a folder and no link to one."""
    parts = run / PARTS
    there = list(parts.iterdir()) if parts.is_dir() and not parts.is_symlink() else []
    return sorted(each for each in there if each.is_dir() and not each.is_symlink())


def parts_of(run: Path, plan: str | None = None) -> tuple[Part, ...]:
    """The parts of a run that are done, in the order in which they were written; nothing is changed.

    One that holds a batch that an earlier one holds does not count.

    Args:
        run: The run directory.
        plan: The fingerprint of the plan that they must be of; of any by default.
    """
    found, batches = list[Part](), set[int]()
    for folder in _folders(run):
        if folder.name.isdecimal() and (folder / MANIFEST).exists():
            with suppress(InputError, ValueError, TypeError, KeyError, AttributeError):
                part, of = _part(folder)
                if plan in (None, of) and not batches & set(part.batches):
                    found.append(part)
                    batches |= set(part.batches)
    return tuple(found)


def _part(folder: Path) -> tuple[Part, str]:
    """What a part's manifest says, and of what plan it is.

    Raises:
        InputError: It cannot be read.
        ValueError: It does not say what a part says; so are TypeError, KeyError and AttributeError.
    """
    told = read_manifest(folder)["part"]
    rejected = {str(code): int(count) for code, count in told["rejected"].items()}
    batches = tuple(int(each) for each in told["batches"])
    return Part(folder, batches, int(told["measured"]), rejected), str(told["plan"])


def taken_up(run: Path, plan: Plan) -> tuple[Part, ...]:
    """The parts of a run that are done and whole; others are cleared away, or set aside where they are damaged.

    Of two parts that hold the same batch the later one is cleared away.
    """
    done, batches, others = list[Part](), set[int](), 0
    for folder in _folders(run):
        if not folder.name.isdecimal():
            continue
        if not (folder / MANIFEST).exists():
            _drop(folder)
            continue
        try:
            part, of = _part(folder)
            check_whole(folder)
        except (InputError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            set_aside(folder, error)
            continue
        if of != plan.fingerprint or batches & set(part.batches) or not set(part.batches) <= set(range(plan.batches)):
            _drop(folder)
            others += 1
            continue
        batches |= set(part.batches)
        done.append(part)
    if others:
        log.warning("%s: %d parts hold other batches than this run has, and are measured again", run / PARTS, others)
    return tuple(done)


def _drop(folder: Path) -> None:
    """Clears a part away; what is left where that is cut short is no part."""
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def check_whole(folder: Path) -> None:
    """Raises ValueError or OSError where a file of a part is not the one that its manifest holds the sum of."""
    sums = read_manifest(folder)[SUMS]
    if not any(name.startswith(f"{RESULTS}/") for name in sums):
        raise ValueError("it lacks the sums of its files")
    for name in sums:
        check_sum(name, (folder / name).read_bytes(), sums)


def set_aside(folder: Path, error: Exception) -> None:
    """Moves a damaged part out of the way, to be measured again."""
    place = folder.with_suffix(CORRUPT)
    number = 1
    while place.exists():
        place, number = folder.with_suffix(f".{number}{CORRUPT}"), number + 1
    with suppress(OSError):  # where nothing can be moved it is at least not used
        folder.replace(place)
    log.warning("%s: damaged (%s); moved aside and measured again", folder, one_line(error, 300))


def damage(run: Path | None) -> dict[str, int]:
    """How many parts of a run were set aside, for its manifest; nothing where none was."""
    count = 0 if run is None else sum(each.name.endswith(CORRUPT) for each in _folders(run))
    return {"damaged_parts": count} if count else {}


def read_part(part: Part) -> "Results":
    """What a part found.

    Raises:
        InputError: A file is missing or damaged.
    """
    from mediate.results.folder import read_results

    return read_results(part.folder)


def drop_parts(run: Path) -> None:
    """Clears away the parts of a run that is finished."""
    shutil.rmtree(run / PARTS, ignore_errors=True)
