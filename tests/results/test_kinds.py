"""Names of kinds of maps, taken apart."""

import pytest

from mediate.mediation.names import parse_map
from mediate.results.kinds import window_of
from tests.results.test_kind_words import ESTIMATED, EXACT


@pytest.mark.parametrize("kind", [*EXACT, *ESTIMATED])
def test_a_window_is_that_of_the_map(kind: str) -> None:
    assert window_of(kind) == parse_map(f"{kind}:layer").name.window
