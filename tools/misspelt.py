"""Calls with a misspelt option. `make lint` fails where mypy finds one in order: its `type: ignore` is unused then."""

from pathlib import Path

import mediate as md


def loaded() -> md.Model:
    """`dtype`, misspelt."""
    return md.load("no-model", dytpe="float32")  # type: ignore[call-arg]


def scored(model: md.Model) -> md.Scores:
    """`temperature`, misspelt."""
    return md.score(model, [], tempreature=0.5)  # type: ignore[call-arg]


def crossed(model: md.Model) -> md.CrossScores:
    """`worlds`, misspelt."""
    return md.cross(model, model, [], wordls=["base"])  # type: ignore[call-arg]


def compared(folder: Path) -> md.Comparison:
    """`margin`, misspelt."""
    return md.compare(folder, folder, magrin=0.1)  # type: ignore[call-arg]


def tuned(folder: Path) -> md.Tuning:
    """`steps`, misspelt."""
    return md.tune("no-model", [], out=folder, stpes=3)  # type: ignore[call-arg]


def right(model: md.Model) -> md.Scores:
    """All in order: a call that mypy must take."""
    return md.score(model, "pairs.jsonl", maps=["read:step,layer"], level=0.9, template="chat", chains=Path("run"))
