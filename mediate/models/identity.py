"""Which model and which versions made something: what must be the same for it to be taken up again, told in words.

A model is its weights, tokenizer, dtype and architecture. Whatever else a manifest says of it is a record: what the
self-check rounded to, the device, the name under which it was found. The same model on another machine, with other
threads or on another GPU, is the same. Imports no torch.
"""

from collections.abc import Mapping
from typing import Any

from mediate.errors import short

IDENTITY = ("fingerprint", "architecture", "tokenizer", "dtype")


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
    changed = {name for name in IDENTITY if name in wanted and found.get(name) != wanted[name]}
    there, here = short(found.get("name")), short(wanted.get("name"))
    lines = []
    if changed & {"fingerprint", "architecture"}:
        other = found.get("name") != wanted.get("name")
        lines.append(
            f"{called} is {there} there and {here} here" if other else f"{called} {here} has other weights there"
        )
    if "tokenizer" in changed:
        lines.append(f"{called} {here} has another tokenizer there")
    if "dtype" in changed:
        lines.append(f"{called}'s dtype is {short(found.get('dtype'))} there and {short(wanted['dtype'])} here")
    return lines


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
