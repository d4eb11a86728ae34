"""The self-check passes true models, and can fail: each kind of breakage is caught."""

from dataclasses import replace

import pytest
import torch

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from mediate.models.model import Model, Probe
from mediate.models.sites import Component, Site
from mediate.passes import keyvalues, selfcheck, written
from mediate.passes.selfcheck import checked
from tests import tiny


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_true_models_pass(architecture: str) -> None:
    model = tiny.model(architecture)
    failed = {check.name for check in model.checks if not check.passed}
    assert failed == ({"re-rotated keys"} if architecture == "gpt2" else set())
    assert set(model.refused) == ({Component.RESID_MID} if architecture == "neox" else set())


def unchecked(architecture: str = "llama") -> Model:
    return load(tiny.plain_model(architecture), device="cpu")


def test_other_logits_than_the_plain_models_are_refused() -> None:
    model = unchecked()
    other = replace(model, probe=Probe(model.probe.ids, model.probe.logits + 1e-3))
    with pytest.raises(InputError, match=r"hooked, its logits are off by 0\.001"):
        checked(other)


@pytest.mark.parametrize("component", list(Component))
def test_a_hook_that_does_not_write_is_refused_by_name(component: Component, monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer's write is lost; every component's swap must notice."""
    real, lost = written.forward, Site(component, 1)

    def leaky(model, ids, interventions=(), values=None, *, keep=(), writes=None):
        rows = [[each for each in row if each.site != lost] for row in interventions]
        kept = {site: value for site, value in (writes or {}).items() if site != lost}
        return real(model, ids, rows, values, keep=keep, writes=kept)

    monkeypatch.setattr(written, "forward", leaky)
    model = checked(unchecked())
    assert component in model.refused
    with pytest.raises(InputError, match=f"does not offer {component}"):
        model.need(component)


def test_a_wrong_rotation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = keyvalues.turn
    monkeypatch.setattr(keyvalues, "turn", lambda keys, old, new, frequencies: real(keys, new, old, frequencies))
    assert not checked(unchecked()).check("re-rotated keys").passed


def test_a_lossy_past_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = selfcheck.stacked

    def forgetful(rows):
        return [(keys, torch.zeros_like(values)) for keys, values in real(rows)]

    monkeypatch.setattr(selfcheck, "stacked", forgetful)
    assert not checked(unchecked()).check("answer read from keys and values").passed


def test_a_knockout_that_happens_after_the_fact_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a family's attention computes its output before the hook of its scores fires."""
    real = selfcheck.forward

    def late(model, ids, interventions=(), values=None, **options):
        return real(model, ids, **options)

    monkeypatch.setattr(selfcheck, "forward", late)
    assert not checked(unchecked()).check(selfcheck.KNOCKED_OUT).passed
