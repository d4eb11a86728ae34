"""The model card of the reference reasoners: written from what was measured on them, never by hand."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mediate.passes.loaded import load
from mediate.reference.marks import MARKS as MARKS
from mediate.reference.marks import Way
from mediate.reference.marks import read_marks as read_marks
from mediate.reference.recipe import TRAINED, Recipe
from mediate.reference.tables import table, training_table
from mediate.tasks.modular import HELD_OUT_EVERY, Hint

CARD = "CARD.md"


def write_card(folder: Path, recipe: Recipe, *, n: int = 200, seed: int = 0) -> Path:
    """Examines every model of a ladder that is in a folder, and writes their marks and card there; returns the card."""
    records: dict[str, dict[str, Any]] = {}
    for name in recipe.ladder.names:
        if (folder / name / TRAINED).is_file():
            model = load(folder / name)
            training = json.loads((folder / name / TRAINED).read_text(encoding="utf-8"))
            marks = [asdict(mark) for mark in recipe.examine(model, n, seed)]
            records[name] = {"parameters": model.facts.parameters, "training": training, "marks": marks}
    marks_file, card_file = (folder / name for name in recipe.files)
    marks_file.write_text(json.dumps(records, indent=1), encoding="utf-8")
    card_file.write_text(recipe.card(records), encoding="utf-8")
    return card_file


def card(records: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of the card."""
    first = next(iter(records.values()))
    n, seed = first["marks"][0]["n"], first["training"]["seed"]
    parts = [
        "# The reference reasoners",
        "Small Llamas, trained from scratch on chains of arithmetic modulo 10 "
        "(`Start 3, add 4, times 7. Hint 5.` / `3 + 4 = 7. 7 x 7 = 9.` / `The answer is 9`), "
        "so that how much they use their chains can be measured on any machine. They know nothing else. "
        "Licence: Apache-2.0, as the package.",
        f"**Data.** Problems of 2 to 5 steps are drawn anew for every batch; one in {HELD_OUT_EVERY}, chosen by a "
        "checksum of its numbers, is never trained on, and the marks below are of those. One batch in five has no "
        "chain. The hints of `base` and `needed` are random digits. The chains of `decorative` belong to other "
        "questions, and its hints are the answer.",
        f"**Training.** `mediate tune reference --out DIR --seed {seed}`; float32, AdamW with a cosine; weights are "
        "kept in float16. An after begins from its rung, and learns the chain in half of its batches that have one, "
        "the answer alone in the others. Seconds are of two cores that other work shared.",
        training_table(records),
        f"**Marks.** Percent of {n} held-out problems answered rightly, by steps; chance is 10. Problems of 6 steps "
        "are longer than any in training. *Own chain*: the model writes it. *Right chain*: it is given. *No chain*: "
        "the answer follows the question.",
    ]
    for hint, title in ((Hint.RANDOM, "Hints are random digits"), (Hint.ANSWER, "Hints are the answer")):
        parts += [f"### {title}", _marks_table(records, hint)]
    parts += [
        "### Another question's chain",
        "Hints are the answer, and the chain belongs to another question: percent answered as the question asks (as "
        "the chain ends).",
        _others_table(records),
        "**Limits.** One seed. A share of the mediated effect that is measured on them says how the method behaves "
        "where the truth is known, not how large models reason.",
    ]
    return "\n\n".join(parts) + "\n"


def _marks_table(records: Mapping[str, Mapping[str, Any]], hint: Hint) -> str:
    rows = []
    for name, record in records.items():
        for way in (Way.OWN_CHAIN, Way.GIVEN_CHAIN, Way.NO_CHAIN):
            found = [mark for mark in record["marks"] if mark["hint"] == hint and mark["way"] == way]
            rows.append((name, str(way), *(f"{100 * mark['right'] / mark['n']:.0f}" for mark in found)))
    return table(("model", "with", *_lengths(records)), rows)


def _others_table(records: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, record in records.items():
        found = [mark for mark in record["marks"] if mark["hint"] == Hint.ANSWER and mark["way"] == Way.OTHER_CHAIN]
        shares = ((100 * mark["right"] / mark["n"], 100 * mark["followed"] / mark["n"]) for mark in found)
        rows.append((name, *(f"{right:.0f} ({followed:.0f})" for right, followed in shares)))
    return table(("model", *_lengths(records)), rows)


def _lengths(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    first = next(iter(records.values()))
    return [f"{steps} steps" for steps in dict.fromkeys(mark["steps"] for mark in first["marks"])]
