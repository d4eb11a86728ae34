"""How far a run is, from what lies in its directory; quick, and nothing is changed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mediate.errors import InputError, one_line
from mediate.holding.held import Owner, owner_of
from mediate.results.manifest import MANIFEST, read_manifest
from mediate.results.parts import PARTS, counts_of, damage, parts_of, read_plan
from mediate.results.sharding import shard_folders, shard_words

# What a run can be; a shard that nobody has begun has no directory.
STATUSES = ("started", "success", "error", "cancelled")
# How many shards that nobody has begun a line names.
NAMED = 8


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How far a run is.

    Args:
        run: The run directory.
        status: `started`, `success`, `error` or `cancelled`, as its manifest says; `sharded` where it has shards alone.
        created: When it began, in UTC.
        given: How many items there were.
        planned: How many of them are, or will be, measured here; None where the run does not say.
        measured: How many are done, and on disk.
        rejected: How many were left out, by the code of why.
        parts: How many parts are on disk.
        damaged: How many parts were set aside.
        owner: Who holds it, or held it when it was killed.
        error: What ended it, where an error did.
        shard: Which part of a run it is, such as `shard 3 of 16`.
        shards: Those of its shards that were begun.
        of: How many shards there are to be.
        not_begun: The numbers of those that nobody has begun.
    """

    run: str
    status: str
    created: str = ""
    given: int | None = None
    planned: int | None = None
    measured: int = 0
    rejected: Mapping[str, int] | None = None
    parts: int = 0
    damaged: int = 0
    owner: Owner | None = None
    error: str = ""
    shard: str = ""
    shards: tuple["RunStatus", ...] = ()
    of: int = 0
    not_begun: tuple[int, ...] = ()

    @property
    def left(self) -> int | None:
        """How many items are still to be measured; None where the run does not say."""
        if self.status == "success":
            return 0
        if self.planned is None:
            return None
        late = sum((self.rejected or {}).values()) - ((self.given or 0) - self.planned)
        return self.planned - self.measured - late

    @property
    def running(self) -> bool | None:
        """Whether a process is at it; None where it may be, on another machine."""
        if self.owner is None or self.status == "success":
            return False
        return self.owner.lives

    @property
    def goes_on(self) -> str:
        """What is to be done next."""
        if self.status == "success":
            return f"mediate report {self.run}" if not self.shard else "mediate merge DIR, once all shards are measured"
        if self.running:
            return "wait for it"
        if self.running is None:
            return "where that process is dead: the same command with --takeover"
        if self.status == "sharded":
            wanting = self.of - self._finished
            return f"mediate merge {self.run}" if not wanting else f"finish {wanting} shards with the same commands"
        return "the same command goes on"

    @property
    def _finished(self) -> int:
        """How many of its shards are."""
        return sum(each.status == "success" for each in self.shards)

    def described(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        own = {"left": self.left, "running": self.running, "goes_on": self.goes_on}
        return asdict(self) | own | {"shards": [each.described() for each in self.shards]}

    def __str__(self) -> str:
        shard = f"{self.shard}, " if self.shard else ""
        lines = [f"{self.run}: {shard}{self.status}{f', begun {self.created}' if self.created else ''}"]
        if self.error:
            lines.append(f"error: {self.error}")
        if self.planned is not None:
            left = "" if self.left is None else f", {self.left:,} left"
            lines.append(f"items: {self.measured:,} of {self.planned:,} measured{left}")
        elif self.status == "success" or self.shards:
            lines.append(f"items: {self.measured:,} measured")
        if self.rejected:
            reasons = ", ".join(f"{count:,} x {code}" for code, count in Counter(self.rejected).most_common())
            lines.append(f"left out: {sum(self.rejected.values()):,} ({reasons})")
        if self.parts or self.damaged:
            damaged = f", {self.damaged} damaged ones set aside" if self.damaged else ""
            lines.append(f"parts: {self.parts}{damaged}")
        if self.owner is not None and self.status != "success":
            held = {True: "held by", False: "last held by, and dead", None: "held, or last held, on another machine by"}
            lines.append(f"{held[self.owner.lives]}: {self.owner}")
        if self.shards:
            lines.append(f"shards: {self._finished} of {self.of} finished")
        lines += [f"  {str(each).partition(chr(10))[0]}; {each.measured:,} measured" for each in self.shards]
        if self.not_begun:
            more = f" and {len(self.not_begun) - NAMED:,} more" if len(self.not_begun) > NAMED else ""
            lines.append(f"  not begun: {', '.join(f'{each}/{self.of}' for each in self.not_begun[:NAMED])}{more}")
        return "\n".join([*lines, f"next: {self.goes_on}"])


def status_of(run: str | Path) -> RunStatus:
    """How far a run is.

    Raises:
        InputError: The folder is no run directory, nor has it shards.
    """
    run = Path(run)
    folders = shard_folders(run)
    shards, of = tuple(_shard(each) for each in folders.values()), max((of for of, _ in folders), default=0)
    manifest = read_manifest(run) if (run / MANIFEST).exists() or not shards else {}
    plan = read_plan(run)
    if shards and plan is None and manifest.get("status") != "success":
        rejected: Counter[str] = Counter()
        for each in shards:
            rejected.update(each.rejected or {})
        return RunStatus(
            str(run),
            "sharded",
            min((each.created for each in shards if each.created), default=""),
            measured=sum(each.measured for each in shards),
            rejected=rejected,
            owner=owner_of(run),
            shards=shards,
            of=of,
            not_begun=tuple(number + 1 for number in range(of) if (of, number + 1) not in folders),
        )
    told = _counts(manifest)
    parts = parts_of(run, plan.fingerprint) if plan is not None else ()
    if plan is not None and manifest.get("status") != "success":
        told = counts_of(plan, parts)
    return RunStatus(
        str(run),
        _status(manifest),
        str(manifest.get("created", "")),
        told.get("given"),
        told.get("planned"),
        told.get("measured", 0),
        told.get("by_reason", {}),
        len(parts),
        damage(run).get("damaged_parts", 0) or _number(manifest.get("damaged_parts")) or 0,
        owner_of(run),
        one_line(Exception(manifest.get("error", ""))) if manifest.get("error") else "",
        shard_words(manifest),
        shards,
        of,
    )


def _shard(folder: Path) -> RunStatus:
    """How far a shard is; one that cannot be read is told with why."""
    try:
        return status_of(folder)
    except InputError as error:
        return RunStatus(str(folder), "error" if (folder / PARTS).exists() else "started", error=one_line(error))


def _status(manifest: Mapping[str, Any]) -> str:
    status = manifest.get("status")
    return status if status in STATUSES else "unknown"


def _counts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of a manifest, of which some may be missing or no numbers."""
    counts = manifest.get("counts")
    found = counts if isinstance(counts, Mapping) else {}
    told: dict[str, Any] = {
        name: number for name in ("given", "planned", "measured") if (number := _number(found.get(name))) is not None
    }
    reasons = found.get("by_reason")
    if isinstance(reasons, Mapping):
        told["by_reason"] = {str(code): number for code, each in reasons.items() if (number := _number(each))}
    return told


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
