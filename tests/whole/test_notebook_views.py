"""Every public object shows itself in a notebook: small, as text that is only text, and with no script."""

import inspect
from collections.abc import Callable
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mediate as md
from mediate.models.prompts import Style
from mediate.results.crossing import Crossing
from tests.report.parse import parse

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e"
MOST = 40_000  # characters
# What a page's blocks render: tests/report/ looks at each of these, with text of any origin.
REPORTED = {
    "Attributed", "Comparison", "CrossScores", "Faithfulness", "RsdTraces", "Scores", "StoredComparison", "TokenJoin",
    "TraceScores", "Tuning",
}  # fmt: skip


def public_classes() -> dict[str, type]:
    """The public names of which there are instances to look at; words and errors have their text."""
    found = {name: getattr(md, name) for name in md.__all__}
    return {
        name: each for name, each in found.items() if inspect.isclass(each) and not issubclass(each, Enum | Exception)
    }


def pair() -> md.Pair:
    base = md.Item(f"1 + 1? {MARKUP}", "2", f"1 and 1\nis 2. {MARKUP}")
    return md.Pair(MARKUP, MARKUP, base, md.Item("1 + 2?", "3", "1 and 2 is 3."), condition=MARKUP)


@cache
def model() -> md.Model:
    return md.load("reference-0.1m", device="cpu")


SITE = md.Site(md.Component.V, 0)
MADE: dict[str, Callable[[], Any]] = {
    "CrossResults": lambda: md.CrossResults(
        {}, (Crossing(np.zeros((1, 2, 2, 2)), (MARKUP,), ("base",), ("g",), MARKUP),)
    ),
    "Item": lambda: md.Item(MARKUP, MARKUP, cot=MARKUP, id=MARKUP, options=(MARKUP, "b")),
    "Knockout": lambda: md.Knockout((3, 4), (1, 2), (0,)),
    "Model": model,
    "Pair": pair,
    "Patch": lambda: md.Patch(SITE, (1, 2), by=MARKUP),
    "PreparedItem": lambda: md.prepare(model(), md.modular_pairs(1)[0].base),
    "PreparedPair": lambda: md.prepare(model(), md.modular_pairs(1)[0]),
    "Receiver": lambda: md.Receiver(md.Component.V, (1,)),
    "ScoreSpec": lambda: md.ScoreSpec(maps=("read:step",), answer_cue=MARKUP),
    "Site": lambda: SITE,
    "SteeringVector": lambda: md.SteeringVector(
        torch.ones(4), 1, torch.tensor([1, 2]), {"name": MARKUP}, {"formula": MARKUP}
    ),
    "Store": lambda: md.Store(Path("nowhere") / "<b>"),
    "Template": lambda: md.Template(Style.COMPLETION, f"{MARKUP} {{question}}", MARKUP),
    "Write": lambda: md.Write(SITE, (1,), by=MARKUP),
}


def test_every_public_object_has_a_view() -> None:
    classes = public_classes()
    assert set(classes) == set(MADE) | REPORTED
    assert [name for name, each in classes.items() if not callable(getattr(each, "_repr_html_", None))] == []


@pytest.mark.parametrize("name", MADE)
def test_a_view_is_small_and_text_in_it_is_text(name: str) -> None:
    made = MADE[name]()
    assert type(made) is public_classes()[name]
    html = made._repr_html_()
    found = parse(html)
    assert 0 < len(html) < MOST
    assert {tag for tag, _ in found.elements} <= {"div", "p", "strong", "table", "tr", "th", "td", "tbody"}
    assert {key for _, attributes in found.elements for key in attributes} <= {"style", "dir", "scope"}
    assert "\u202e" not in html


def test_a_pair_shows_both_worlds_side_by_side_and_a_model_its_facts() -> None:
    (table,) = parse(pair()._repr_html_()).tables
    assert [row[0] for row in table] == ["", "question", "cot", "answer"]
    assert table[3] == ["answer", "2", "3"]
    facts = {row[0]: row[1] for row in parse(model()._repr_html_()).tables[0]}
    assert facts["parameters"] == f"{model().facts.parameters:,}"
    assert facts["sha256"] == model().facts.fingerprint
    assert facts["checks at load"].endswith(" passed")
