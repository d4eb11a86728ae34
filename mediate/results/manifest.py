"""`run.json`, which says what a run directory holds; reading it takes no other library."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.files import write_text
from mediate.results.sharding import check_no_shards

MANIFEST = "run.json"


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes `run.json`; a number in it that is NaN is an error."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(folder / MANIFEST, text)


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The content of a run directory's `run.json`.

    Raises:
        InputError: There is none, or it is not JSON.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        check_no_shards(Path(folder))
        raise InputError(
            f"{folder}: not a run directory (it has no {MANIFEST}); make one with 'mediate score ... --out {folder}'"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); score into a new directory") from error
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: holds a {type(manifest).__name__}, not an object; score into a new directory")
    return manifest


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")
