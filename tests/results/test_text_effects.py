"""Natural effects at the level of text, by hand, and their table."""

import numpy as np
import pytest

from mediate.results.text_effects import (
    TextCorners,
    set_text_effects,
    text_corners_from_table,
    text_corners_of,
    text_effect_table,
    text_effects_of,
)

FOUND = (TextCorners("a", "g", 0.1, 0.7, 0.3, 0.9), TextCorners("b", "h", 0.2, 0.2, 0.6, 0.5))


def test_effects_by_hand() -> None:
    found = text_effects_of(FOUND)
    assert found.nde == pytest.approx([0.2, 0.4])
    assert found.nie == pytest.approx([0.6, 0.0])
    assert found.te == pytest.approx([0.8, 0.3])
    assert found.tde == pytest.approx([0.2, 0.3])
    assert found.tie == pytest.approx([0.6, -0.1])
    assert found.interaction == pytest.approx([0.0, -0.1])


def test_the_cells_of_a_cube_are_those_of_plain_runs() -> None:
    """Of Y[d, t, h] = 100 d + 10 t + h: question d = h with chain t."""
    d, t, h = np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")
    y = (100 * d + 10 * t + h)[None].astype(float)
    assert text_corners_of(y)[0].tolist() == [[0, 10], [101, 111]]


def test_the_set_has_means_over_items() -> None:
    found = set_text_effects(FOUND)
    assert found["nde"].value == pytest.approx(0.3)
    assert (found["nie"].n, found["nie"].groups) == (2, 2)
    assert not set_text_effects(())["nde"].defined


def test_the_table_reads_back() -> None:
    table = text_effect_table(FOUND)
    assert table.loc[0, ["p01", "nie"]].tolist() == pytest.approx([0.7, 0.6])
    assert text_corners_from_table(table) == FOUND
    assert text_corners_from_table(text_effect_table(())) == ()


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="item 'a'"):
        TextCorners("a", "g", 0.1, 1.2, 0.3, 0.9)
