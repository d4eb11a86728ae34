"""Sweeps against plain hooked passes over whole sequences: every component, every architecture, every way to join."""

from itertools import product

import pytest
import torch

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes import attention, fused
from mediate.passes import unhooked as lean
from mediate.passes.forward import forward
from mediate.passes.interventions import Interventions, Knockout, Patch, Reference, Swap, Values
from mediate.passes.keyvalues import prefill, stacked
from mediate.passes.readers import read
from mediate.passes.sweeps import engine
from mediate.passes.sweeps.engine import branch_logits
from mediate.passes.sweeps.sweep import sweep, untouched
from tests import tiny

C = Component
LENGTH, START, STOP, LAST = 24, 5, 20, 3
LAYERS = tuple(range(tiny.LAYERS))
BOTH = [(architecture, dtype) for architecture in tiny.ARCHITECTURES for dtype in ("float32", "float64")]


def rows(seed: int = 0) -> torch.Tensor:
    """Two sequences that are equal up to STOP."""
    ids = torch.randint(1, 60, (2, LENGTH), generator=torch.Generator().manual_seed(seed))
    ids[1, :STOP] = ids[0, :STOP]
    return ids


def source(model: Model, components: list[Component]) -> Values:
    sites = [Site(component, layer) for component in components for layer in LAYERS]
    kept = forward(model, rows(1)[:1], keep=sites).kept
    return {(Reference.SOURCE, site): value[0] for site, value in kept.items()}


def slowly(model: Model, branches: list[Interventions], values: Values | None = None) -> torch.Tensor:
    """One hooked pass over whole sequences, in which every branch has rows of its own."""
    ids = rows()
    each = [branch for branch in branches for _ in ids]
    logits = forward(model, ids.repeat(len(branches), 1), interventions=each, values=values, last=LAST).logits
    return logits.unflatten(0, (len(branches), len(ids)))


def swept(model: Model, branches: list[Interventions], values: Values | None = None) -> torch.Tensor:
    return sweep(model, untouched(model, rows(), START, STOP), branches, last=LAST, values=values)


def close(found: torch.Tensor, wanted: torch.Tensor, dtype: str) -> None:
    scale = max(1.0, float(wanted.abs().max()))
    torch.testing.assert_close(found, wanted, atol=(1e-10 if dtype == "float64" else 3e-6) * scale, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), BOTH)
@pytest.mark.parametrize("component", list(C))
def test_a_sweep_is_the_full_pass(architecture: str, dtype: str, component: Component) -> None:
    model = tiny.model(architecture, dtype)
    if component in model.refused:
        pytest.skip(f"{architecture} has no {component}")
    values = source(model, [component])
    # Out of order, so that rows must find their way back; from one position and from several.
    branches = [
        (Patch(Site(component, layer), places),)
        for layer, places in product((2, 0, 1), ((7,), (9, 10, 14), (STOP - 1,)))
    ]
    wanted = slowly(model, branches, values)
    close(swept(model, branches, values), wanted, dtype)
    clean = forward(model, rows(), last=LAST).logits
    assert ((wanted - clean).abs().amax(dim=(1, 2, 3)) > 1e-3).sum() >= 4


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_branches_of_several_patches(architecture: str) -> None:
    """Layers and components together, single heads and neurons, beside a branch of one patch."""
    model = tiny.model(architecture)
    values = source(model, [C.K, C.V, C.RESID_PRE, C.MLP_POST, C.Z])
    branches = [
        tuple(Patch(Site(each, layer), (8, 9)) for each in (C.K, C.V) for layer in LAYERS),
        (Patch(Site(C.RESID_PRE, 2), (12,)), Patch(Site(C.Z, 0), (7,), (1, 3))),
        (Patch(Site(C.MLP_POST, 1), (6,), (0, 5, 31)),),
        (Patch(Site(C.K, 1), (6, 8), (1,)),),
    ]
    close(swept(model, branches, values), slowly(model, branches, values), "float32")


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("renormalised", [True, False])
def test_knockouts(architecture: str, renormalised: bool) -> None:
    model = tiny.model(architecture)
    readers = tuple(range(STOP, LENGTH))
    branches = [
        (Knockout(who, (17, 18), (layer,), heads, renormalised),)
        for layer, who, heads in ((1, readers, None), (0, readers[1:], (0, 2)), (2, readers, (3,)), (1, (19, 21), None))
    ]
    found, wanted = swept(model, branches), slowly(model, branches)
    close(found, wanted, "float32")
    assert (wanted[0] - wanted[1]).abs().max() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("queries", [1, 9, 10**6])
