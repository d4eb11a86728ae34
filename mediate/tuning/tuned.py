"""A tuned model as it lies in its folder; reading it back imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.tuning.folder import is_done, read_losses, read_tuning


@dataclass(frozen=True, slots=True)
class Tuned:
    """A tuned model.

    Args:
        folder: What `mediate.load` takes.
        manifest: The content of `tuning.json`.
        losses: A record a step: `step`, `loss`, `learning_rate`, `grad_norm` and what else the trainer measures.
    """

    folder: Path
    manifest: Mapping[str, Any]
    losses: tuple[Mapping[str, int | float], ...]

    def __str__(self) -> str:
        made, data = self.manifest, self.manifest["data"]
        lines = [
            f"{made['spec']['arm']}: {made['steps']} steps on {data['train']} examples, loss "
            f"{self.losses[0]['loss']:.4g} to {self.losses[-1]['loss']:.4g}"
        ]
        for when, found in made["accuracy"].items():
            told = [f"{each['right']} of {each['n']} {name.replace('_', ' ')}" for name, each in found.items()]
            lines.append(f"held out, {when}: {', '.join(told)}")
        return "\n".join([*lines, f"model: {self.folder}"])


def open_tuned(folder: str | Path) -> Tuned:
    """Reads a tuning back, as `mediate.open` does with table and figure; the model comes from `mediate.load`.

    Raises:
        InputError: The folder holds no finished tuning.
    """
    manifest = read_tuning(folder)
    if not is_done(manifest):
        raise InputError(f"{folder}: this tuning is not finished; the same command goes on where it stopped")
    return Tuned(Path(folder), manifest, read_losses(Path(folder)))
