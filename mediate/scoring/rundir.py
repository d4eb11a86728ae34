"""The life of a run directory: opened once, held by one process, finished or taken up again."""

import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.files import differences, held, is_begun
from mediate.models.identity import (
    NUMERICS_VERSION,
    device_differences,
    library_versions,
    model_differences,
    run_key,
    version_differences,
)
from mediate.pairs.pair import Item, Pair
from mediate.results.folder import MANIFEST, read_manifest, write_manifest
from mediate.results.told import Reject
from mediate.scoring.spec import ScoreSpec, pairs_fingerprint

SCHEMA = 1
# What must be the same, value by value, for a directory to be taken up again; model and versions are told in words.
IDENTITY = ("schema", "spec", "pairs", "prompt")


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
        InputError: The folder is a file, or holds files that are no run's.
    """
    if not is_begun(folder, MANIFEST, holds="run", wanted="the run"):
        return None
    return dict(read_manifest(folder))


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
    different += differences(found, wanted, [key for key in IDENTITY if key in wanted])
    if "model" in wanted and found.get("status") != "success":
        different += device_differences(found.get("model"), wanted["model"])
    if "versions" in wanted:
        different += version_differences(found.get("versions"), wanted["versions"])
    if different:
        raise InputError(f"{folder}: holds another run ({'; '.join(different[:3])}); give a new directory")


@contextmanager
def written(folder: Path | None, manifest: Mapping[str, Any]) -> Iterator[None]:
    """Holds the directory, if there is to be one, for this process while a run is made and written.

    What is there until the run's own manifest is written says that it was started, cancelled, or what went wrong.

    Raises:
        InputError: Another process holds it.
    """
    if folder is None:
        yield
        return
    with held(folder, "another process is writing this run; wait for it or give a new directory"):
        write_manifest(folder, dict(manifest) | {"status": "started"})
        try:
            yield
        except KeyboardInterrupt:
            with suppress(OSError):  # why it ended is not to be hidden by what ends it again
                write_manifest(folder, dict(manifest) | {"status": "cancelled"})
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            with suppress(OSError):
                write_manifest(folder, dict(manifest) | {"error": said, "status": "error"})
            raise
