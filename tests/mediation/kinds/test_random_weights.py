"""mediation.random_weights: TE and read effects in a model that has learnt nothing, and how they rank."""

import numpy as np
import pytest

import mediate
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.kinds.random_weights import RANKED, measure_unlearnt, rank_correlation
from mediate.mediation.kinds.read import read_map
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.models.random_twin import random_twin
from tests import tiny
from tests.mediation.kinds.test_read import BASE, LONGER, SOURCE, contexts


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_two_contexts_say_what_the_whole_cube_says(architecture: str, outcome: Outcome) -> None:
    pair = contexts(architecture, LONGER if architecture != "gpt2" else BASE).pair
    model = mediate.load(tiny.plain_model(architecture), tokenizer=tiny.tokenizer())
    with random_twin(model, 1) as twin:
        _, found = measure_unlearnt(twin, [contexts(architecture, SOURCE, BASE).pair, pair], outcome)
        whole = run_contexts(twin, pair)
        y = measure_cube(twin, whole, [outcome])[0]
        reads = read_map(twin, whole, RANKED, outcome).values
    assert found.te == pytest.approx(y[1, 1, 1] - y[0, 0, 0], abs=1e-5)
    np.testing.assert_allclose(found.reads, reads, atol=1e-5)
    assert abs(found.te) > 1e-6


def test_chains_that_cannot_be_aligned_have_a_total_effect_and_no_ranks() -> None:
    pair = contexts("llama", ("Tom has 3 apples.", "Tom has 3 apples.", "12")).pair
    (found,) = measure_unlearnt(tiny.model("llama"), [pair], Outcome.LOGIT_DIFF)
    assert np.isfinite(found.te)
    assert found.reads is None
    assert np.isnan(rank_correlation(np.ones((2, 3)), found.reads))


def test_ranks_are_spearman_and_what_cannot_be_ranked_is_undefined() -> None:
    map_ = np.array([[0.0, 1.0], [2.0, 5.0]])
    assert rank_correlation(map_, map_**3) == pytest.approx(1)
    assert rank_correlation(map_, -map_) == pytest.approx(-1)
    assert np.isnan(rank_correlation(map_, np.ones((2, 2))))
    assert np.isnan(rank_correlation(map_[:1], map_[:1]))
