"""What does not fit into memory is halved, and how many items fitted is remembered."""

from collections.abc import Sequence

from mediate.scoring.halving import Fits, halved


def measured(items: Sequence[int], most: int, fits: Fits, tried: list[int]) -> list[list[int] | int]:
    """Items are their lengths; no more than `most` fit together, and none of 1,000."""

    def measure(some: Sequence[int]) -> list[int] | None:
        tried.append(len(some))
        return None if len(some) > most or max(some) >= 1000 else list(some)

    return list(halved(items, measure, lambda each: each, fits))


def test_how_many_fitted_is_remembered_for_items_as_long_or_longer() -> None:
    fits, tried = Fits(), list[int]()
    assert measured([100] * 8, 2, fits, tried) == [[100, 100]] * 4
    assert tried == [8, 4, 2, 2, 2, 2]
    for length, wanted in ((110, [2, 1]), (300, [2, 1]), (30, [3, 1, 1, 1])):
        tried.clear()
        found = measured([length] * 3, 2, fits, tried)
        assert sum(len(each) if isinstance(each, list) else 1 for each in found) == 3
        assert tried == wanted, length


def test_an_item_that_does_not_fit_by_itself_is_given_back_and_the_others_are_measured() -> None:
    fits, tried = Fits(), list[int]()
    assert measured([900, 910, 1000, 920], 9, fits, tried) == [[900, 910], 1000, [920]]
    assert tried == [4, 2, 2, 1, 1]
