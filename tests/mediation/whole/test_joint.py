"""What all cells of a map do at once, beside what each does: planted gates in closed form, and where it is kept."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mediate
from mediate.checks.planted_gates import TWO_STEPS, TwoSteps, two_step_model
from mediate.mediation.cells import Cell
from mediate.mediation.kinds.state import Direction, state_effects
from mediate.models.sites import Component
from mediate.report.analysis import joint_effects
from mediate.results.maps import EffectMap
from tests import tiny
from tests.mediation.test_twin_states import PAIRS

QUICK: dict[str, Any] = {"control_pairs": 0, "progress": False}
NAMES = {each.name: each for each in TWO_STEPS}
# No gate: what both steps do adds up.
ADDITIVE = TwoSteps("additive", text=1.0, passed=2.0, chains=((2, 3), (4, 5)))


def prepared(planted: TwoSteps) -> Any:
    plain, tokenizer = two_step_model(planted)
    return mediate.prepare(mediate.load(plain, tokenizer=tokenizer, device="cpu"), planted.pair(), store=False)


@pytest.mark.parametrize(
    ("planted", "ratio"), [(NAMES["redundant steps"], 0.0), (NAMES["conjunction"], 2.0), (ADDITIVE, 1.0)]
)
def test_either_both_and_a_sum(planted: TwoSteps, ratio: float) -> None:
    """The planted OR loses nothing with one step alone, the planted AND all of it with either; INT is what is left."""
    item = prepared(planted)
    found = item.map("state.resid_pre:step")
    assert found.joint is not None
    assert found.joint == pytest.approx(planted.cube()[1, 1, 1] - planted.cube()[1, 0, 0], abs=1e-9)
    assert found.values.sum() / found.joint == pytest.approx(ratio, abs=1e-9)
    interaction = item.map("interaction:step,later").values[0, 1]
    assert interaction == pytest.approx(planted.interaction(), abs=1e-9)
    assert interaction == pytest.approx(found.joint * (1 - ratio), abs=1e-9)


@pytest.mark.parametrize(
    "name", ["state.z:step", "state.v.denoising:step,layer", "ablate.zero.z:layer", "knockout:step"]
)
def test_it_is_the_effect_of_the_whole_chain_in_all_layers(name: str) -> None:
    model = tiny.model("llama", "float64")
    item = mediate.prepare(model, PAIRS[0], store=False)
    found = item.map(name)
    everything = [Cell(tuple(range(len(item.tokens.trace.ids))), tuple(range(model.facts.layers)))]
    whole = {
        "state.z:step": lambda: state_effects(model, item.tokens, [Component.Z], everything, item.outcomes),
        "state.v.denoising:step,layer": lambda: state_effects(
            model, item.tokens, [Component.V], everything, item.outcomes, Direction.DENOISING
        ),
        "ablate.zero.z:layer": lambda: item.ablation(["z"], "zero", everything).effects,
        "knockout:step": lambda: item.knockout(everything),
    }[name]()
    assert found.joint == pytest.approx(float(whole[0, 0]), abs=1e-10)
    assert abs(found.joint or 0) > 1e-6


def test_of_what_is_hidden_it_is_tie() -> None:
    model = tiny.model("llama", "float64")
    item = mediate.prepare(model, PAIRS[0].base, store=False)
    found = item.map("knockout:step")
    assert found.joint == pytest.approx(float(item.y[0, 1, 1, 1] - item.y[0, 1, 0, 0]), abs=1e-10)


def test_a_run_keeps_it_in_its_tables_and_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    model, maps = tiny.model("llama"), ["state.z:step", "read:step"]
    first = mediate.score(model, PAIRS, maps=maps, out=tmp_path / "run", **QUICK).results
    joints = {(each.item, each.kind): each.joint for each in first.maps}
    assert all((joint is not None) == (kind == "state.z") for (_, kind), joint in joints.items())
    for results in (mediate.open(tmp_path / "run").results, mediate.score(model, PAIRS, maps=maps, **QUICK).results):
        for each in results.maps:
            assert each.joint == joints[each.item, each.kind]
    reads = [each for each in first.maps if each.kind == "read"]
    ties = first.cube().y[:, 1, 1, 1] - first.cube().y[:, 1, 0, 0]
    assert joint_effects(first.cube(), reads) == pytest.approx(ties.tolist())


def test_what_was_stored_without_it_is_right_in_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.scoring import scored as module

    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    model = tiny.model("llama")

    def maps() -> tuple[EffectMap, ...]:
        found: tuple[EffectMap, ...] = mediate.score(model, PAIRS[:1], maps=["state.z:step"], **QUICK).results.maps
        return found

    with monkeypatch.context() as before:
        before.setattr(module, "_JOINT", ".other")
        (with_it,) = maps()
    (without,) = maps()
    assert (without.joint is None, with_it.joint is None) == (True, False)
    np.testing.assert_array_equal(without.values, with_it.values)
