"""Outcomes of a run under many interventions, by sweeps that branch off from it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.mediation.names import WHOLE_RUN
from mediate.mediation.outcomes import Outcome, narrowed, read_off
from mediate.mediation.sequences import Sequences, outcomes_under
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.passes import Untouched, branch_logits, untouched
from mediate.passes.interventions import Interventions, Patch, Reference, Values, Write, actions_of
from mediate.passes.keyvalues import KeyValues
from mediate.passes.selfcheck import SWEPT


def branched_outcomes(
    model: Model,
    run: Sequences,
    outcomes: Sequence[Outcome],
    branches: Sequence[Interventions],
    values: Values,
    clean: Untouched | None,
    own: Values | None = None,
) -> tuple[Float[np.ndarray, " outcome"], Float[np.ndarray, "outcome branch"]]:
    """Each outcome of the run as it is, and under each set of interventions, in nats.

    Equal to `outcomes_under` but for rounding, at a fraction of the work; a model that failed the self-check of sweeps
    takes that way. Patches after which no reader looks back are not run, and neither are those that put in place what
    is there: their outcome is exactly that of the run.

    Args:
        model: The hooked model.
        run: The sequence that is intervened on.
        outcomes: What to read off; several come from the same passes.
        branches: The interventions, at positions of the chain or later.
        values: What they put in place, in the sequence's own coordinates.
        clean: What they branch off from, from `branching_point`.
        own: The run's own activations under `Reference.SOURCE`, of all that patches are at; without, any patch is new.
    """
    new = [place for place, each in enumerate(branches) if own is None or moves(each, values, own)]
    if clean is None:
        found = outcomes_under(model, run, outcomes, [(), *(branches[place] for place in new)], values)
        y = np.repeat(found[:, :1], len(branches), axis=1)
        y[:, new] = found[:, 1:]
        return found[:, 0], y
    readout, wanted = narrowed(run.readout, outcomes)
    if any(outcome.against == WHOLE_RUN for outcome in outcomes):
        readout = replace(readout, whole=clean.logits)
    here = np.array([read_off(readout, clean.logits, outcome) for outcome in outcomes])
    y = np.repeat(here[:, None], len(branches), axis=1)
    heard = [place for place in new if _is_heard(model, run, branches[place])]
    some = [branches[place] for place in heard]
    for place, logits in branch_logits(model, clean, some, last=readout.last, values=values, tokens=wanted):
        y[:, heard[place]] = [read_off(readout, logits, outcome) for outcome in outcomes]
    return here, y


def branching_point(
    model: Model, run: Sequences, outcomes: Sequence[Outcome], past: KeyValues | None = None
) -> Untouched | None:
    """The run as it is, from the chain on: what `branched_outcomes` branches off from; None where it may not.

    Args:
        model: The hooked model.
        run: The sequence that is intervened on.
        outcomes: What to read off.
        past: Keys and values of question and chain, where they are known and nothing branches off before the readers.
    """
    if not model.check(SWEPT).passed:
        return None
    readout, wanted = narrowed(run.readout, outcomes)
    start = run.start if past is None else run.stop
    return untouched(model, run.ids, start, run.stop, last=readout.last, past=past, tokens=wanted)


def moves(branch: Interventions, values: Values, own: Values) -> bool:
    """Whether anything is put in place but the run's own activations, which `own` has as a source's."""
    return any(
        not isinstance(each, Patch) or _differs(values[each.by, each.site], own[Reference.SOURCE, each.site], each)
        for each in branch
    )


def _differs(value: Tensor, own: Tensor, patch: Patch) -> bool:
    """Whether a patch changes anything; units beside its own do not count."""
    if patch.site.component is Component.PATTERN:  # its heads come before its positions
        value, own = value.transpose(0, 1), own.transpose(0, 1)
    value, own = value[list(patch.positions)], own[list(patch.positions)]
    if patch.units is not None:
        if max(patch.units) >= value.shape[1]:
            return True  # what is not there is refused where it is patched
        value, own = value[:, list(patch.units)], own[:, list(patch.units)]
    return not torch.equal(value, own)


def _is_heard(model: Model, run: Sequences, branch: Interventions) -> bool:
    """Whether anything that is intervened on can reach the readers at all.

    In the last block the readers look back through keys and values alone. Of what is written there at earlier
    positions, they see only those, and the stream that enters the block, which they come from.
    """
    carried = (Component.RESID_PRE, Component.K, Component.V)
    return any(
        not isinstance(each, Write)
        or each.site.layer < model.facts.layers - 1
        or each.site.component in carried
        or each.positions[-1] >= run.stop
        for each in actions_of(branch)
    )
