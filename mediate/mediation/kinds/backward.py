"""The backward passes that a method of attribution takes, and along which way."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from mediate.mediation.names import Method
from mediate.mediation.sequences import Sequences
from mediate.models.model import Model
from mediate.models.sites import Site
from mediate.passes.gradients import Keep, Route, dropped_gradients, gradients
from mediate.passes.gradients import Outcome as Differentiated
from mediate.passes.keyvalues import prefill, stacked
from mediate.passes.relevance import relevance_rules


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """The straight line from what enters a run's first block at the chain's positions to what enters the other's.

    Args:
        own: The run's own residual stream.
        other: The other run's.
        steps: Of how many equal steps the midpoints are taken.
    """

    own: Float[Tensor, "pos d_model"]
    other: Float[Tensor, "pos d_model"]
    steps: int

    def at(self, run: Sequences, step: int) -> Callable[[Tensor], Tensor]:
        """Puts the midpoint of a step in place of what enters the first block at the chain."""
        own, other, alpha = self.own, self.other, (step + 0.5) / self.steps

        def enter(value: Tensor) -> Tensor:
            value = value.clone()
            value[:, : run.stop - run.start] = own + alpha * (other - own)
            return value

        return enter


def backward_passes(
    model: Model,
    run: Sequences,
    sites: Sequence[Site],
    outcome: Differentiated,
    method: Method,
    line: Line | None,
    keep: Keep,
) -> Iterator[dict[Site, Tensor]]:
    """What is kept of the gradients of each backward pass that a method takes, from the chain on.

    The question is run once.

    Args:
        model: The hooked model.
        run: The run that would be patched.
        sites: Where gradients are wanted.
        outcome: What is differentiated: from the logits at the last positions to one number.
        method: Of an estimate.
        line: From this run to the other, for integrated gradients; None without.
        keep: What is kept of each gradient.
    """
    ids = run.ids[:, run.start :]
    past = stacked([[prefill(model, run.ids[:1, : run.start])[0]]]) if run.start else []
    if method is Method.GRADDROP:
        yield from dropped_gradients(model, ids, sites, outcome, last=run.readout.last, past=past, keep=keep)
        return
    rules = relevance_rules(model) if method is Method.RELP else ()
    for step in range(line.steps if line is not None else 1):
        route = Route(line.at(run, step) if line is not None else None, rules, keep)
        yield gradients(model, ids, sites, outcome, last=run.readout.last, route=route, past=past)
