"""Runs of the very same model: a difference between them is none of models."""

from collections.abc import Sequence
from dataclasses import dataclass

from mediate.compare.runs import NamedRun, Writer
from mediate.results import Measured

SHOWN = 12  # characters of a fingerprint


@dataclass(frozen=True, slots=True)
class SameModel:
    """Runs that one model read in one precision, with chains of one writer.

    Args:
        labels: Of the runs.
        fingerprint: The sha256 of the model's configuration and weights.
        same_chains: Whether the shared items have the same tokens in all of them.
    """

    labels: tuple[str, ...]
    fingerprint: str
    same_chains: bool

    def __str__(self) -> str:
        *most, last = self.labels
        chains = (
            "on the same chains: what differs is rounding"
            if self.same_chains
            else "on other chains of one writer: a difference is of the chains, and none of models"
        )
        model = f"the very same model (sha256 {self.fingerprint[:SHOWN]})"
        return f"{', '.join(most)} and {last} are runs of {model}, {chains}."


def same_models(
    runs: Sequence[NamedRun], writers: Sequence[Writer | None], items: Sequence[str]
) -> tuple[SameModel, ...]:
    """The runs of which several are of one model; empty where all differ.

    Args:
        runs: What is compared.
        writers: Who wrote each run's chains; None where several did.
        items: The ids of the shared items.
    """
    found: dict[tuple[str, str, str], list[NamedRun]] = {}
    for run, writer in zip(runs, writers, strict=True):
        written = writer.fingerprint if writer else "several"
        found.setdefault((run.reader.fingerprint, str(run.model.get("dtype")), written), []).append(run)
    return tuple(
        SameModel(tuple(run.label for run in having), fingerprint, _same_chains(having, items))
        for (fingerprint, _, _), having in found.items()
        if len(having) > 1
    )


def _same_chains(runs: Sequence[NamedRun], items: Sequence[str]) -> bool:
    first, *others = ([tuple(told.tokens for _, told in each.worlds) for each in _shared(run, items)] for run in runs)
    return all(chains == first for chains in others)


def _shared(run: NamedRun, items: Sequence[str]) -> list[Measured]:
    there = {item.id: item for item in run.results.items}
    return [there[item] for item in items]
