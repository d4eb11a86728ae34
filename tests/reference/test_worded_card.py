"""The card of the worded reference reasoners says what the records say."""

from dataclasses import asdict
from typing import Any

from mediate.reference.marks import Way
from mediate.reference.worded import DIET, FIRST_DIET
from mediate.reference.worded_card import card
from mediate.reference.worded_exam import LENGTHS, MIXED, PLAIN, WordedMark


def record(right: int) -> dict[str, Any]:
    marks = [WordedMark(PLAIN, "", (steps,), way, 50, right) for steps in LENGTHS for way in Way]
    marks += [WordedMark("names", "defined", MIXED, way, 50, right - 5) for way in Way]
    marks += [WordedMark("results", "filled", MIXED, Way.GIVEN_CHAIN, 50, 50)]
    training: dict[str, Any] = {
        "seed": 3,
        "schedule": {"steps": 9, "rows": 4, "learning_rate": 1e-3},
        "diet": asdict(DIET),
        "falling": 0.2,
        "seconds": 12.0,
        "losses": [(9, 0.5)],
    }
    first = {"schedule": {"steps": 7, "rows": 8, "learning_rate": 2e-3}, "diet": asdict(FIRST_DIET)}
    training["before"] = first | {"seconds": 34.0, "losses": [(7, 0.75)]}
    return {"parameters": 1234, "training": training, "marks": [asdict(mark) for mark in marks]}


def test_the_card() -> None:
    text = card({"one": record(25), "two": record(45)})
    assert "| one, first part | 1,234 | 7 | 8 | 0.002 | 0.750 | 34 |" in text
    assert "| one | 1,234 | 9 | 4 | 0.001 | 0.500 | 12 |" in text
    assert "in the second part over the last 20 %" in text
    assert "--family worded --out DIR --seed 3`" in text
    assert "Percent of 50 held-out problems" in text
    assert f"| one |{' 50 / 50 / 50 |' * len(LENGTHS)}" in text
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if line.startswith("| ")}
    often = ", ".join(f"{100 * diet.shares['names']['defined']:.0f}" for diet in (FIRST_DIET, DIET))
    assert lines["defined"].endswith(f"| {often} | 40 / 40 / 40 | 80 / 80 / 80 |")
    assert lines["filled"].endswith("| - / 100 / - | - / 100 / - |")
    usual = ", ".join(f"{100 * (1 - sum(diet.shares['verbosity'].values())):.0f}" for diet in (FIRST_DIET, DIET))
    assert f"usual: each step once, in full | {usual} |" in lines["**verbosity**"]
