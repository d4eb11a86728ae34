"""The identities that are tried on every loaded model; a component that fails one is refused by name.

Two probes of eight tokens run side by side. A write swaps their activations in every other layer, so that each layer's
write has an effect of its own, and what must follow from it is compared layer by layer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from mediate.clock import stage
from mediate.errors import InputError
from mediate.models.model import Check, Model
from mediate.models.sites import Component, Site
from mediate.models.steering import reading
from mediate.models.trial import tried_hooked
from mediate.models.turning import sine_table
from mediate.passes.forward import ForwardPass, forward
from mediate.passes.interventions import Knockout, Patch, Reference, Values
from mediate.passes.keyvalues import has_rotary, prefill, rotated, stacked
from mediate.passes.one_pass import one_pass
from mediate.passes.readers import read
from mediate.passes.sweeps.sweep import sweep, untouched
from mediate.passes.turning import with_turnings
from mediate.passes.unhooked import LEAN, lean_blocks
from mediate.passes.written import FAILURES, Trial, alone, swapped, together, unchanged

C = Component
KNOCKED_OUT = "knocked-out keys are not read"
SWEPT = "patched from a later block and position on"
FLOAT32 = torch.finfo(torch.float32).eps
AFTER_THE_FACT = "what is written to its scores, or to its mask, does not decide what attention reads: "
NOT_A_TURN = "keys and values elsewhere are more than a turn away from these: "
# By the name of the check: what must follow when a component is written in every layer.
WRITES = (("written back unchanged", unchanged), ("full swap", swapped))


@stage("checking models")
def checked(model: Model) -> Model:
    """The model with its self-check done: every identity with the error found, and the components it refuses.

    Raises:
        InputError: The hooked model's logits are not the plain model's, so that nothing measured on it would be true.
    """
    layers, hooks = range(model.facts.layers), set(model.bridge.hook_dict)
    offered = tuple(each for each in Component if all(Site(each, layer).hook_name in hooks for layer in layers))
    sites = [Site(component, layer) for component in offered for layer in layers]
    clean = tried_hooked(model, lambda: forward(model, model.probe.ids, keep=sites))
    model = with_turnings(model)
    checks = [
        _attempt(model, "logits as in transformers", None, clean.logits, lambda: clean.logits - model.probe.logits),
        _attempt(model, "resumed at a block", None, clean.logits, partial(_resume, model, clean)),
        _attempt(model, "answer read from keys and values", None, clean.logits, partial(_cut, model, clean)),
        _attempt(model, LEAN, None, clean.logits, partial(_lean, model, clean)),
        _attempt(model, SWEPT, None, clean.logits, partial(_swept, model, clean)),
        _attempt(model, "re-rotated keys", None, None, partial(_rotation, model), NOT_A_TURN),
        _attempt(model, KNOCKED_OUT, None, clean.logits, partial(_blind, model), AFTER_THE_FACT),
    ]
    if not checks[-1].passed:
        masked = replace(model, masked=True)
        again = _attempt(masked, KNOCKED_OUT, None, clean.logits, partial(_blind, masked), AFTER_THE_FACT)
        if again.passed:
            model, checks = masked, [*checks[:-1], again]
    if not checks[0].passed:
        raise InputError(
            f"model {model.facts.name!r} ({model.facts.architecture}): hooked, its logits are off by "
            f"{checks[0].error:.3g} (at most {checks[0].tolerance:.1g} is rounding): transformer-lens misreads it"
        )
    refused = {
        component: "the architecture has no such hook point" for component in Component if component not in offered
    }
    for check in _writes(model, clean, offered):
        checks.append(check)
        if check.component is not None and not check.passed and check.component not in refused:
            why = check.detail or "more than rounding"
            refused[check.component] = f"at load, {check.name!r} was off by {check.error:.3g} ({why})"
    return replace(model, checks=tuple(checks), refused=refused)


def _attempt(
    model: Model,
    name: str,
    component: Component | None,
    scale: Tensor | None,
    deviation: Callable[[], Tensor],
    meaning: str = "",
) -> Check:
    """Runs one identity; its deviation is relative where no scale is given, else absolute against the scale's size.

    Relative deviations are of rotary keys through all layers, where rounding adds up; a wrong rotation is off by
    about 1. `meaning` is what a deviation that is too large says.
    """
    rounding = model.rounding
    if scale is None:
        # A table of angles is of float32 whatever the model is kept in.
        tolerance = 1024 * (rounding if sine_table(model.plain) is None else max(rounding, FLOAT32))
    else:
        tolerance = rounding * max(1.0, float(scale.abs().max())) * (64 if rounding < 1e-5 else 8)
    try:
        error = float(deviation().abs().max())
    except FAILURES as failure:
        return Check(name, component, float("inf"), tolerance, " ".join(str(failure).split())[:200])
    return Check(name, component, error, tolerance, "" if error <= tolerance else f"{meaning}off by {error:.3g}")


def _writes(model: Model, clean: ForwardPass, offered: Sequence[Component]) -> Iterator[Check]:
    """Of every component, what must follow when it is written; what is off beside others is tried by itself."""
    named = [
        (partial(_attempt, model, name, component, clean.logits), partial(make, model, clean, component, offered))
        for component in offered
        for name, make in WRITES
    ]
    beside = together(model, clean, [_made(make) for _, make in named])
    for (attempt, make), off in zip(named, beside, strict=True):
        check = None if off is None else attempt(off.clone)
        yield check if check is not None and check.passed else attempt(partial(_by_itself, model, clean, make))


def _by_itself(model: Model, clean: ForwardPass, make: Callable[[], Trial]) -> Tensor:
    return alone(model, clean, make())


def _made(make: Callable[[], Trial]) -> Trial | None:
    try:
        return make()
    except FAILURES:
        return None


def _resume(model: Model, clean: ForwardPass) -> Tensor:
    middle = model.facts.layers // 2
    with torch.no_grad(), reading(model, model.probe.ids):
        return one_pass(model, clean.kept[Site(C.RESID_PRE, middle)], first=middle) - clean.logits


def _cut(model: Model, clean: ForwardPass) -> Tensor:
    """The last tokens, reading the keys and values of the first ones, say what they say in the full pass."""
    ids, split = model.probe.ids, model.probe.ids.shape[1] - 3
    past = stacked([[stretch] for stretch in prefill(model, ids[:, :split])])
    return read(model, ids[:, split:], past, last=3) - clean.logits[:, split:]


def _lean(model: Model, clean: ForwardPass) -> Tensor:
    """Without hook points, in one go and in the shortest stretches."""
    with torch.no_grad(), lean_blocks(model, ()):
        logits = one_pass(model, model.probe.ids)
    return torch.cat([(logits - clean.logits).flatten(), _same_past(model, clean)])


def _same_past(model: Model, clean: ForwardPass) -> Tensor:
    """Without hook points, keys and values are kept as with them: what one way leaves, the other reads.

    transformer-lens lays the channels of some families out in another order than transformers.
    """
    ids, size = model.probe.ids[:1], max(1.0, float(clean.logits.abs().max()))
    lean = replace(model, checks=(Check(LEAN, None, 0.0, 0.0),))
    (hooked,), (other,) = prefill(replace(model, checks=()), ids), prefill(lean, ids)
    pairs = (hooked.keys, other.keys), (hooked.values, other.values)
    return torch.cat([((one - two) / max(1.0, float(one.abs().max())) * size).flatten() for one, two in pairs])


def _swept(model: Model, clean: ForwardPass) -> Tensor:
    """Patches of two layers, at a later position, branch off from the untouched run as they come out of a full pass."""
    ids, layers = model.probe.ids[:1], sorted({model.facts.layers // 2, model.facts.layers - 1})
    at = model.probe.ids.shape[1] - 4
    sites = [Site(C.RESID_PRE, layer) for layer in layers]
    values: Values = {(Reference.SOURCE, site): clean.kept[site][1] for site in sites}
    patches = [(Patch(site, (at,)),) for site in sites]
    run = untouched(model, ids, 1, at)
    found = sweep(model, run, patches, last=2, values=values)[:, 0]
    off = found - forward(model, ids.repeat(len(sites), 1), patches, values, last=2).logits
    return torch.cat([off.flatten(), _same_past(model, clean)])


def _blind(model: Model) -> Tensor:
    """Where no later query may read a position, the later logits do not depend on the token that stands there."""
    first, last = model.probe.ids[:1], model.probe.ids.shape[1] - 1
    ids = first.repeat(2, 1)
    ids[1, 1] = (ids[0, 1] + 1) % model.facts.d_vocab
    cut = Knockout(tuple(range(2, last + 1)), (1,), tuple(range(model.facts.layers)))
    logits = forward(model, ids, [[cut], [cut]]).logits
    return logits[0, 2:] - logits[1, 2:]


def _rotation(model: Model) -> Tensor:
    """Keys turned to later positions are the keys computed there, and values are the same; relative to the largest."""
    shift = 11
    here, there = (prefill(model, model.probe.ids[:1], start=start)[0] for start in (0, shift))
    turned = rotated(model, here, shift)

    def relative(found: Tensor, wanted: Tensor) -> Tensor:
        size = wanted.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(torch.finfo(wanted.dtype).tiny)
        return ((found - wanted) / size).flatten()

    off = [relative(turned.keys, there.keys), relative(turned.values, there.values)]
    if model.turnings and all(how.still for how in model.turnings):
        off.append(relative(*_among_others(model)))
    return torch.cat(off)


def _among_others(model: Model) -> tuple[Tensor, Tensor]:
    """Keys of the first layer that do not turn, behind other tokens and alone: equal where places really mean nothing.

    A model that counts its positions itself would show the same keys wherever it is told that they stand.
    """
    if has_rotary(model):
        raise InputError("it counts positions itself, so its keys cannot be had at others")
    other, ids = model.probe.ids[1:], model.probe.ids[:1]
    alone, behind = prefill(model, ids)[0], prefill(model, torch.cat([other, ids], dim=1))[0]
    return behind.part(other.shape[1], len(behind)).keys[:1], alone.keys[:1]