def test_knockouts_of_a_long_past(monkeypatch: pytest.MonkeyPatch, architecture: str, queries: int) -> None:
    """Rows side by side against one past, some of them with keys or whole heads' keys hidden, and patches beside."""
    monkeypatch.setattr(attention, "LONG", 1)
    monkeypatch.setattr(attention, "LONG_PAST", 1)
    monkeypatch.setattr(fused, "QUERIES", queries)
    monkeypatch.setattr(fused, "FEW", 1)
    taken: list[int] = []
    own = attention.attention_beside_past
    monkeypatch.setattr(attention, "attention_beside_past", lambda *args: taken.append(len(args[0])) or own(*args))
    model = tiny.model(architecture)
    readers = tuple(range(STOP, LENGTH))
    branches: list[Interventions] = [
        (Knockout(who, keys, layers, heads),)
        for layers, who, keys, heads in (
            ((1,), readers, (17, 18), None),
            ((0,), readers[1:], (6, 7), (0, 2)),
            ((2,), readers, (17, 18), (3,)),
            ((0, 1, 2), readers, tuple(range(1, 16)), None),
            ((1,), (21,), (20,), None),
        )
    ]
    branches.append((Patch(Site(C.RESID_PRE, 1), (STOP,)),))
    values = source(model, [C.RESID_PRE])
    wanted = slowly(model, branches, values)
    close(swept(model, branches, values), wanted, "float32")
    assert taken
    assert (wanted[0] - wanted[1]).abs().max() > 1e-3


@pytest.mark.parametrize(("architecture", "dtype"), BOTH)
def test_swaps_are_keys_and_values_of_ones_own(architecture: str, dtype: str) -> None:
    """Against a pass in which each branch has a copy of its own of everything that it reads."""
    model, ids = tiny.model(architecture, dtype), rows()
    ours, theirs = (prefill(model, each[:1, :STOP])[0] for each in (ids, rows(1)))
    swaps = [
        ((2,), (17,), None),
        ((0,), (15, 18), (1,)),
        ((0, 1, 2), (9, 11, 12), None),
        ((1,), (8,), (0, 1)),
        ((1,), (6,), (0,)),
    ]
    run = untouched(model, ids, STOP, STOP, last=LAST, past=ours)
    found = sweep(model, run, [(Swap(*each),) for each in swaps], last=LAST, other=theirs)
    wanted = []
    for layers, places, heads in swaps:
        keys, values = ours.keys.clone(), ours.values.clone()
        for layer, head in product(layers, heads if heads is not None else range(keys.shape[1])):
            keys[layer, head, list(places)] = theirs.keys[layer, head, list(places)]
            values[layer, head, list(places)] = theirs.values[layer, head, list(places)]
        past = [(key[None], value[None]) for key, value in zip(keys, values, strict=True)]
        wanted.append(read(model, ids[:, STOP:], past, last=LAST))
    close(found, torch.stack(wanted), dtype)
    clean = read(model, ids[:, STOP:], stacked([[ours]]), last=LAST)
    close(run.logits, clean, dtype)
    assert ((torch.stack(wanted) - clean).abs().amax(dim=(1, 2, 3)) > 1e-3).all()


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize(("scores", "mlp"), [(1, 1), (500, 7), (2**30, 2**30)])
def test_stretches_of_any_size(monkeypatch: pytest.MonkeyPatch, architecture: str, scores: int, mlp: int) -> None:
    monkeypatch.setattr(attention, "SCORES", scores)
    monkeypatch.setattr(lean, "MLP_TOKENS", mlp)
    model = tiny.model(architecture)
    values = source(model, [C.RESID_PRE])
    branches = [(Patch(Site(C.RESID_PRE, layer), (8 + layer,)),) for layer in LAYERS]
    close(swept(model, branches, values), slowly(model, branches, values), "float32")


@pytest.mark.parametrize("tokens", [1, 60, 10**6])
def test_groups_of_any_size(monkeypatch: pytest.MonkeyPatch, tokens: int) -> None:
    monkeypatch.setattr(engine, "CPU_TOKENS", tokens)
    model = tiny.model("llama")
    values = source(model, [C.ATTN_OUT])
    branches = [(Patch(Site(C.ATTN_OUT, layer), (place,)),) for place in (8, 6, 7) for layer in LAYERS]
    run, found = untouched(model, rows(), START, STOP), {}
    for number, logits in branch_logits(model, run, branches, last=LAST, values=values):
        assert number not in found
        found[number] = logits
    assert sorted(found) == list(range(len(branches)))
    wanted = slowly(model, branches, values)
    close(torch.stack([found[number] for number in range(len(branches))]), wanted, "float32")


def short_of_memory(most: int, kind: type[RuntimeError], said: str):
    def run(model, run, branches, **options):
        if len(branches) > most:
            raise kind(said)
        return sweep(model, run, branches, **options)

    return run


