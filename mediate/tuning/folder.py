"""The life of a tuning's folder: opened once, held by one process, finished or taken up again."""

import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.files import differences, is_begun, write_text
from mediate.holding.held import held
from mediate.models.identity import model_differences, version_differences
from mediate.models.origin import TUNED as MANIFEST
from mediate.results.tuned import Tuned

SCHEMA = 1
LOSSES = "loss.jsonl"
CHECKPOINTS = "checkpoints"
# What the folder of a model that was kept on the way is called, before the number of its step.
STEP = "step-"
# What must be the same for a folder to be taken up again.
IDENTITY = ("schema", "spec", "data", "device", "prompt")
_DONE = "success"


def versions() -> dict[str, str]:
    """The versions of what the weights depend on."""
    from mediate.version import __version__

    names = ("torch", "transformers", "trl", "peft", "accelerate")
    return {"mediate": __version__, "python": platform.python_version()} | {name: version(name) for name in names}


def read_tuning(folder: str | Path) -> dict[str, Any]:
    """The manifest of a tuning's folder.

    Raises:
        InputError: There is none, or it is not readable.
    """
    file = Path(folder) / MANIFEST
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{folder}: holds no {MANIFEST}; give the folder that `mediate tune` wrote") from error
    except ValueError as error:
        raise InputError(f"{file}: not JSON ({error}); tune again in a new folder") from error
    if not isinstance(found, dict):
        raise InputError(f"{file}: not a JSON object; tune again in a new folder")
    return found


@contextmanager
def holding(folder: Path, *, takeover: bool = False) -> Iterator[None]:
    """Holds the folder of a tuning for this process, from before a model is loaded for it; a finished one is only read.

    Raises:
        InputError: Another process holds it, or it holds files that are no tuning's.
    """
    if _is_begun(folder) and is_done(read_tuning(folder)):
        yield
        return
    with held(folder, "another process is tuning here; wait for it or give a new folder", takeover=takeover):
        yield


def _is_begun(folder: Path) -> bool:
    return is_begun(folder, MANIFEST, holds="tuning", wanted="the tuned model", place="folder")


def opened(folder: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of the very tuning that is asked for, finished or not; None where the folder is new or empty.

    Raises:
        InputError: The folder holds something else: another tuning, or files that are no tuning's.
    """
    if not _is_begun(folder):
        return None
    found = read_tuning(folder)
    other = model_differences(found.get("base"), identity["base"], "the base model")
    other += differences(found, identity, IDENTITY)
    other += version_differences(found.get("versions"), identity["versions"])
    if other:
        raise InputError(f"{folder}: holds another tuning ({'; '.join(other[:3])}); give a new folder")
    return found


def is_done(manifest: Mapping[str, Any] | None) -> bool:
    """Whether a tuning is finished."""
    return manifest is not None and manifest.get("status") == _DONE


def write_tuning(folder: Path, manifest: Mapping[str, Any], status: str = _DONE) -> None:
    """Writes the manifest, whole or not at all; a number in it that is NaN is an error."""
    text = json.dumps(dict(manifest) | {"status": status}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(folder / MANIFEST, text)


def write_cancelled(folder: Path) -> None:
    """Says of a tuning that is not finished that it was cancelled, if that can be written."""
    _write_ended(folder, "cancelled")


def write_failed(folder: Path) -> None:
    """Says of a tuning that is not finished that an error ended it, if that can be written."""
    _write_ended(folder, "failed")


def _write_ended(folder: Path, status: str) -> None:
    with suppress(OSError, InputError):
        found = read_tuning(folder)
        if not is_done(found):
            write_tuning(folder, found, status)


def write_losses(folder: Path, losses: list[dict[str, int | float]]) -> None:
    """Writes the loss curve, a step a line."""
    write_text(folder / LOSSES, "".join(json.dumps(each) + "\n" for each in losses))


def read_losses(folder: Path) -> tuple[dict[str, int | float], ...]:
    """The loss curve of a tuning's folder; empty where there is none yet."""
    file = folder / LOSSES
    return tuple(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()) if file.exists() else ()


def open_tuned(folder: str | Path) -> Tuned:
    """Reads a tuning back, as `mediate.open` does with table and figure; the model comes from `mediate.load`.

    Returns:
        What tuning wrote down.

    Raises:
        InputError: The folder holds no finished tuning.

    Example:
        >>> md.open_tuned("runs/sft").losses  # doctest: +SKIP
    """
    manifest = read_tuning(folder)
    if not is_done(manifest):
        raise InputError(f"{folder}: this tuning is not finished; the same command goes on where it stopped")
    return Tuned(Path(folder), manifest, read_losses(Path(folder)))


def last_checkpoint(folder: Path) -> Path | None:
    """The last whole checkpoint; whatever was not written to its end is deleted.

    trl's trainer writes its state last, so a checkpoint whose state can be read is whole.
    """
    whole: dict[int, Path] = {}
    for path in (folder / CHECKPOINTS).glob("checkpoint-*"):
        try:
            whole[int(json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))["global_step"])] = path
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(path, ignore_errors=True)
    return whole[max(whole)] if whole else None


def drop_checkpoints(folder: Path) -> None:
    """Deletes what only an unfinished tuning needs."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
