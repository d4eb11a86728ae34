"""What tests on behaviour take is measured; what is found on a handful of items means nothing."""

from tools.bench.behaviour import ALL, ALONE, MEMORY, measure


def test_behaviour_is_told_from_the_rest() -> None:
    found = measure("reference-0.1m", 3)
    assert found[ALL] > found[ALONE] > 0
    assert set(found) == {ALL, ALONE, MEMORY}
