"""Controls beside the real effect: one item has no dot, what must be 0 says whether it is."""

import pytest

from mediate.errors import InputError
from mediate.figures.controls import controls_data, controls_size, plot_controls
from mediate.figures.style import detached
from mediate.results.controls import Control, Controlled, summarise
from tests.figures.artists import faults


def controlled(control: Control, effects: list[float], beside: float = 5.0) -> list[Controlled]:
    return [
        Controlled(f"i{n}", f"g{n}", control, "logit_diff", each, beside + 0.1 * n) for n, each in enumerate(effects)
    ]


def test_each_control_stands_beside_the_real_effect() -> None:
    found = summarise(
        [
            *controlled(Control.SELF_SOURCE, [0.0] * 8),
            *controlled(Control.SHUFFLED_STEPS, [0.1 + 0.01 * n for n in range(8)]),
            *controlled(Control.RANDOM_POSITIONS, [0.2]),
            Controlled("i", "g", Control.SAME_ANSWER, "logit_diff", reason="no other"),
        ]
    )
    with detached(controls_size(len(found))) as (figure, ax):
        plot_controls(found, ax=ax)
        assert faults(figure) == []
    assert [each.get_text() for each in ax.texts] == [
        "exactly 0, n = 8",
        "one item tells nothing",
        "refused on all",
        "n = 8",
    ]
    drawn = sorted(float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o")
    assert drawn == pytest.approx([0.0, 0.135, 5.35, 5.35])
    assert ax.get_title(loc="left").replace("\n", " ") == (
        "1 of 1 control has clearly less effect than the real intervention; 1 that must be exactly 0 are"
    )
    assert controls_data(found)["n"].tolist() == [8, 1, 0, 8]


def test_a_broken_control_is_the_title() -> None:
    found = summarise(controlled(Control.AFTER_READERS, [0.0, 1e-9]))
    with detached(controls_size(1)) as (_, ax):
        plot_controls(found, ax=ax)
    assert ax.get_title(loc="left") == "A control that must be 0 is not: after readers"
    with pytest.raises(InputError, match="control_pairs=8"):
        plot_controls([])
