"""A tuned model as it lies in its folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediate.showing import plural

# Right answers have collapsed where so many are lost at least, and less than this part is left.
FEWEST_LOST, LEAST_KEPT = 5, 0.5


def _told(counts: Mapping[str, Any]) -> Iterator[str]:
    """What an arm did to the training part, a count after the other, and by which model."""
    for name, value in counts.items():
        if isinstance(value, Mapping) and "name" in value:
            yield f"{name} {value['name']}"
        elif isinstance(value, Mapping):
            said = ", ".join(_told(value))
            yield f"{name.replace('_', ' ')} ({said})" if said else name
        elif isinstance(value, int | float):
            yield f"{value:g} {name.replace('_', ' ')}"


# How a model was asked, in words.
ASKED = {"own_chain": "after a chain of its own", "no_chain": "without a chain"}


def _collapsed(accuracy: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line a way of asking that far fewer questions are answered by than before, beyond both intervals."""
    for name, was in accuracy.get("before", {}).items():
        now = accuracy.get("after", {}).get(name)
        most, least = (now or {}).get("high"), was.get("low")
        if now is None or most is None or least is None or most >= least:
            continue
        if was["right"] - now["right"] >= FEWEST_LOST and now["right"] < LEAST_KEPT * was["right"]:
            yield (
                f"warning: {ASKED.get(name, name)}: right answers fell from {was['right']} to {now['right']} of "
                f"{now['n']}, so what is measured next is of a model that cannot do this any more; a lower learning "
                "rate or fewer steps keep more, and so do chains in the data"
            )


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
        examples = made.get("arranged", {}).get("examples", data["train"])
        lines = [
            f"{made['spec']['arm']}: {plural(made['steps'], 'step')} on {plural(examples, 'example')}, loss "
            f"{self.losses[0]['loss']:.4g} to {self.losses[-1]['loss']:.4g}"
        ]
        if "arranged" in made:
            lines.append(f"trained on: {', '.join(_told(made['arranged']))}")
        for when, found in made["accuracy"].items():
            told = [f"{each['right']} of {each['n']} {ASKED.get(name, name)}" for name, each in found.items()]
            lines.append(f"right answers held out, {when}: {', '.join(told)}")
        lines += _collapsed(made["accuracy"])
        for each in made.get("checkpoints", ()):
            place = self.folder / each["folder"]
            lines.append(f"after step {each['step']}: {place} (fingerprint {each['fingerprint'][:12]})")
        return "\n".join([*lines, f"model: {self.folder}"])

    @property
    def checkpoints(self) -> dict[int, Path]:
        """The folders of the models that were kept on the way, by their step; each is what `mediate.load` takes."""
        return {each["step"]: self.folder / each["folder"] for each in self.manifest.get("checkpoints", ())}
