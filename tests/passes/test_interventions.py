"""A verb of one's own, from outside the package: it is patched, swept and refused as those of the package are."""

import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.outcomes import USUAL
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.hooks import bridge_hooks
from mediate.passes.interventions import (
    Interventions,
    Knockout,
    Patch,
    Reference,
    Swap,
    Values,
    Write,
    first_layer,
    first_position,
)
from mediate.passes.sweeps.sweep import sweep, untouched
from tests import tiny
from tests.mediation.kinds.test_state import pair_of

C = Component
LENGTH, START, STOP, LAST = 14, 3, 11, 2
PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example() -> ModuleType:
    """The file that CONTRIBUTING.md adds, as it stands there."""
    found = re.search(r"```python\n# new file: mediate/passes/(\w+)\.py\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    module = ModuleType(found[1])
    exec(compile(found[2], f"CONTRIBUTING.md: {found[1]}", "exec"), vars(module))
    return module


Steer: Any = example().Steer


@dataclass(frozen=True, slots=True)
class Scale:
    """An activation times a factor, for some units; it takes no values."""

    site: Site
    positions: tuple[int, ...]
    factor: float
    units: tuple[int, ...] | None = None

    def actions(self) -> tuple[Write]:
        return (Write(self.site, self.positions, self.units, new=lambda now: self.factor * now),)


def ids() -> Tensor:
    return torch.randint(1, 60, (1, LENGTH), generator=torch.Generator().manual_seed(0))


def directions(model: Model) -> Values:
    """A direction at every position of each residual stream, and the activations of another sequence."""
    draw = torch.Generator().manual_seed(1)
    sites = [Site(each, layer) for each in (C.RESID_PRE, C.RESID_MID, C.RESID_POST) for layer in range(tiny.LAYERS)]
    sites = [site for site in sites if site.component not in model.refused]
    values = {
        ("direction", site): torch.randn(model.facts.d_model, generator=draw).to(model.dtype).expand(LENGTH, -1)
        for site in sites
    }
    kept = forward(model, ids().flip(1), keep=sites).kept
    return values | {(Reference.SOURCE, site): value[0] for site, value in kept.items()}


def by_hand(model: Model, hooks: dict[str, Any]) -> Tensor:
    """Logits of transformer-lens' own call, with what each hook returns in place."""
    places = torch.arange(LENGTH)[None]
    found: Tensor = model.bridge.run_with_hooks(
        ids(),
        fwd_hooks=[(name, lambda value, hook, act=act: act(value)) for name, act in hooks.items()],
        return_type="logits",
        position_ids=places,
    )
    return found


@pytest.mark.parametrize("architecture", ["llama", "neox"])
def test_a_pass_does_what_the_verb_says(architecture: str) -> None:
    model = tiny.model(architecture)
    values, stream, heads = directions(model), Site(C.RESID_POST, 0), Site(C.Z, 1)

    def steered(value: Tensor) -> Tensor:
        value = value.clone()
        value[0, [4, 6]] += 3.0 * values["direction", stream][[4, 6]]
        return value

    def scaled(value: Tensor) -> Tensor:
        value = value.clone()
        value[0, 5, [0, 2]] *= 0.5
        return value

    row = (Steer(stream, (4, 6), 3.0), Scale(heads, (5,), 0.5, (0, 2)))
    wanted = by_hand(model, {stream.hook_name: steered, heads.hook_name: scaled})
    clean = by_hand(model, {})
    assert torch.equal(forward(model, ids(), [row], values).logits, wanted)
    assert (wanted - clean)[:, 4:].abs().max() > 1e-2
    assert torch.equal(wanted[:, :4], clean[:, :4])
    hooks = bridge_hooks(model, [row], values)
    with model.bridge.hooks(fwd_hooks=hooks):
        assert torch.equal(by_hand(model, {}), wanted)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_sweep_of_it_is_the_full_pass(architecture: str, dtype: str, tolerance: float) -> None:
    """Beside patches and knockouts, in rows of their own and in one row; `resid_mid` too, which needs two hooks.

    In float32 a Llama's logits of 4 differ by 1.3e-5 on some processors, in float64 by 1e-14: that is rounding.
    """
    model = tiny.model(architecture, dtype)
    values, mid = directions(model), Site(C.RESID_MID, 1)
    at = mid if mid.component not in model.refused else Site(C.RESID_PRE, 1)
    branches: list[Interventions] = [
        (Steer(at, (8,), 2.0),),
        (Patch(at, (5,)), Scale(Site(C.V, 0), (6, 7), 0.0, (0,))),
        (Knockout((11, 12), (9,), (2,)), Steer(Site(C.RESID_POST, 1), (9,), -4.0)),
        (Patch(at, (8,)), Steer(at, (8,), 2.0), Scale(at, (8,), 0.5)),
    ]
    run = untouched(model, ids(), START, STOP)
    found = sweep(model, run, branches, last=LAST, values=values)[:, 0]
    wanted = forward(model, ids().repeat(len(branches), 1), branches, values, last=LAST).logits
    torch.testing.assert_close(found, wanted, atol=tolerance, rtol=0)
    assert ((wanted - run.logits[:, -LAST:]).abs().amax(dim=(1, 2)) > 1e-3).all()


def test_one_after_the_other_in_one_place() -> None:
    """Writes of one row are made in its order, each on what those before it left."""
    model = tiny.model("llama")
    values, site = directions(model), Site(C.RESID_PRE, 1)
    there, direction = values[Reference.SOURCE, site][5], values["direction", site][5]
    rows = [
        (Patch(site, (5,)), Steer(site, (5,), 2.0), Scale(site, (5,), 3.0)),
        (Patch(site, (5,)), Scale(site, (5,), 3.0), Steer(site, (5,), 2.0)),
    ]
    kept = forward(model, ids().repeat(2, 1), rows, values, keep=[site]).kept[site][:, 5]
    assert torch.equal(kept[0], 3.0 * (there + 2.0 * direction))
    assert torch.equal(kept[1], 3.0 * there + 2.0 * direction)


def test_outcomes_of_it_are_those_of_plain_passes() -> None:
    """And one that no reader can hear of, in the last block, is not run and changes exactly nothing."""
    model, pair = tiny.model("qwen3", "float64"), pair_of("qwen3")
    run = sequences(model, pair, 1, USUAL)
    at = run.start + 1
    rows = [(Scale(Site(C.RESID_PRE, 1), (at,), 4.0),), (Scale(Site(C.Z, tiny.LAYERS - 1), (at,), 4.0),)]
    here, y = branched_outcomes(model, run, USUAL, rows, {}, branching_point(model, run, USUAL))
    slow = outcomes_under(model, run, USUAL, [(), *rows], {})
    assert abs(y - slow[:, 1:]).max() < 1e-10
    assert abs(here - slow[:, 0]).max() < 1e-10
    assert abs(here - y[:, 0]).min() > 1e-4
    assert (y[:, 1] == here).all()


def test_where_it_begins_follows_from_what_it_does() -> None:
    row = (Scale(Site(C.Z, 2), (7, 9), 0.5), Knockout((8,), (1,), (1, 2)))
    assert (first_layer(row), first_position(row)) == (1, 7)
    assert (first_layer(row[:1]), first_position(row[1:])) == (2, 8)
    swap = (Swap((2, 3), (0, 1)),)
    assert (first_layer(swap), first_position(swap)) == (2, None)


SITE = Site(C.RESID_PRE, 1)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([Scale(SITE, (LENGTH,), 2.0)], "position 14 of a sequence of 14 tokens"),
        ([Scale(Site(C.Z, 1), (2,), 2.0, (4,))], "head 4; there are 0 to 3"),
        ([Scale(Site(C.Z, 9), (2,), 2.0)], "has layers 0 to 2"),
        ([Scale(SITE, (2,), float("inf"))], "is NaN or infinite at positions"),
        ([Steer(SITE, (2,), 1.0, by="nowhere")], "no nowhere values for this site"),
        ([Steer(Site(C.Z, 1), (2,), 1.0)], "no direction values for this site"),
        ([Patch(SITE, (2,)), Patch(SITE, (2, 3))], "two patches of one row write position 2"),
        ([Swap((0,), (1,))], "this pass shares no past"),
    ],
)
def test_what_cannot_be_done_is_refused(row: Interventions, said: str) -> None:
    model = tiny.model("llama")
    with pytest.raises(InputError, match=said):
        forward(model, ids(), [row], directions(model))


def test_a_write_of_another_shape_or_of_nothing_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Halved:
        def actions(self) -> tuple[Write]:
            return (Write(SITE, (2,), new=lambda now: now[..., :16]),)

    with pytest.raises(InputError, match=r"blocks.1.hook_resid_pre: the written value has shape \(1, 16\)"):
        forward(tiny.model("llama"), ids(), [[Halved()]])
    with pytest.raises(InputError, match="nothing to write"):
        Write(SITE, (2,))


def test_swaps_without_other_keys_and_values_are_refused() -> None:
    model = tiny.model("llama")
    run = untouched(model, ids(), STOP, STOP)
    with pytest.raises(InputError, match="there are no others"):
        sweep(model, run, [(Swap((0,), (1,)),)], last=LAST)
    with pytest.raises(InputError, match="swap: positions 11; there are 0 to 10"):
        sweep(model, run, [(Swap((0,), (STOP,)),)], last=LAST, other=run.before)
