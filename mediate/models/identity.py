"""Which model and which versions made something: what must be the same for it to be taken up again, told in words.

A model is its weights and configuration, tokenizer, dtype, architecture, how its attention is computed, and the tokens
that end its texts. Whatever else a manifest says of it is a record: what the self-check rounded to, the device, the
threads, the name under which it was found. The same model on another machine, with other threads or on another GPU, is
the same; but what is left to do of a run is done on the kind of device that began it. Imports no torch.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from mediate.errors import short

# Raised by one whenever a change to the code changes a stored number by more than rounding.
NUMERICS_VERSION = 2
IDENTITY = ("fingerprint", "architecture", "tokenizer", "dtype", "attention", "ends")
# What manifests of before did not say, and what is then no difference.
_LATER = ("attention", "ends")
# The most files that a message names.
_MOST = 2


@cache
def library_versions() -> Mapping[str, str]:
    """The versions of what computes the numbers."""
    from importlib.metadata import version

    return MappingProxyType({name: version(name) for name in ("torch", "transformers", "transformer-lens")})


def run_key(identity: Mapping[str, Any]) -> str:
    """sha256 over what makes a run the run that it is, in canonical JSON; of models what is no record of them.

    Args:
        identity: From a manifest, with its `model`, or models by their roles, and its `versions`.

    Raises:
        ValueError: A number in it is none in JSON.
    """
    kept = dict(identity)
    if isinstance(kept.get("model"), Mapping):
        kept["model"] = _identity_of(kept["model"])
    if isinstance(kept.get("versions"), Mapping):
        kept["versions"] = {name: _release(each) for name, each in kept["versions"].items() if name != "python"}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _identity_of(model: Mapping[str, Any]) -> dict[str, Any]:
    if model and all(isinstance(each, Mapping) for each in model.values()):
        return {role: _identity_of(each) for role, each in model.items()}
    return {name: model[name] for name in IDENTITY if name in model}


def model_differences(found: Any, wanted: Mapping[str, Any], called: str = "the model") -> list[str]:
    """How the model that is there is another one than what is asked for, a line each; empty where it is the same.

    Args:
        found: The facts of the one there, from a manifest; of several models, a mapping from their roles.
        wanted: The same of the one that is asked for.
        called: What to call it.
    """
    if not isinstance(found, Mapping):
        return [f"{called} is not told there"]
    if all(isinstance(each, Mapping) for each in wanted.values()):
        return [
            line
            for role, each in wanted.items()
            for line in model_differences(found.get(role), each, f"the {role} model")
        ]
    said = {name for name in IDENTITY if name in wanted and (name in found or name not in _LATER)}
    changed = {name for name in said if _plain(found.get(name)) != _plain(wanted[name])}
    there, here = short(found.get("name")), short(wanted.get("name"))
    lines = []
    if changed & {"fingerprint", "architecture"}:
        other = found.get("name") != wanted.get("name")
        files = _changed(found, wanted)
        weights = any(name.endswith((".safetensors", ".gguf")) for name in files)
        what = "another configuration" if files and not weights else "other weights"
        told = f"{called} {here} has {what} there{_told_files(found, wanted)}"
        lines.append(f"{called} is {there} there and {here} here" if other else told)
    if "tokenizer" in changed:
        lines.append(f"{called} {here} has another tokenizer there{_told_files(found, wanted)}")
    if "dtype" in changed:
        lines.append(f"{called}'s dtype is {short(found.get('dtype'))} there and {short(wanted['dtype'])} here")
    for name, what in (("attention", "attention"), ("ends", "end of a text, in tokens,")):
        if name in changed:
            lines.append(f"{called}'s {what} is {short(found.get(name))} there and {short(wanted[name])} here")
    return lines


def device_differences(found: Any, wanted: Mapping[str, Any]) -> list[str]:
    """Whether a run that goes on would do so on another kind of device, where numbers round otherwise: a line each.

    Args:
        found: The facts of the model, or of several by their roles, that began it.
        wanted: The same of what would go on.
    """
    if not isinstance(found, Mapping):
        return []
    if all(isinstance(each, Mapping) for each in wanted.values()):
        return [line for role, each in wanted.items() for line in device_differences(found.get(role), each)]
    there, here = (str(each["device"]).partition(":")[0] if "device" in each else None for each in (found, wanted))
    return [f"the device is {short(there)} there and {short(here)} here"] if here and there and there != here else []


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _changed(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Which files of a model are others; none where they are not known of both."""
    there, here = found.get("files"), wanted.get("files")
    if not (isinstance(there, Mapping) and isinstance(here, Mapping) and there and here):
        return []
    return sorted(name for name in {*there, *here} if there.get(name) != here.get(name))


def _told_files(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Which files of a model are others, and its revision where that is another; empty where it is not known."""
    changed = _changed(found, wanted)
    more = f" and {len(changed) - _MOST} more" if len(changed) > _MOST else ""
    parts = [f"changed: {', '.join(changed[:_MOST])}{more}"] if changed else []
    if found.get("revision") and wanted.get("revision") and found["revision"] != wanted["revision"]:
        parts.append(f"revision {short(found['revision'])} there and {short(wanted['revision'])} here")
    return f" ({'; '.join(parts)})" if parts else ""


def version_differences(found: Any, wanted: Mapping[str, str]) -> list[str]:
    """Which versions are others there, a line each; Python's own and how a release was built are a record."""
    there = found if isinstance(found, Mapping) else {}
    return [
        f"{name} is {short(there.get(name))} there and {short(each)} here"
        for name, each in wanted.items()
        if name != "python" and _release(there.get(name)) != _release(each)
    ]


def _release(version: Any) -> str:
    """A version without the label of its build, such as `+cpu`."""
    return str(version).partition("+")[0]
