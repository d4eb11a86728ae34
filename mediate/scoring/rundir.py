"""The life of a run directory: opened once, held by one process, finished or taken up again."""

import os
import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.files import HEARTBEAT, LOCK, check_own, differences, is_begun
from mediate.holding.held import held, owner_of
from mediate.models.identity import (
    NUMERICS_VERSION,
    device_differences,
    library_versions,
    model_differences,
    run_key,
    version_differences,
)
from mediate.pairs.pair import Item, Pair
from mediate.results.damaged import RESULTS
from mediate.results.folder import MANIFEST, read_manifest, write_manifest
from mediate.results.parts import PARTS, drop_parts
from mediate.results.sharding import SHARDS
from mediate.results.told import Reject
from mediate.scoring.spec import ScoreSpec, pairs_fingerprint

SCHEMA = 1
HELD = "another process is writing this run; wait for it or give a new directory"
# What must be the same, value by value, for a directory to be taken up again; model and versions are told in words.
IDENTITY = ("schema", "spec", "pairs", "prompt")
_CHOOSING = ("limit", "against")  # choices by which other items of one file are measured


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def versions() -> dict[str, str]:
    """The versions of what a run's numbers depend on."""
    from mediate.version import __version__

    return {
        "mediate": __version__,
        "numerics": str(NUMERICS_VERSION),
        "python": platform.python_version(),
        **library_versions(),
    }


