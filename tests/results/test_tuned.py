"""What is said of a tuned model: its loss, its accuracy, and where that collapsed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.results.tuned import Tuned
from mediate.stats.bootstrap import bootstrap_rate


def marks(right: int, n: int) -> dict[str, Any]:
    found = bootstrap_rate(np.repeat([1.0, 0.0], [right, n - right]), [str(each) for each in range(n)])
    return {"n": n, "right": right, "low": found.low, "high": found.high}


def said(before: int, after: int, n: int = 64) -> str:
    accuracy = {"before": {"own_chain": marks(before, n)}, "after": {"own_chain": marks(after, n)}}
    manifest = {"spec": {"arm": "sft"}, "data": {"train": 8}, "steps": 2, "accuracy": accuracy}
    return str(Tuned(Path("tuned"), manifest, ({"loss": 2.0}, {"loss": 1.0})))


def test_right_answers_that_collapsed_are_warned_of() -> None:
    assert "warning: after a chain of its own: right answers fell from 64 to 9 of 64, so" in said(64, 9)
    assert said(64, 9).splitlines()[-1] == "model: tuned"


@pytest.mark.parametrize(("before", "after", "n"), [(64, 60, 64), (9, 4, 64), (9, 40, 64), (4, 0, 4), (0, 0, 64)])
def test_what_may_be_chance_or_is_little_is_not(before: int, after: int, n: int) -> None:
    assert "warning" not in said(before, after, n)


def test_nothing_is_said_of_what_was_not_asked() -> None:
    manifest: dict[str, Any] = {"spec": {"arm": "sft"}, "data": {"train": 8}, "steps": 2, "accuracy": {}}
    assert "warning" not in str(Tuned(Path("tuned"), manifest, ({"loss": 2.0},)))
    manifest["accuracy"] = {"before": {"own_chain": marks(64, 64)}}
    assert "warning" not in str(Tuned(Path("tuned"), manifest, ({"loss": 2.0},)))
