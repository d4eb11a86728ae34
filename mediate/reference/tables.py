"""Tables of the reference reasoners' cards, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from mediate.reference.recipe import Records


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of these cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in lines)


def training_table(records: Records) -> str:
    """How each model was trained, and for how long."""
    head = ("model", "parameters", "optimiser steps", "batch", "learning rate", "last loss", "seconds")
    return table(head, [_trained(name, record) for name, record in records.items()])


def _trained(name: str, record: Mapping[str, Any]) -> tuple[str, ...]:
    training = record["training"]
    schedule = training["schedule"]
    return (
        name,
        f"{record['parameters']:,}",
        str(schedule["steps"]),
        str(schedule["rows"]),
        f"{schedule['learning_rate']:g}",
        f"{training['losses'][-1][1]:.3f}",
        f"{training['seconds']:.0f}",
    )
