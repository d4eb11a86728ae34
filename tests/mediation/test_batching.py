"""mediation.batching: what is of like length together, and how much."""

from hypothesis import given
from hypothesis import strategies as st

from mediate.mediation.batching import of_like_length


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 300))
def test_groups_are_of_like_length_and_hold_everything_once(lengths: list[int], most: int) -> None:
    groups = of_like_length(dict(enumerate(lengths)), most)
    assert sorted(each for group in groups for each in group) == list(range(len(lengths)))
    for group in groups:
        padded, real = len(group) * max(lengths[each] for each in group), sum(lengths[each] for each in group)
        assert len(group) == 1 or padded <= most
        assert padded <= 1.125 * real
    order = [lengths[each] for group in groups for each in group]
    assert order == sorted(order)
