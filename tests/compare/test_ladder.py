"""Shares over sizes: planted slopes are found."""

import pytest

from mediate.compare.quantities import SHARES
from mediate.results import Results
from tests.compare import made
from tests.compare.asked import compared


def rung(place: int, slope: float = 0.1) -> Results:
    return made.run(
        f"model-{place}", (0.1 + slope * place, 0.8 - slope * place, 0.1), parameters=10 ** (5 + place), seed=place
    )


def test_planted_slopes_are_found() -> None:
    found = {each.quantity: each for each in compared(*(rung(place) for place in range(4))).ladder}
    assert list(found) == list(SHARES)
    assert found["direct"].slope.value == pytest.approx(0.1)
    assert found["direct"].slope.low < 0.1 < found["direct"].slope.high
    assert found["mediated"].slope.value == pytest.approx(-0.1)
    assert (found["direct"].rank.value, found["text"].rank.value) == (1, -1)
    assert found["direct"].p == pytest.approx(2 / 24)
    assert found["direct"].models == 4


def test_the_order_of_the_runs_does_not_matter() -> None:
    runs = [rung(place) for place in range(3)]
    one, other = compared(*runs).ladder, compared(*runs[::-1]).ladder
    for each, twin in zip(one, other, strict=True):
        assert each.slope.value == pytest.approx(twin.slope.value)


def test_what_is_no_ladder_says_why() -> None:
    two = compared(rung(0), rung(1))
    assert (two.ladder, two.no_ladder) == ((), "a ladder needs 3 sizes, and there are 2")
    nameless = rung(1)
    del nameless.manifest["model"]["parameters"]
    assert "run 'run1' does not say how many" in compared(rung(0), nameless, rung(2)).no_ladder
    models = (made.A, made.B, "model-c")
    crossed = [
        made.run(reader, writer=None if reader == writer else writer, parameters=10 ** (5 + place), count=8)
        for place, reader in enumerate(models)
        for writer in models
    ]
    assert "readers are crossed with writers" in compared(*crossed).no_ladder
