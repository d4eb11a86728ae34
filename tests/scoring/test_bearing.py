"""Every choice is said to bear on a run's numbers or not, and does."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from mediate.choices import fields_of
from mediate.cli import app
from mediate.models.load_spec import LoadSpec
from mediate.pairs.files import write_pairs
from mediate.pairs.reading import scan_file
from mediate.scoring.bearing import BEARINGS, Bearing
from mediate.scoring.cross_spec import make_cross_spec
from mediate.scoring.rundir import identity
from mediate.scoring.spec import ScoreSpec, make_spec
from mediate.tasks.modular import modular_pairs

COMMANDS = ("score", "faithfulness", "cross", "compare")
# Another value of each choice of scoring, and those beside it without which it means nothing.
OTHERS: dict[str, Any] = {
    "template": "few-shot",
    "answer_cue": "\nSo",
    "outcomes": ("base_prob",),
    "maps": (),
    "against": "other",
    "others": 3,
    "control_pairs": 1,
    "replacements": "zero",
    "keep": ("resid_post",),
    "on_bad_item": "skip",
    "answer": "own",
    "bridge": "cue",
    "solved_only": True,
    "max_new_tokens": 5,
    "stop": ("x",),
    "temperature": 0.5,
    "top_p": 0.5,
    "limit": 1,
    "seed": 1,
    "min_te": 0.5,
    "level": 0.5,
    "max_errors": "5",
}
BESIDE: dict[str, dict[str, Any]] = {"others": {"against": "other"}}


def key(**choices: Any) -> str:
    """The choices as they stand in a run's identity, in canonical JSON."""
    found = identity(make_spec(**choices).described(), modular_pairs(2), {"name": "m"}, None)
    return json.dumps(found, sort_keys=True, allow_nan=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_classified(name: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    named = {str(each.name) for each in command.params} - {"help"}
    assert {each for each in named if not each.startswith("old_")} <= BEARINGS.keys()


def test_every_choice_is_classified_and_nothing_else_is() -> None:
    commands = [get_command(app).commands[name] for name in COMMANDS]  # type: ignore[attr-defined]
    options = {str(each.name) for command in commands for each in command.params}
    assert fields_of(ScoreSpec).keys() | fields_of(LoadSpec).keys() <= BEARINGS.keys()
    from_python = {"copy", "draws", "flips"}
    assert BEARINGS.keys() - options == from_python


@pytest.mark.parametrize("name", [name for name in ScoreSpec.model_fields if name != "chains"])
def test_a_choice_of_scoring_bears_on_the_key_as_it_is_classified(name: str) -> None:
    beside = BESIDE.get(name, {})
    differs = key(**beside) != key(**beside | {name: OTHERS[name]})
    assert differs == (BEARINGS[name] is Bearing.NUMBERS), name


def test_a_choice_that_bears_on_nothing_stays_out_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.scoring.spec.BEARINGS", dict(BEARINGS) | {"keep": Bearing.NOTHING})
    assert key(keep=["z"]) == key()


@pytest.mark.parametrize(("name", "other"), [("worlds", ("source",)), ("writer", "tuned"), ("maps", ("read:layer",))])
def test_a_choice_of_crossing_bears_on_the_key(name: str, other: Any) -> None:
    assert BEARINGS[name] is Bearing.NUMBERS
    assert make_cross_spec(**{name: other}).described() != make_cross_spec().described()


def test_how_a_file_is_read_bears_by_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"problem": f"{i} + 1?", "other": f"{i} + 2?", "final": str(i + 1)} for i in range(2)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def read(column: str) -> str:
        found = scan_file(file, columns={"question": column, "answer": "final"}).given
        return json.dumps(identity(ScoreSpec().described(), found, {}, None))

    assert BEARINGS["columns"] is BEARINGS["pairs"] is Bearing.CONTENT
    assert read("problem") == read("problem") != read("other")


def test_where_a_file_stands_does_not_bear(tmp_path: Path) -> None:
    pairs = modular_pairs(2)
    write_pairs(tmp_path / "a.jsonl", pairs)
    assert identity({}, scan_file(tmp_path / "a.jsonl").given, {}, None) == identity({}, pairs, {}, None)
