"""Options have the names that the calls have; those of before go on working, and are shown nowhere."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.main import get_command

import mediate
from mediate.cli import app
from mediate.cli.options import tell_next
from mediate.report.comparison.comparison import compare
from mediate.results import Reject
from mediate.scoring.cross_spec import make_cross_spec
from mediate.scoring.engine_spec import EngineSpec
from mediate.scoring.spec import ScoreSpec
from mediate.tuning.spec import TuneSpec

RENAMED = {
    ("score",): {"map": "maps", "outcome": "outcomes", "controls": "control-pairs"},
    ("cross",): {"map": "maps", "outcome": "outcomes", "world": "worlds"},
    ("compare",): {"label": "labels"},
    ("tune", "lora"): {"target-module": "target-modules"},
    ("tune", "dpo"): {"target-module": "target-modules"},
    ("tune", "reference"): {"size": "sizes"},
}


def options(*names: str) -> Mapping[str, bool]:
    """A command's long options, and whether each is shown."""
    command = get_command(app)
    for name in names:
        command = command.commands[name]  # type: ignore[attr-defined]
    return {
        name.removeprefix("--"): not getattr(each, "hidden", False)
        for each in command.params
        for name in each.opts
        if name.startswith("--")
    }


@pytest.mark.parametrize("command", RENAMED, ids=" ".join)
def test_old_names_are_taken_and_not_shown(command: tuple[str, ...]) -> None:
    found = options(*command)
    for old, new in RENAMED[command].items():
        assert found[old] is False
        assert found[new] is True


def of_call(call: Callable[..., object]) -> set[str]:
    return {name.replace("_", "-") for name in inspect.signature(call).parameters}


def of_spec(spec: type) -> set[str]:
    return {name.replace("_", "-") for name in getattr(spec, "model_fields", None) or spec.__annotations__}


@pytest.mark.parametrize(
    ("command", "names", "beside"),
    [
        # What the command has beside the call's own names: files and what is done with them, and the model's options.
        (
            ("score",),
            of_spec(ScoreSpec) | of_spec(EngineSpec) | of_call(mediate.score),
            {"adapter", "tokenizer", "dtype", "device", "cache", "report", "plan", "quiet", "profile", "format"}
            | {"columns", "answer-pattern", "write-run", "log", "dry-run", "takeover", "verbose", "json"}
            | {"few-shot", "examples"},
        ),
        (
            ("cross",),
            of_spec(ScoreSpec) | of_call(make_cross_spec) | of_call(mediate.cross),
            {"adapter", "tokenizer", "dtype", "device", "cache", "quiet", "profile", "model"}
            | {"write-run", "log", "takeover", "verbose", "json"},
        ),
        (("compare",), of_call(compare) | {"level", "min-te", "seed", "margin"}, {"json"}),
        (
            ("tune", "lora"),
            of_spec(TuneSpec) | of_call(mediate.tune),
            {"quiet", "takeover", "task", "count", "problem-steps"},
        ),
    ],
)
def test_options_are_named_as_in_the_calls(command: tuple[str, ...], names: set[str], beside: set[str]) -> None:
    shown = {name for name, is_shown in options(*command).items() if is_shown}
    assert shown - beside - {"help"} <= names


def test_the_values_of_both_names_come_together() -> None:
    from mediate.cli.options import either

    assert either(["a"], ["b"]) == ["a", "b"]
    assert either(None, ["b"]) == ["b"]
    assert either(["a"], None) == ["a"]
    assert either(None, None) is None


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "next: open it"), (1, "see why 1 item was left out, in"), (2, "see why 2 items were left out, in")],
)
def test_the_last_line_says_how_many_items_were_left_out(
    count: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_next(tmp_path, [Reject(f"item {place}", "not_solved", "why") for place in range(count)], "open it")
    assert said in " ".join(capsys.readouterr().err.split())
