import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mediate.stats import false_discovery


@pytest.mark.parametrize(("method", "theirs"), [("bh", "fdr_bh"), ("by", "fdr_by")])
def test_cells_without_a_p_value_are_as_if_they_were_not_there(method: str, theirs: str) -> None:
    p = np.random.default_rng(0).uniform(size=(6, 5)) ** 3
    p[1, 2] = p[4, 0] = np.nan
    tested = ~np.isnan(p)
    found = false_discovery(p, method=method)
    assert (np.isnan(found) == ~tested).all()
    np.testing.assert_allclose(found[tested], stats.false_discovery_control(p[tested], method=method))
    np.testing.assert_allclose(found[tested], multipletests(p[tested], method=theirs)[1])


def test_the_usual_one_is_benjamini_and_hochberg() -> None:
    np.testing.assert_allclose(false_discovery(np.array([0.01, 0.04, 0.5])), [0.03, 0.06, 0.5])


def test_no_cells_are_no_error() -> None:
    assert np.isnan(false_discovery(np.full((2, 3), np.nan))).all()
    assert false_discovery(np.zeros(0)).shape == (0,)


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        false_discovery(np.array([0.5, 1.5]))
