"""Indexes of weights that are split over several files: every file that one names is read, so it is looked at first."""

import json
from pathlib import Path, PurePosixPath

from mediate.errors import InputError

INDEX = "model.safetensors.index.json"


def check_index(index: Path | None, location: str) -> None:
    """Refuses an index that names pickled files, or files elsewhere than beside it.

    Args:
        index: The index; None where there is none.
        location: Of the model, for messages.

    Raises:
        InputError: What it names is not weights in safetensors, in the same folder.
    """
    if index is None:
        return
    try:
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"model {location!r}: its {INDEX} is no index of weights ({reason}); save the model again"
        ) from error
    for name in sorted(named, key=str):
        path = PurePosixPath(str(name))
        if path.suffix != ".safetensors":
            raise InputError(
                f"model {location!r}: its {INDEX} names {str(name)!r}, which is not in safetensors; pickled weights "
                "can run code when they are read: convert them with save_pretrained"
            )
        if path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"model {location!r}: its {INDEX} names {str(name)!r}, outside the model's folder; save it again"
            )
