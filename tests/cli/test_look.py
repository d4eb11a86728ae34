"""What `mediate check` says of a check that was made as a model was loaded."""

import math

from mediate.cli.look import _checked
from mediate.models.model import Check
from mediate.models.sites import Component


def test_what_cannot_be_run_on_a_model_does_not_apply_to_it() -> None:
    turned = Check("re-rotated keys", None, math.inf, 1e-4, "its positions are not rotary")
    assert _checked(turned).split(maxsplit=3) == [
        "--",
        "re-rotated",
        "keys",
        "does not apply: its positions are not rotary",
    ]


def test_a_place_that_fails_has_failed_whatever_came_of_it() -> None:
    for error in (math.inf, 1.0):
        said = _checked(Check("full swap", Component.Z, error, 1e-4, "why"))
        assert said.startswith("FAIL full swap at z ")
        assert said.endswith("why")
    assert _checked(Check("full swap", Component.Z, 0.0, 1e-4)).startswith("ok   full swap at z ")
