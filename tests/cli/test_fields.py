"""Options are made from the fields of specifications, and every option that there once was is there."""

from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import BaseModel, Field
from typer.main import get_command
from typer.testing import CliRunner

from mediate.choices import fields_of
from mediate.cli import app
from mediate.cli.from_spec import Choices, FromSpec, from_spec
from mediate.models.prompts import AUTO, Template

# Long options as they were before any was made from a field; those in brackets were hidden.
BEFORE = {
    "demo": "model out pairs seed quiet profile",
    "score": (
        "model out template answer-cue chains outcomes maps keep control-pairs on-bad-item no-solved-only "
        "solved-only max-new-tokens stop temperature top-p seed min-te level adapter tokenizer dtype device "
        "cache no-cache no-report report plan quiet profile (outcome) "
        "(map) (controls)"
    ),
    "compare": "out labels margin level min-te seed allow-mixed (label)",
    "cross": (
        "model tuned out maps worlds chains writer template answer-cue outcomes on-bad-item no-solved-only "
        "solved-only max-new-tokens seed level adapter tokenizer dtype device cache no-cache quiet profile "
        "(outcome) (map) (world)"
    ),
    "check": "model dtype",
    "pairs": "out count task steps hint no-cot with-cot model seed force",
    "tune sft": (
        "model out data task count problem-steps template answer-cue epochs steps batch-size learning-rate "
        "warmup weight-decay max-length held-out ask max-new-tokens on-bad-item seed device quiet"
    ),
    "tune lora": (
        "model out data task count problem-steps template answer-cue epochs steps batch-size learning-rate "
        "warmup weight-decay max-length rank alpha dropout target-modules (target-module) merge held-out ask "
        "max-new-tokens on-bad-item seed device quiet"
    ),
    "tune answer-only": (
        "model out data task count problem-steps keep-chain full template answer-cue epochs steps batch-size "
        "learning-rate warmup weight-decay max-length rank alpha dropout target-modules (target-module) merge "
        "held-out ask max-new-tokens on-bad-item seed device quiet"
    ),
    "tune dpo": (
        "model out data task count problem-steps beta full template answer-cue epochs steps batch-size "
        "learning-rate warmup weight-decay max-length rank alpha dropout target-modules (target-module) merge "
        "held-out ask max-new-tokens on-bad-item seed device quiet"
    ),
    "tune reference": "out sizes seed marked (size)",
}


def options(*names: str) -> dict[str, bool]:
    """A command's long options and whether each is hidden."""
    command = get_command(app)
    for name in names:
        command = command.commands[name]  # type: ignore[attr-defined]
    return {
        name.removeprefix("--"): getattr(each, "hidden", False)
        for each in command.params
        for name in (*each.opts, *each.secondary_opts)
        if name.startswith("--")
    }


@pytest.mark.parametrize("command", BEFORE)
def test_every_option_of_before_is_there(command: str) -> None:
    there = options(*command.split())
    wanted = {each.strip("()"): each.startswith("(") for each in BEFORE[command].split()}
    assert {name: there.get(name) for name in wanted} == wanted


class Made(BaseModel):
    """A specification with a field of each sort."""

    model_config = {"arbitrary_types_allowed": True}

    text: str = Field(default="\na", description="Some text.")
    one_of: Literal["a", "b-c"] = Field(default="b-c", description="One of two.")
    number: float | None = Field(default=None, gt=0, le=1, description="A `share`.")
    whole: int = Field(default=3, description="A count.")
    some: tuple[str, ...] = Field(default=("x",), description="Some, or none.")
    most: tuple[str, ...] = Field(default=("x",), min_length=1, description="At least one.")
    yes: bool = Field(default=False, description="Whether.")
    template: Template = Field(default=AUTO, description="A template.")
    unsaid: int = 1


def run(*arguments: str) -> dict[str, Any]:
    """What a command with these fields gets."""
    got: dict[str, Any] = {}

    @from_spec(lambda: {"choices": fields_of(Made)}, old={"sum": "some", "count": "whole"}, left_open=("whole",))
    def command(name: str, choices: Choices, beside: Annotated[int, typer.Option()] = 5) -> None:
        """Does."""
        got.update(choices, name=name, beside=beside)

    made = typer.Typer(rich_markup_mode=None)
    made.command(cls=FromSpec)(command)
    done = CliRunner().invoke(made, ["n", *arguments])
    assert done.exit_code == 0, done.output
    return got or {"help": " ".join(done.output.replace("│", " ").split())}


def test_defaults_are_the_fields_own_and_what_is_open_is_not_given() -> None:
    assert run() == {"name": "n", "beside": 5, "text": "\na", "one_of": "b-c", "yes": False, "template": "auto"}


def test_values_are_given_as_a_specification_takes_them() -> None:
    found = run(
        "--text", r"\tb\n", "--one-of", "a", "--number", "7", "--some", "y", "--sum", "z", "--count", "4", "--yes"
    )
    assert {name: found[name] for name in ("text", "one_of", "number", "some", "whole", "yes")} == {
        "text": "\tb\n", "one_of": "a", "number": 7.0, "some": ("y", "z"), "whole": 4, "yes": True,
    }  # fmt: skip
    assert type(found["one_of"]) is str
    assert run("--whole", "2")["whole"] == 2
    assert run("--no-yes")["yes"] is False


def test_none_is_none_of_several_where_that_may_be() -> None:
    assert run("--some", "none")["some"] == ()
    assert run("--most", "none")["most"] == ("none",)


def test_help_has_sentences_bounds_and_defaults() -> None:
    said = run("--help")["help"]
    for part in (
        r"Some text. \n is a line break. [default: \na]",
        "<a|b-c>",
        "A share (above 0 and up to 1).",
        "Some, or none. Repeatable; none for none. [default: (x)]",
        "At least one. Repeatable. [default: (x)]",
        "--yes / --no-yes",
        "[default: auto]",
    ):
        assert part in said, said
    assert "--count" not in said
    assert "A count. --some" in said, "an open default is not shown"
    assert "unsaid" not in said


def test_a_wrong_value_is_refused_in_the_words_of_the_field() -> None:
    from mediate.errors import InputError
    from mediate.scoring.spec import make_spec

    with pytest.raises(InputError, match=r"'temperature': .* it is -1.0; give a number from 0"):
        make_spec(temperature=-1.0)


def test_a_list_of_commands_imports_no_specification() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from typer.testing import CliRunner; from mediate.cli import app\n"
        "assert 'compare' in CliRunner().invoke(app, ['--help']).output\n"
        "sys.exit('pydantic' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
