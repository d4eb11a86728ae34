"""What `mediate check` runs: planted models of two steps are measured right, and what is wrong is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mediate.checks import run as sanity
from mediate.checks.claims import Identity, Size
from mediate.checks.identities import IDENTITIES
from mediate.checks.planted_gates import TWO_STEPS, TwoSteps, two_step_model
from mediate.checks.run import TOLERANCE, Finding, limits_of, measure_two_steps, random_states, tried
from mediate.cli import app
from mediate.errors import InputError
from mediate.models.sites import Component
from tests import tiny


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("planted", TWO_STEPS, ids=lambda planted: planted.name)
def test_planted_models_of_two_steps_give_their_closed_forms(planted: TwoSteps, dtype: str) -> None:
    found = measure_two_steps(planted, dtype)
    assert found.passed, found


@pytest.mark.parametrize(
    ("name", "changes", "where"),
    [
        ("self-repair", {"repair": 0.5}, "in noising v of layers 1"),
        ("conjunction", {"low": 0.5}, "in interaction"),
        ("unequal redundant steps", {"text": 0.25}, "in denoising resid_pre of layers 0"),
    ],
)
def test_a_model_that_is_not_what_it_says_fails(monkeypatch, name: str, changes: dict, where: str) -> None:
    planted = next(each for each in TWO_STEPS if each.name == name)
    monkeypatch.setattr(sanity, "two_step_model", lambda _, dtype: two_step_model(replace(planted, **changes), dtype))
    found = measure_two_steps(planted, "float64")
    assert not found.passed
    assert str(found).endswith(where)


def test_findings_pass_on_the_right_side() -> None:
    assert Finding("a", 1e-3, 1e-3).passed
    assert not Finding("a", 2e-3, 1e-3).passed
    assert Finding("a", 2e-3, 1e-3, differs=True).passed
    assert not Finding("a", 1e-3, 1e-3, differs=True).passed
    for differs in (False, True):
        assert not Finding("a", float("nan"), 1e-3, differs).passed
        assert Finding("a", float("nan"), 1e-3, differs, gated=False).passed
    assert str(Finding("a", 2e-3, 1e-3)).startswith("FAIL a ")
    untried = Finding("a", float("nan"), 1.0, gated=False, detail="does not apply: b")
    assert str(untried).split() == ["--", "a", "does", "not", "apply:", "b"]
    assert str(Finding("a", 0.0, 0.0)).endswith("0.0e+00  (at most 0)")


def test_what_a_model_lacks_is_not_tried_and_said() -> None:
    model = replace(tiny.model("llama"), refused={Component.V: "for the test"})
    found = {each.name: each for each in tried(model)}
    assert "does not apply: v is not offered" in str(found["all keys and values are TIE"])
    assert all(each.passed for each in found.values())
    assert len(found) == len(IDENTITIES) + 1


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3", "neox"])
def test_identities_hold_on_other_architectures(architecture: str) -> None:
    found = list(tried(tiny.model(architecture)))
    assert [each for each in found if not each.passed] == []
    assert all(each.error > 1e-3 for each in found if each.differs)


def test_an_identity_that_breaks_off_fails_with_the_reason(monkeypatch) -> None:
    def refuse(model, pair) -> float:
        raise InputError("no such thing")

    def draw(model, pair) -> float:
        torch.rand(1)
        np.random.rand()
        return 1.0

    monkeypatch.setattr(sanity, "IDENTITIES", (Identity("a", refuse), Identity("b", draw, Size.DIFFERENT)))
    state = torch.random.get_rng_state()
    with torch.random.fork_rng(devices=[]):
        one, other, random = tried(tiny.model("llama"))
        assert not torch.equal(state, torch.random.get_rng_state())
    assert not one.passed
    assert "no such thing" in str(one)
    assert not other.gated
    assert not random.passed


def test_random_states_see_either_generator() -> None:
    before = random_states()
    assert random_states() == before
    with torch.random.fork_rng(devices=[]):
        torch.rand(1)
        assert random_states() != before
    assert random_states() == before
    kept = np.random.get_state()
    np.random.rand()
    assert random_states() != before
    np.random.set_state(kept)


def test_limits_grow_with_the_logits_but_not_for_shares() -> None:
    model = tiny.model("llama")
    larger = replace(model, probe=replace(model.probe, logits=model.probe.logits * 100))
    one, other = limits_of(model), limits_of(larger)
    assert other[Size.ROUNDED] > 50 * one[Size.ROUNDED] / max(1.0, 1 / float(model.probe.logits.abs().max()))
    assert {kind for kind in Size if one[kind] == other[kind]} == set(Size) - {Size.ROUNDED}
    assert one[Size.EXACT] == 0


def test_sections_leave_the_number_of_threads_alone(monkeypatch) -> None:
    monkeypatch.setattr(sanity, "TINY", sanity.TINY[1:])
    threads = torch.get_num_threads()
    headings = [heading for heading, _ in sanity.sections()]
    assert torch.get_num_threads() == threads
    assert len(headings) == len(set(headings)) == 3


@pytest.mark.parametrize(("error", "code"), [(0.0, 0), (1.0, 1)])
def test_a_failure_is_exit_code_1(monkeypatch, error: float, code: int) -> None:
    monkeypatch.setattr(sanity, "sections", lambda: iter([("heading", [Finding("statement", error, 0.5)])]))
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == code
    assert "heading" in done.output
    assert ("FAIL" in done.output) == bool(code)
