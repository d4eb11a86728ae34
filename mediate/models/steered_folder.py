"""The folder of a steered model: the name of its base, alpha, and the vector; every command takes it as a model."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.files import is_begun, write_text
from mediate.models.model import Model
from mediate.models.origin import STEERED, VECTOR, read_steered
from mediate.models.steered import steer
from mediate.models.steering_vector import SteeringVector


def write_steered(folder: Path, base: str, model: Model) -> None:
    """Writes the folder of a steered model; one that says the same already is left as it is.

    Args:
        folder: An absent or empty one, or one that was written before.
        base: The name by which the base is found again: a hub id, the name of a packaged model, or a path.
        model: The steered model.

    Raises:
        InputError: The folder holds something else.
    """
    steering = model.steering
    if steering is None:
        raise ValueError(f"model {model.facts.name!r} is not steered")
    told: dict[str, Any] = steering.describe() | {"fitted_on": dict(steering.vector.model)}
    told = told | {"base": found_again(base), "steers": told["base"], "fingerprint": model.facts.fingerprint}
    if is_begun(folder, STEERED, holds="steered model", wanted="the steered model", place="folder"):
        if read_steered(folder) != json.loads(json.dumps(told)):
            raise InputError(f"{folder}: holds another steered model; name another folder")
        return
    steering.vector.save(folder / VECTOR)
    write_text(folder / STEERED, json.dumps(told, indent=2, sort_keys=True) + "\n")  # last: with it the folder counts


def steered_by(model: Model, folder: Path) -> Model:
    """A model that was loaded for it, steered as a folder says; the model itself is of no use any more.

    Raises:
        InputError: The vector is missing, damaged, or another than the folder was written with, or the model is
            another one.
    """
    told = read_steered(folder)
    vector = SteeringVector.read(folder / VECTOR)
    if vector.digest != told.get("vector"):
        raise InputError(f"{folder / VECTOR}: another vector than {STEERED} tells of; write both again")
    called = told["steers"]["name"] if isinstance(told.get("steers"), dict) else model.facts.name
    base = replace(model, facts=replace(model.facts, name=str(called)))
    found = steer(base, vector, float(told["alpha"]), name=model.facts.name, copied=False)
    return replace(found, facts=replace(found.facts, files=model.facts.files))


def found_again(model: str) -> str:
    """A model's name as it is found from any directory: what is a path here is made absolute, `BASE+ADAPTER` in both
    parts."""
    path = Path(model).expanduser()
    if path.exists():
        return str(path.resolve())
    base, plus, adapter = model.partition("+")
    return f"{found_again(base)}+{found_again(adapter)}" if plus else model
