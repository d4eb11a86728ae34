"""The records of a replaced chain, as rows of a table and back."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.results.replacements import (
    ALL,
    REPLACEMENTS,
    Replaced,
    replaced_from_table,
    replaced_table,
    replacement_named,
)

FOUND = (
    Replaced("a", "g", "zero", "logit", 3.0, 1.0, distance=1.5, norm_ratio=0.0),
    Replaced("a", "g", "filler", "logit", 3.0, 5.0),
    Replaced("b", "g", "mean", "margin", float("nan"), reason="the item has no such outcome"),
)


def test_an_effect_is_what_is_lost() -> None:
    assert [each.effect for each in FOUND[:2]] == [2.0, -2.0]
    assert np.isnan(FOUND[2].effect)


def test_a_table_gives_the_same_rows_back() -> None:
    table = replaced_table(FOUND)
    assert list(table.columns) == [
        *("item", "group", "replacement", "outcome", "own", "value", "effect", "distance", "norm_ratio", "reason")
    ]
    assert str(replaced_from_table(table)) == str(FOUND)
    assert replaced_from_table(replaced_table(())) == ()


@pytest.mark.parametrize(("value", "reason"), [(1.0, "why"), (float("nan"), ""), (float("inf"), "")])
def test_a_row_has_an_effect_or_a_reason(value: float, reason: str) -> None:
    with pytest.raises(ValueError, match="needs either an effect or a reason"):
        Replaced("a", "g", "zero", "logit", 3.0, value, reason=reason)


def test_a_replacement_has_a_name_that_is_known() -> None:
    assert ALL == ("deletion", "filler", "shuffled", "mistake", "zero", "mean", "other", "noise")
    assert [each.of_text for each in REPLACEMENTS] == [True] * 4 + [False] * 4
    assert replacement_named("zero") is REPLACEMENTS[4]
    with pytest.raises(InputError, match=r"no replacement 'null'; there are deletion, filler, .* and none for no"):
        replacement_named("null")