@pytest.mark.parametrize(
    ("kind", "said"),
    [(torch.OutOfMemoryError, "CUDA out of memory."), (RuntimeError, "DefaultCPUAllocator: not enough memory")],
)
def test_what_does_not_fit_is_halved(monkeypatch: pytest.MonkeyPatch, kind: type[RuntimeError], said: str) -> None:
    model = tiny.model("gpt2")
    values = source(model, [C.RESID_PRE])
    branches = [(Patch(Site(C.RESID_PRE, layer), (place,)),) for place in (8, 9, 10) for layer in LAYERS]
    run = untouched(model, rows(), START, STOP)
    monkeypatch.setattr(engine, "sweep", short_of_memory(2, kind, said))
    found = dict(branch_logits(model, run, branches, last=LAST, values=values))
    close(torch.stack([found[n] for n in range(9)]), slowly(model, branches, values), "float32")
    monkeypatch.setattr(engine, "sweep", short_of_memory(0, kind, said))
    with pytest.raises(InputError, match="one sequence of 24 tokens does not fit"):
        list(branch_logits(model, run, branches, last=LAST, values=values))
    monkeypatch.setattr(engine, "sweep", short_of_memory(0, RuntimeError, "another mistake"))
    with pytest.raises(RuntimeError, match="another mistake"):
        list(branch_logits(model, run, branches, last=LAST, values=values))


def test_bad_branches_are_named() -> None:
    model = tiny.model("llama")
    run, values = untouched(model, rows(), START, STOP), source(model, [C.RESID_PRE])
    for branch, said in (
        ((Patch(Site(C.RESID_PRE, 1), (LENGTH,)),), "position 24 of a sequence of 24"),
        ((Patch(Site(C.RESID_PRE, 1), (8, 9)), Patch(Site(C.RESID_PRE, 1), (9,))), "write position 9"),
        ((Patch(Site(C.Z, 1), (8,)),), "no source values"),
        ((Knockout((21,), tuple(range(22)), (1,)),), "no key"),
    ):
        with pytest.raises(InputError, match=said):
            sweep(model, run, [branch], last=LAST, values=values)
    assert model.plain.config._attn_implementation == "eager"
    assert not any("forward" in vars(module) for module in model.bridge.modules())


def test_a_patch_before_what_is_known_is_refused() -> None:
    model = tiny.model("llama")
    branch = (Patch(Site(C.RESID_PRE, 1), (START - 1,)),)
    with pytest.raises(ValueError, match="before"):
        sweep(model, untouched(model, rows(), START, STOP), [branch], last=LAST, values=source(model, [C.RESID_PRE]))


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize(("dtype", "digits"), [("bfloat16", 8), ("float16", 11)])
def test_half_precision_is_off_by_its_own_rounding(architecture: str, dtype: str, digits: int) -> None:
    """Sweeps and plain passes of one dtype, within a few units of the logits' last digit."""
    model = tiny.model(architecture, dtype)
    values = source(model, [C.RESID_PRE])
    branches = [(Patch(Site(C.RESID_PRE, layer), (7 + layer,)),) for layer in LAYERS]
    found, wanted = swept(model, branches, values).float(), slowly(model, branches, values).float()
    assert found.dtype == wanted.dtype == torch.float32
    assert (found - wanted).abs().max() <= 8 * 2.0**-digits * max(1.0, float(wanted.abs().max()))
    # Not so close that nothing was rounded, and much closer than the patches are apart.
    assert (wanted[0] - wanted[1]).abs().max() > 10 * (found - wanted).abs().max()


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_steered_model_is_swept_as_it_is(architecture: str) -> None:
    """With hooks of someone else's on the bridge, inside attention and outside; swaps are refused there."""
    model = tiny.model(architecture)
    values = source(model, [C.RESID_PRE])
    branches = [(Patch(Site(C.RESID_PRE, layer), (7 + layer,)),) for layer in LAYERS]
    plain = slowly(model, branches, values)
    steer = [
        (Site(each, layer).hook_name, lambda value, hook: 0.5 * value) for each in (C.V, C.PATTERN) for layer in (0, 2)
    ]
    with model.bridge.hooks(fwd_hooks=[*steer, (Site(C.MLP_OUT, 1).hook_name, lambda value, hook: -value)]):
        found, wanted = swept(model, branches, values), slowly(model, branches, values)
        run, other = untouched(model, rows(), START, STOP), prefill(model, rows(1)[:1])[0]
        with pytest.raises(InputError, match="hooks inside attention of layer 2"):
            sweep(model, run, [(Swap((2,), (3,)),)], last=LAST, other=other)
    close(found, wanted, "float32")
    assert (wanted - plain).abs().max() > 1e-2
