"""Gradient estimates of ablations: to first order exact, nothing where nothing is replaced, and held to exact ones."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.mediation.kinds import references
from mediate.mediation.kinds.attribution import RANDOM_CELLS
from mediate.mediation.kinds.reference_value import Material, ReferenceValue
from mediate.mediation.maps import check_offered, measure_item_map, parse_map
from mediate.mediation.names import KL, LOGIT, MARGIN, SAME_ANSWER, Outcome
from mediate.results.kind_words import called, of_a_step
from mediate.results.kinds import is_estimate
from tests.mediation.kinds.test_ablation import ITEM, MATERIAL, wide

STEP = 1e-5


@pytest.mark.parametrize(
    "name",
    ["zero.z:step,layer,head", "zero.v.ig:step,layer,kv_head", "zero.resid_pre:step,layer", "zero.k.qkfix:layer"],
)
def test_a_small_change_is_estimated_to_its_second_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On so short a path everything is linear but for what the step itself is squared."""
    near = ReferenceValue(
        "zero", lambda model, item, own, material: {at: each * (1 - STEP) for at, each in own.items()}
    )
    monkeypatch.setattr(references, "REFERENCES", (near,))
    found = measure_item_map(wide(), ITEM, parse_map(f"attribution.{name}"), LOGIT, 1.0)
    exact_name = f"ablate.{name.replace('.ig', '').replace('.qkfix', '')}"
    exact = measure_item_map(wide(), ITEM, parse_map(exact_name), LOGIT, 1.0)
    assert abs(exact.values).max() > 1e-8
    np.testing.assert_allclose(found.values, exact.values, rtol=0, atol=3e-3 * abs(exact.values).max())
    assert found.agreement is not None
    assert found.agreement.spearman > 0.99


@pytest.mark.parametrize("method", ["", ".ig", ".graddrop", ".relp"])
def test_what_is_replaced_by_itself_is_estimated_as_nothing(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "REFERENCES", (ReferenceValue("zero", lambda model, item, own, material: own),))
    found = measure_item_map(wide(), ITEM, parse_map(f"attribution.zero.z{method}:step,layer"), LOGIT, 1.0)
    assert (found.values == 0).all()


def test_estimates_are_held_against_the_ablations_themselves() -> None:
    spec = parse_map("attribution.other.resid_pre.ig:step,layer")
    check_offered(wide(), spec)
    found = measure_item_map(wide(), ITEM, spec, LOGIT, 1.0, MATERIAL)
    exact = measure_item_map(wide(), ITEM, parse_map("ablate.other.resid_pre:step,layer"), LOGIT, 1.0, MATERIAL)
    assert (found.kind, found.dims) == ("attribution.other.resid_pre.ig", ("step", "layer"))
    assert found.agreement is not None
    assert np.isfinite(found.agreement.completeness)
    # As few cells as these are all drawn.
    assert found.agreement.n_random == exact.values.size
    assert found.agreement.signs == (np.sign(found.values) == np.sign(exact.values)).mean()


@pytest.mark.parametrize("by", ["other", "mean"])
def test_integrated_gradients_of_the_whole_chain_come_to_its_ablation(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gaps = []
    for steps in (8, 64):
        monkeypatch.setattr("mediate.mediation.kinds.attribution_maps.IG_STEPS", steps)
        spec = parse_map(f"attribution.{by}.resid_pre.ig:layer")
        found = measure_item_map(wide(), ITEM, spec, LOGIT, 1.0, MATERIAL)
        exact = measure_item_map(wide(), ITEM, parse_map(f"ablate.{by}.resid_pre:layer"), LOGIT, 1.0, MATERIAL)
        assert found.agreement is not None
        gaps.append(found.agreement.completeness)
        assert gaps[-1] == pytest.approx(found.values[0] - exact.values[0], abs=1e-9)
    assert abs(gaps[0]) > 0.1
    assert abs(gaps[1]) < 0.01 * abs(exact.values[0])


def test_which_cells_are_checked_is_the_seeds() -> None:
    spec = parse_map("attribution.zero.z:position,layer,head")
    found = [measure_item_map(wide(), ITEM, spec, LOGIT, 1.0, Material(seed=seed)) for seed in (1, 1, 2)]
    one, again, other = (each.agreement.spearman for each in found if each.agreement is not None)
    assert found[0].values.size > RANDOM_CELLS
    assert one == again != other


def test_they_are_called_estimates() -> None:
    kind = "attribution.mean.v"
    assert is_estimate(kind)
    assert called(kind) == "attribution.mean.v estimate of the effect"
    assert "a gradient estimate, not exact patching" in of_a_step(kind)
    assert "its mean over other items' chains" in of_a_step(kind)


@pytest.mark.parametrize("outcome", [KL, SAME_ANSWER])
def test_an_outcome_without_a_gradient_is_refused(outcome: Outcome) -> None:
    with pytest.raises(InputError, match="has no gradient at the run as it is; name another outcome first"):
        measure_item_map(wide(), ITEM, parse_map("attribution.zero.z:layer"), outcome, 1.0, Material())


@pytest.mark.parametrize("method", ["", ".ig", ".graddrop", ".relp"])
def test_a_margin_without_a_rival_is_refused(method: str) -> None:
    with pytest.raises(InputError, match="depends on no activation here, so it has no gradient"):
        measure_item_map(wide(), ITEM, parse_map(f"attribution.zero.z{method}:layer"), MARGIN, 1.0)


def test_there_is_no_run_to_put_the_chain_into() -> None:
    with pytest.raises(InputError, match="there is no run of zero values"):
        parse_map("attribution.zero.z.denoising:layer")
