"""What must follow when activations of a loaded model are written, tried of many components in one pass.

Passes over sixteen tokens cost what their number costs, not their tokens. So the two probes stand in a row each for
every trial, as patches of a row do in a sweep. What does not come out there is tried by itself, with whole sites
written: that alone decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.forward import ForwardPass, forward
from mediate.passes.interventions import Patch

C = Component
_ATTENTION_INPUTS = (C.Q, C.K, C.V)
# What a model that transformer-lens reads in another way may raise where it is written.
FAILURES = (InputError, RuntimeError, ValueError, TypeError, LookupError, AttributeError)
# Of one pass. What it keeps grows with it: some hundredths of the weights of a model of 7B.
TRIALS_A_PASS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Activations that are written into the two probes, and what must follow.

    Args:
        writes: What is written, `probe pos ...`.
        expected: What must stand at other sites then.
        logits: What the logits must be then; None where they say nothing that `expected` does not.
    """

    writes: Mapping[Site, Tensor]
    expected: Mapping[Site, Tensor] = field(default_factory=dict)
    logits: Tensor | None = None

    def off(self, clean: ForwardPass, logits: Tensor, kept: Mapping[Site, Tensor]) -> Tensor:
        """How far what followed is from what must: of the logits, and of sites on the logits' scale."""
        size = max(1.0, float(clean.logits.abs().max()))
        off = [
            ((kept[site] - wanted) / max(1.0, float(wanted.abs().max())) * size).flatten()
            for site, wanted in self.expected.items()
        ]
        if self.logits is not None:
            off.append((logits - self.logits).flatten())
        return torch.cat(off)


def alone(model: Model, clean: ForwardPass, trial: Trial) -> Tensor:
    """How far a trial is off in a pass of its own."""
    run = forward(model, model.probe.ids, writes=trial.writes, keep=list(trial.expected))
    return trial.off(clean, run.logits, run.kept)


def together(model: Model, clean: ForwardPass, trials: Sequence[Trial | None]) -> list[Tensor | None]:
    """How far each trial is off, a few tried in a pass; None of one that is None, or whose pass did not go through."""
    there = [number for number, trial in enumerate(trials) if trial is not None]
    found: list[Tensor | None] = [None] * len(trials)
    for begin in range(0, len(there), TRIALS_A_PASS):
        some = there[begin : begin + TRIALS_A_PASS]
        try:
            off = _one_pass(model, clean, [trial for number in some if (trial := trials[number]) is not None])
        except FAILURES:
            continue
        for number, each in zip(some, off, strict=True):
            found[number] = each
    return found


def _one_pass(model: Model, clean: ForwardPass, trials: Sequence[Trial]) -> list[Tensor]:
    probes, length = model.probe.ids.shape
    cells = [(f"trial {number}, probe {probe}", probe) for number in range(len(trials)) for probe in range(probes)]
    of = [trial for trial in trials for _ in range(probes)]
    values = {
        (by, site): value[probe]
        for (by, probe), trial in zip(cells, of, strict=True)
        for site, value in trial.writes.items()
    }
    everywhere = tuple(range(length))
    rows = [[Patch(site, everywhere, by=by) for site in trial.writes] for (by, _), trial in zip(cells, of, strict=True)]
    sites = {site for trial in trials for site in trial.expected}
    run = forward(model, model.probe.ids.repeat(len(trials), 1), rows, values, keep=sites)
    logits = torch.split(run.logits, probes)
    kept = {site: torch.split(value, probes) for site, value in run.kept.items()}
    return [
        trial.off(clean, logits[number], {site: kept[site][number] for site in trial.expected})
        for number, trial in enumerate(trials)
    ]


def unchanged(model: Model, clean: ForwardPass, component: Component, offered: Sequence[Component]) -> Trial:
    """Writing every layer's own activation changes nothing."""
    own = {Site(component, layer): clean.kept[Site(component, layer)] for layer in range(model.facts.layers)}
    return Trial(own, logits=clean.logits)


def swapped(model: Model, clean: ForwardPass, component: Component, offered: Sequence[Component]) -> Trial:
    """What must follow when probe A's activation is replaced by B's, in every layer.

    Odd layers are entered with the probes exchanged. A written residual stream decides the block's output; a written
    output of attention or MLP, or a written input of attention, is the other probe's than the stream that it joins.
    """

    def of(kind: Component, layer: int, flip: bool) -> Tensor:
        value = clean.kept[Site(kind, layer)]
        return value.flip(0) if flip else value

    writes: dict[Site, Tensor] = {}
    expected: dict[Site, Tensor] = {}
    exchanged = False
    for layer in range(model.facts.layers):
        odd = bool(layer % 2)
        if component in (C.RESID_PRE, C.RESID_MID):
            writes[Site(component, layer)] = of(component, layer, odd)
            expected[Site(C.RESID_POST, layer)] = of(C.RESID_POST, layer, odd)
            exchanged = odd
        elif component is C.RESID_POST:
            writes[Site(component, layer)] = of(component, layer, not odd)
            if layer + 1 < model.facts.layers:
                expected[Site(C.ATTN_OUT, layer + 1)] = of(C.ATTN_OUT, layer + 1, not odd)
            exchanged = not odd
        else:
            writes[Site(C.RESID_PRE, layer)] = of(C.RESID_PRE, layer, odd)
            _swap_inside(component, layer, odd, of, writes, expected, offered)
            post = Site(C.RESID_POST, layer)
            if model.steering is not None and post in expected:
                expected[post] = expected[post] + model.steering.added(layer, model.probe.ids)
    if component not in (C.RESID_PRE, C.RESID_MID, C.RESID_POST):
        return Trial(writes, expected)
    return Trial(writes, expected, clean.logits.flip(0) if exchanged else clean.logits)


def _swap_inside(
    component: Component,
    layer: int,
    odd: bool,
    of: Callable[[Component, int, bool], Tensor],
    writes: dict[Site, Tensor],
    expected: dict[Site, Tensor],
    offered: Sequence[Component],
) -> None:
    """Adds one layer's writes and expectations for a component inside a block whose stream is exchanged if `odd`."""
    if component in _ATTENTION_INPUTS:
        # Queries, keys and values of one probe make that probe's attention output, whatever stream they came from.
        writes |= {Site(each, layer): of(each, layer, not odd) for each in _ATTENTION_INPUTS}
        expected[Site(C.Z, layer)] = of(C.Z, layer, not odd)
        return
    if component is C.PATTERN:
        writes |= {Site(each, layer): of(each, layer, not odd) for each in (C.PATTERN, C.V)}
        expected[Site(C.Z, layer)] = of(C.Z, layer, not odd)
        return
    writes[Site(component, layer)] = of(component, layer, not odd)
    if component is C.Z:
        expected[Site(C.ATTN_OUT, layer)] = of(C.ATTN_OUT, layer, not odd)
    elif component is C.MLP_POST:
        expected[Site(C.MLP_OUT, layer)] = of(C.MLP_OUT, layer, not odd)
    elif component is C.ATTN_OUT and C.RESID_MID in offered:
        expected[Site(C.RESID_MID, layer)] = of(C.RESID_PRE, layer, odd) + of(C.ATTN_OUT, layer, not odd)
    else:
        other = C.MLP_OUT if component is C.ATTN_OUT else C.ATTN_OUT
        expected[Site(C.RESID_POST, layer)] = (
            of(C.RESID_PRE, layer, odd) + of(other, layer, odd) + of(component, layer, not odd)
        )
