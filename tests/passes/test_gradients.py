"""Blocks that are run again on the way back give the gradients of those that are held."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes import gradients as gradients_module
from mediate.passes import recomputing
from mediate.passes.gradients import Route, dropped_gradients, gradients
from mediate.passes.keyvalues import prefill, stacked
from tests import tiny

IDS, QUESTION = torch.arange(1, 15)[None], 4


def outcome(logits: Tensor) -> Tensor:
    return logits[0, -1, 3] - logits[0, -1, 4]


def every_way(model: Model, sites: list[Site]) -> Iterator[dict[Site, Tensor]]:
    past = stacked([[prefill(model, IDS[:, :QUESTION])[0]]])
    chain = IDS[:, QUESTION:]
    yield gradients(model, IDS, sites, outcome, last=1)
    yield gradients(model, chain, sites, outcome, last=1, past=past)
    yield gradients(model, chain, sites, outcome, last=1, past=past, route=Route(lambda value: 0.5 * value))
    yield from dropped_gradients(model, chain, sites, outcome, last=1, past=past)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_blocks_run_again_change_no_gradient(monkeypatch: pytest.MonkeyPatch, architecture: str) -> None:
    """Not one bit: the same sums are made twice; a past that grew, or a hook that is gone, would show."""
    model = tiny.model(architecture)
    sites = [Site(each, layer) for each in Component if each not in model.refused for layer in range(3)]
    held = list(every_way(model, sites))
    kept: list[int] = []
    monkeypatch.setattr(gradients_module, "LONG", 1)
    monkeypatch.setattr(recomputing, "checkpoint", lambda *args, **told: kept.append(1) or checkpoint(*args, **told))
    again = list(every_way(model, sites))
    assert len(kept) == 4 * model.facts.layers
    for before, after in zip(held, again, strict=True):
        for site in sites:
            assert torch.equal(before[site], after[site]), site
            assert before[site].isfinite().all()
    assert held[0][sites[0]].abs().max() > 1e-4


def test_the_blocks_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients_module, "LONG", 1)
    model = tiny.model("llama")

    def fail(logits: Tensor) -> Tensor:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        gradients(model, IDS, [Site(Component.RESID_PRE, 1)], fail, last=1)
    assert not any("forward" in vars(module) for module in model.bridge.modules())
    assert not any(point.fwd_hooks for point in model.bridge.hook_dict.values())
