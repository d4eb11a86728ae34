"""Whether a directory holds the very run that is asked for, finished, told without its model. Imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediate.models.file_sums import model_sums
from mediate.models.hub import is_current
from mediate.models.identity import version_differences
from mediate.models.origin import Origin, OriginKind
from mediate.results.sums import sum_of, sums_in
from mediate.scoring.rundir import held_run, versions


def finished_run(out: Path, origin: Origin, loading: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a finished run of this very model; None where that cannot be told before the model is loaded.

    It is of this model where it was measured by the same versions, from files of the same sums, read the same way,
    under the same name. Its choices and items are for `check_out` to compare, before.

    Args:
        out: The run directory.
        origin: What the model's name stands for.
        loading: The choices of loading it.

    Raises:
        InputError: The folder is a file, or holds files that are no run's.
    """
    found = held_run(out)
    if found is None or found.get("status") != "success":
        return None
    model = found.get("model")
    counts = found.get("counts")
    if not isinstance(counts, Mapping) or not {"given", "measured"} <= counts.keys():
        return None
    if (
        not isinstance(model, Mapping)
        or not model.get("files")
        or version_differences(found.get("versions"), versions())
    ):
        return None
    if (model.get("name"), model.get("dtype")) != (origin.name, loading.get("dtype") or "float32"):
        return None
    if origin.kind is OriginKind.HUB and not is_current(origin.location, str(model.get("revision"))):
        return None
    if model_sums(origin, loading.get("tokenizer")) != model["files"] or not _is_whole(out, found):
        return None
    return found


def _is_whole(out: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether every file of a run is as it was written; what is wrong with one is told by whoever reads it."""
    sums = sums_in(out, manifest, "score")
    try:
        return bool(sums) and all(sum_of((out / name).read_bytes()) == each for name, each in (sums or {}).items())
    except OSError:
        return False
