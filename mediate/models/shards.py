"""Indexes of weights that are split over several files: every file that one names is read, so it is looked at first."""

import json
from contextlib import nullcontext
from pathlib import Path, PurePosixPath

from mediate.errors import InputError, one_line
from mediate.files import regular
from mediate.models.hub import attempted
from mediate.models.origin import Origin, OriginKind

INDEX = "model.safetensors.index.json"
# Bytes; of models of a trillion parameters it has some ten million.
MOST_INDEX = 2**26


def check_index(origin: Origin, location: str) -> None:
    """Refuses an index that names pickled files, or files elsewhere than beside it.

    Args:
        origin: Of the model, for messages.
        location: Of its weights: a folder, or the hub's name, whose index is then brought here.

    Raises:
        InputError: What the index names is not weights in safetensors, in the same folder.
    """
    index = _index(origin, location)
    if index is None:
        return
    try:
        named = set(json.loads(regular(index, MOST_INDEX).read_bytes())["weight_map"].values())
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = one_line(error, 160)
        raise InputError(
            f"model {origin.location!r}: its {INDEX} is no index of weights ({reason}); save the model again"
        ) from error
    for name in sorted(named, key=str):
        path = PurePosixPath(str(name))
        if path.suffix != ".safetensors":
            raise InputError(
                f"model {origin.location!r}: its {INDEX} names {str(name)!r}, which is not in safetensors; pickled "
                "weights can run code when they are read: convert them with save_pretrained"
            )
        if path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"model {origin.location!r}: its {INDEX} names {str(name)!r}, outside the model's folder; save it again"
            )


def _index(origin: Origin, location: str) -> Path | None:
    from transformers.utils import cached_file

    if (Path(location) / "model.safetensors").is_file():
        return None  # comes first
    quietly = {f"_raise_exceptions_for_{what}": False for what in ("missing_entries", "connection_errors")}
    with attempted(location) if origin.kind is OriginKind.HUB else nullcontext():
        found = cached_file(location, INDEX, **quietly)
    return None if found is None else Path(found)