def identity(
    spec: Mapping[str, Any],
    pairs: Sequence[Pair] | Sequence[Item],
    model: Mapping[str, Any],
    prompt: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What makes a run the run that it is; a directory that holds another is not taken up.

    Args:
        spec: Its choices, described.
        pairs: What is to be measured.
        model: The model or models, described.
        prompt: How a question is put.
    """
    found = {
        "schema": SCHEMA,
        "spec": spec,
        "pairs": pairs_fingerprint(pairs),
        "model": model,
        "versions": versions(),
        "prompt": prompt,
    }
    return found | {"key": run_key(found)}


def counted(given: int, measured: int, rejects: Sequence[Reject]) -> dict[str, Any]:
    """What became of the items that were given, for a manifest."""
    by_reason = Counter(reject.code for reject in rejects if reject.part == "item")
    return {
        "given": given,
        "measured": measured,
        "rejected": sum(by_reason.values()),
        "by_reason": dict(by_reason),
    }


def finished(since: float, counts: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of a run that is done; `since` is the monotonic clock when it began."""
    return {"status": "success", "finished": now(), "seconds": round(time.monotonic() - since, 3), "counts": counts}


def check_free(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Whether the folder holds the very run that is asked for, finished; an absent or unfinished one is to be made.

    Raises:
        InputError: The folder holds something else: another run, or files that are no run's.
    """
    found = held_run(folder)
    if found is None:
        return False
    check_same(folder, found, identity)
    return bool(found.get("status") == "success")


def held_run(folder: Path) -> dict[str, Any] | None:
    """The manifest of the run that a folder holds; None where it is absent or empty.

    Raises:
        InputError: The folder is a file, holds files that are no run's, or a process on this machine is writing it.
    """
    if not is_begun(folder, MANIFEST, holds="run", wanted="the run"):
        return None
    found, owner = dict(read_manifest(folder)), owner_of(folder)
    if owner is not None and owner.lives and owner.pid != os.getpid() and found.get("status") != "success":
        raise InputError(f"{folder}: {HELD} ({owner})")
    return found


def begun(folder: Path | None) -> tuple[str, float]:
    """When a run began, and how many seconds it has taken so far; of one that begins, now and none."""
    found = (None if folder is None else held_run(folder)) or {}
    created, seconds = found.get("created"), found.get("seconds")
    spent = float(seconds) if isinstance(seconds, int | float) else 0.0
    return (created if isinstance(created, str) else now()), spent


def _spec_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = manifest.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def check_same(folder: Path, found: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Raises InputError where a folder's run is another one than what is asked for."""
    wanted = dict(identity)
    if "prompt" in wanted and "prompt" not in found:
        # Runs of before say nothing of their prompts; what a template writes around a question was the same.
        wanted["prompt"] = {key: each for key, each in wanted["prompt"].items() if key != "format"} or None
    if isinstance(found.get("spec"), Mapping) and isinstance(wanted.get("spec"), Mapping):
        # Runs of before have no word on choices that came later; they did what is the default now.
        usual = {name: each for name, each in ScoreSpec().described().items() if name in wanted["spec"]}
        found = dict(found) | {"spec": usual | dict(found["spec"])}
    different = model_differences(found.get("model"), wanted["model"]) if "model" in wanted else []
    different += differences(found, wanted, [key for key in IDENTITY if key in wanted and key != "pairs"])
    chosen = any(_spec_of(found).get(name) != _spec_of(wanted).get(name) for name in _CHOOSING)
    # Two sums of what was measured would tell nobody anything.
    if "pairs" in wanted and found.get("pairs") != wanted["pairs"] and not chosen:
        different.append("the file of pairs or items held others then")
    if "model" in wanted and found.get("status") != "success":
        different += device_differences(found.get("model"), wanted["model"])
    if "versions" in wanted:
        different += version_differences(found.get("versions"), wanted["versions"])
    if different:
        raise InputError(f"{folder}: holds another run ({'; '.join(different[:3])}); give a new directory")


@contextmanager
def holding(folder: Path | None, *, takeover: bool = False) -> Iterator[None]:
    """Holds the directory of a run, if there is to be one, for this process: from before a model is loaded for it.

    One that holds a finished run is not held: it is read alone.

    Args:
        folder: The run directory.
        takeover: Whether a directory that a process on another machine holds is taken over.

    Raises:
        InputError: Another process holds it, it holds files that are no run's, or a folder of it is a link.
    """
    if folder is None or (held_run(folder) or {}).get("status") == "success":
        yield
        return
    with held(folder, HELD, takeover=takeover):
        check_own(*(folder / name for name in (RESULTS, PARTS, SHARDS)))  # before all work, not after it
        yield


def tidied(folder: Path) -> None:
    """Clears away what a process left that was killed when its run was finished: parts, lock and sign of life."""
    if any((folder / name).exists() for name in (PARTS, HEARTBEAT, LOCK)):
        with suppress(InputError, OSError), held(folder, HELD):  # another process may be at just that
            drop_parts(folder)


@contextmanager
def written(folder: Path | None, manifest: Mapping[str, Any]) -> Iterator[MutableMapping[str, Any]]:
    """Holds the directory, if there is to be one, for this process while a run is made and written.

    Where it is held already, as by `holding`, that holds on. What is there until the run's own manifest is written says
    that it was started, cancelled, or what went wrong. What is yielded is filled with what else is to be said then,
    such as how much is done.

    Args:
        folder: The run directory.
        manifest: What is said of the run.

    Raises:
        InputError: Another process holds it, or has put another run there meanwhile; or a folder of it is a link.
    """
    said: dict[str, Any] = {}
    if folder is None:
        yield said
        return
    with held(folder, HELD):
        check_own(*(folder / name for name in (RESULTS, PARTS, SHARDS)))
        if (folder / MANIFEST).exists():  # another process may have begun a run, or ended it, since it was looked at
            found = read_manifest(folder)
            check_same(folder, found, manifest)
            if found.get("status") == "success":
                raise InputError(f"{folder}: another process has just finished this run; the same command reads it")
        write_manifest(folder, dict(manifest) | {"status": "started"})
        try:
            yield said
        except KeyboardInterrupt:
            with suppress(OSError):  # why it ended is not to be hidden by what ends it again
                write_manifest(folder, dict(manifest) | said | {"status": "cancelled"})
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            with suppress(OSError):
                write_manifest(folder, dict(manifest) | said | {"error": what, "status": "error"})
            raise
