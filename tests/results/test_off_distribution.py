"""The table of how far off the distribution state maps are, and what a record must have."""

import numpy as np
import pytest

from mediate.results.off_distribution import OffDistribution, off_from_table, off_table


def test_the_table_reads_back() -> None:
    found = (
        OffDistribution("a", "g", "noising", 1.25, 0.5),
        OffDistribution("b", "g", "denoising", np.nan, 1.5, "there are no chains"),
    )
    read = off_from_table(off_table(found))
    assert read[0] == found[0]
    assert (read[1].reason, np.isnan(read[1].distance)) == ("there are no chains", True)
    assert off_from_table(off_table(())) == ()


@pytest.mark.parametrize(("direction", "distance"), [("noising", np.nan), ("sideways", 1.0)])
def test_a_row_needs_a_distance_or_a_reason_and_a_direction(direction: str, distance: float) -> None:
    with pytest.raises(ValueError, match="item 'a'"):
        OffDistribution("a", "g", direction, distance, 1.0)
