"""The figures of joined tokens show the numbers that they are given."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from mediate.errors import InputError
from mediate.figures.joined_tokens import plot_joined_tokens, plot_tokens_agreed
from mediate.results.tokens_agreed import TokensAgreed
from mediate.stats import Estimate


def estimate(value: float, low: float = float("nan"), high: float = float("nan")) -> Estimate:
    return Estimate(value, low, high, 0.95, 6, 6, "bootstrap", 0, "one group" if low != low else "")


def agreed(effect: str, score: str, value: float, *, kind: str = "all", whole: bool = True) -> TokensAgreed:
    correlation = estimate(value, value - 0.1, value + 0.2) if whole else estimate(value)
    return TokensAgreed(effect, score, kind, correlation, estimate(0.5 + value / 2), {}, {})


FOUND = (
    agreed("knockout", "mine", 0.1),
    agreed("knockout", "surprisal", 0.4),
    agreed("read", "surprisal", -0.3, whole=False),
    agreed("knockout", "entropy", float("nan"), whole=False),
    agreed("knockout", "surprisal", 0.7, kind="result"),
)


def test_a_point_an_effect_and_score_with_its_interval() -> None:
    axes = plot_tokens_agreed(FOUND, ax=Figure().subplots())
    points = {(line.get_color(), line.get_xdata()[0]): line for line in axes.lines if line.get_marker() == "o"}
    assert sorted(x for _, x in points) == [-0.3, 0.1, 0.4]
    spans = sorted(each.get_segments()[0][:, 0].tolist() for each in axes.collections)
    assert spans == [pytest.approx([0.0, 0.3]), pytest.approx([0.3, 0.6])]
    hollow = [line for line in points.values() if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata()[0] for line in hollow] == [-0.3]
    # Scores of the package come first, in their order; those that are nowhere defined have no row.
    assert [each.get_text() for each in axes.get_yticklabels()] == ["surprisal", "mine"]
    assert [each.get_text() for each in axes.get_legend().get_texts()] == ["knockout, n = 6", "read, n = 6"]
    assert axes.lines[0].get_xdata()[0] == 0


def test_areas_and_kinds() -> None:
    axes = plot_tokens_agreed(FOUND, "area", kind="result", ax=Figure().subplots())
    assert [line.get_xdata()[0] for line in axes.lines] == [0.5, pytest.approx(0.85)]
    with pytest.raises(InputError, match="'word'"):
        plot_tokens_agreed(FOUND, kind="word")
    with pytest.raises(InputError, match="no number 'slope'"):
        plot_tokens_agreed(FOUND, "slope")


def test_a_point_a_token_and_a_cross_where_it_is_rejected() -> None:
    tokens = pd.DataFrame(
        {
            "kind": ["result", "word", "word", "word"],
            "accepted": [True, True, False, True],
            "surprisal": [0.5, 0.0, 9.0, 0.1],
            "knockout": [3.0, 0.0, 1.0, -1.0],
            "read": [float("nan")] * 4,
        }
    )
    axes = plot_joined_tokens(tokens, ax=Figure().subplots())
    drawn = {line.get_label(): line for line in axes.lines[1:]}
    assert [*drawn] == ["result, accepted (1)", "word, accepted (2)", "word, rejected (1)"]
    crosses = drawn["word, rejected (1)"]
    assert crosses.get_marker() == "x"
    assert (crosses.get_xdata().tolist(), crosses.get_ydata().tolist()) == ([9.0], [1.0])
    assert drawn["word, accepted (2)"].get_ydata().tolist() == [0.0, -1.0]
    for effect in ("read", "state"):
        with pytest.raises(InputError, match="nothing to draw"):
            plot_joined_tokens(tokens, effect)
