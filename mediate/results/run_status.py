"""How far a run is, from what lies in its directory; quick, and nothing is changed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mediate.errors import InputError, one_line
from mediate.files import Owner, owner_of
from mediate.results.manifest import MANIFEST, read_manifest
from mediate.results.parts import PARTS, counts_of, damage, parts_of, read_plan

SHARDS = "shards"
# What a run can be; a shard that nobody has begun has no directory.
STATUSES = ("started", "success", "error", "cancelled")


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
        shards: Those of its shards that were begun.
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
    shards: tuple["RunStatus", ...] = ()

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
            return f"mediate report {self.run}"
        if self.running:
            return "wait for it"
        if self.running is None:
            return "where that process is dead: the same command with --takeover"
        if self.status == "sharded":
            wanting = sum(each.status != "success" for each in self.shards)
            return f"mediate merge {self.run}" if not wanting else f"finish {wanting} shards with the same commands"
        return "the same command goes on"

    def described(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        own = {"left": self.left, "running": self.running, "goes_on": self.goes_on}
        return asdict(self) | own | {"shards": [each.described() for each in self.shards]}

    def __str__(self) -> str:
        lines = [f"{self.run}: {self.status}{f', begun {self.created}' if self.created else ''}"]
        if self.error:
            lines.append(f"error: {self.error}")
        if self.planned is not None:
            left = "" if self.left is None else f", {self.left:,} left"
            lines.append(f"items: {self.measured:,} of {self.planned:,} measured{left}")
        elif self.status == "success":
            lines.append(f"items: {self.measured:,} measured")
        if self.rejected:
            reasons = ", ".join(f"{count:,} x {code}" for code, count in Counter(self.rejected).most_common())
            lines.append(f"left out: {sum(self.rejected.values()):,} ({reasons})")
        if self.parts or self.damaged:
            damaged = f", {self.damaged} damaged ones set aside" if self.damaged else ""
            lines.append(f"parts: {self.parts}{damaged}")
        if self.owner is not None and self.status != "success":
            lives = {True: "running", False: "dead", None: "on another machine, running or dead"}[self.owner.lives]
            lines.append(f"held by: {self.owner} ({lives})")
        lines += [f"  shard {str(each).partition(chr(10))[0]}; {each.measured:,} measured" for each in self.shards]
        return "\n".join([*lines, f"next: {self.goes_on}"])


def status_of(run: str | Path) -> RunStatus:
    """How far a run is.

    Raises:
        InputError: The folder is no run directory, nor has it shards.
    """
    run = Path(run)
    folders = sorted(each for each in (run / SHARDS).iterdir() if each.is_dir()) if (run / SHARDS).is_dir() else []
    shards = tuple(_shard(each) for each in folders)
    if not (run / MANIFEST).exists() and shards:
        rejected: Counter[str] = Counter()
        for each in shards:
            rejected.update(each.rejected or {})
        return RunStatus(
            str(run),
            "sharded",
            min((each.created for each in shards if each.created), default=""),
            measured=sum(each.measured for each in shards),
            rejected=rejected,
            shards=shards,
        )
    manifest = read_manifest(run)
    told = _counts(manifest)
    plan = read_plan(run)
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
        shards,
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
