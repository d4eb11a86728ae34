"""What tests on behaviour take is measured; what is found on a handful of items means nothing."""

from tools.bench.behaviour import ALL, EDITED, MEMORY, RESAMPLED, WRITTEN, measure


def test_what_is_written_is_told_from_what_is_read_and_both_from_the_rest() -> None:
    found = measure("reference-0.1m", 2)
    assert set(found) == {ALL, EDITED, WRITTEN, MEMORY}
    assert found[ALL] > found[EDITED] > found[WRITTEN] > 0


def test_steps_that_are_resampled_are_told_from_both() -> None:
    found = measure("reference-0.1m", 2, edits=["truncated"], resampling=True, resamples=1, resample_rounds=1)
    assert found[ALL] - found[EDITED] > found[RESAMPLED] > 0
