"""What is crossed has names for all of its numbers, and its maps are called by words and not by code."""

import numpy as np

from mediate.results.crossing import Crossing, set_changes
from mediate.results.crossing_names import CROSSING_WORDS
from mediate.results.kind_words import called, view_words


def test_every_number_has_a_name_of_its_own() -> None:
    y = np.random.default_rng(0).normal(size=(4, 2, 2, 2))
    names = tuple("abcd")
    found = set_changes(Crossing(y, names, ("base",) * 4, names, "logit_diff"))
    assert set(found) == set(CROSSING_WORDS)
    assert len(set(CROSSING_WORDS.values())) == len(CROSSING_WORDS)


def test_maps_of_two_checkpoints_are_called_by_what_goes_where() -> None:
    assert called("read") == "read effect"
    assert called("attribution.z") == "attribution.z estimate of the effect"
    assert called("cross.read.into_original") == "read effect into the original"
    assert called("cross.state.z.into_tuned.source") == "state.z effect into the tuned one (source world)"
    assert called("cross.read.interaction") == "read effect into the tuned one less into the original"
    assert view_words("read") == ""
