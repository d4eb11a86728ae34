"""What a step comes to: its result, or its words."""

import pytest

from mediate.traces.step_values import step_value


@pytest.mark.parametrize(
    ("step", "value"),
    [
        (" 3 + 4 = 7.", "7"),
        ("add 4 to 3 to get 7.", "7"),
        (" Tom has 8 x 3 = 24 pears.\n", "24"),
        ("That is $1,200.50.", "1200.5"),
        ("Tom  has\n3 apples", "tom has 3 apples"),
        ("Wait, let me think.", "wait, let me think."),
        ("", ""),
    ],
)
def test_a_step_comes_to_its_last_result_or_else_to_its_words(step: str, value: str) -> None:
    assert step_value(step) == value
