"""Trials side by side find what each finds by itself, and one that does not go through costs no other its verdict."""

import pytest
import torch

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes import written
from mediate.passes.forward import ForwardPass, forward
from mediate.passes.selfcheck import checked
from mediate.passes.written import Trial, alone, swapped, together, unchanged
from tests import tiny


def clean_run(model: Model) -> tuple[ForwardPass, tuple[Component, ...]]:
    offered = tuple(each for each in Component if each not in model.refused)
    sites = [Site(component, layer) for component in offered for layer in range(model.facts.layers)]
    return forward(model, model.probe.ids, keep=sites), offered


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_trials_side_by_side_follow_from_the_same_writes(architecture: str) -> None:
    model = tiny.model(architecture, "float64")
    clean, offered = clean_run(model)
    trials = [make(model, clean, each, offered) for each in offered for make in (unchanged, swapped)]
    # What must follow of each is made wrong by another size, so that each pair of deviations has one to compare.
    wrong = [
        Trial(
            trial.writes,
            {site: value + 0.1 * number for site, value in trial.expected.items()},
            None if trial.logits is None else trial.logits + 0.1 * number,
        )
        for number, trial in enumerate(trials, 1)
    ]
    for found, trial in zip(together(model, clean, wrong), wrong, strict=True):
        assert found is not None
        assert float(found.abs().max()) > 1e-3
        assert torch.allclose(found, alone(model, clean, trial), rtol=0, atol=1e-10)


def test_a_trial_that_does_not_go_through_takes_only_its_own_pass_with_it() -> None:
    model = tiny.model("llama")
    clean, offered = clean_run(model)
    good = unchanged(model, clean, Component.RESID_PRE, offered)
    bad = Trial({Site(Component.RESID_PRE, 0): torch.zeros(2, 3, 1)})
    first, *others = together(model, clean, [bad, *[good] * written.TRIALS_A_PASS])
    assert first is None
    assert others[:-1] == [None] * (written.TRIALS_A_PASS - 1)
    assert float(others[-1].abs().max()) < 1e-4
    assert together(model, clean, [None]) == [None]


def test_what_is_off_side_by_side_is_decided_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    real = written.forward

    def crowded(model, ids, interventions=(), *rest, **options):
        if len(ids) > 2:
            raise InputError("no more than two rows")
        return real(model, ids, interventions, *rest, **options)

    monkeypatch.setattr(written, "forward", crowded)
    model = checked(tiny.model("llama"))
    assert not model.refused
    assert len([check for check in model.checks if check.component is not None]) == 2 * len(Component)
