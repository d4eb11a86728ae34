"""A command's options out of a run file: what it says, what the command line says besides, and what neither may."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from mediate.choices import fields_of
from mediate.cli.from_spec import Choices, FromSpec, from_spec
from mediate.cli.run_files import write_run
from mediate.errors import InputError
from mediate.journal import close_journal
from mediate.scoring.run_file import read_run_file


class Wanted(BaseModel):
    """Choices of every kind."""

    maps: tuple[str, ...] = Field(default=(), description="Which.")
    usual: tuple[str, ...] = Field(default=("x",), description="Which others, or none.")
    sort: Literal["one", "other"] = Field(default="one", description="Of which sort.")
    level: float = Field(default=0.95, gt=0, lt=1, description="How sure.")
    seed: int = Field(default=0, ge=0, description="Of what is drawn.")
    solved_only: bool = Field(default=False, description="Whether.")
    chains: Any = Field(default=None, description="A folder.")
    template: str = Field(default="auto", description="A name or a file.")


@from_spec(lambda: {"choices": fields_of(Wanted)}, old={"map": "maps"}, run_file="pairs")
def command(
    pairs: Annotated[Path, typer.Argument(help="What.")],
    model: Annotated[str, typer.Option("--model", help="Which model.")],
    choices: Choices,
    out: Annotated[Path | None, typer.Option("--out", help="Where.")] = None,
    cache: Annotated[bool, typer.Option(help="Whether to keep.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say.")] = False,
    log: Annotated[Path | None, typer.Option("--log", help="What happens.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing.")] = False,
) -> None:
    """Tells what it was given."""
    if choices.get("template") == "wrong":
        raise InputError("option 'template': there is none of that name")
    told = {"pairs": str(pairs), "model": model, "out": out and str(out), "cache": cache, "dry_run": dry_run}
    typer.echo(json.dumps(told | choices))


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command(cls=FromSpec)(command)
    return CliRunner().invoke(app, list(arguments), catch_exceptions=True)


def told(*arguments: str) -> dict[str, Any]:
    result = run(*arguments)
    assert result.exception is None, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refusal(path: Path, text: str, *more: str) -> str:
    path.write_text(text)
    result = run(str(path), *more)
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


RUN = """
pairs: p.jsonl
model: small
out: runs/a
maps: [a, b]
sort: other
level: 0.5
seed: 7
solved_only: true
chains: ../before
cache: false
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(RUN)
    return path


def test_a_file_gives_every_option_and_its_paths_are_of_its_folder(file: Path) -> None:
    assert told(str(file)) == {
        "pairs": str(file.parent / "p.jsonl"),
        "model": "small",
        "out": str(file.parent / "runs/a"),
        "cache": False,
        "dry_run": False,
        "maps": ["a", "b"],
        "sort": "other",
        "level": 0.5,
        "seed": 7,
        "solved_only": True,
        "chains": str(file.parent / "../before"),
        "template": "auto",
    }


def test_an_empty_list_is_none_where_some_are_usual(file: Path) -> None:
    file.write_text("pairs: p.jsonl\nmodel: m\nmaps: []\nusual: []\n")
    found = told(str(file))
    assert "maps" not in found
    assert found["usual"] == []


def test_the_command_line_wins_and_that_is_told(file: Path) -> None:
    result = run(str(file), "--seed", "8", "--maps", "c", "--cache", "--dry-run")
    found = json.loads(result.stdout)
    assert (found["seed"], found["maps"], found["cache"], found["dry_run"]) == (8, ["c"], True, True)
    assert result.stderr == f"{file}: maps, seed, cache taken from the command line instead\n"
    assert run(str(file), "--seed", "8", "--quiet").stderr == ""
    assert run(str(file)).stderr == ""


def test_options_of_before_win_too_and_add_to_each_other(file: Path) -> None:
    assert told(str(file), "--map", "c", "--map", "d")["maps"] == ["c", "d"]
    assert told("p.jsonl", "--model", "m", "--maps", "a", "--map", "b")["maps"] == ["a", "b"]


def test_data_is_no_run_file(tmp_path: Path) -> None:
    assert told("p.jsonl", "--model", "m")["pairs"] == "p.jsonl"
    data = tmp_path / "p.json"
    data.write_text('{"question": "1?", "answer": "1"}')
    assert told(str(data), "--model", "m")["pairs"] == str(data)


def test_names_that_are_there_as_paths_are_of_the_folder_too(file: Path) -> None:
    file.write_text("pairs: p.jsonl\nmodel: base+lora\ntemplate: t.txt\n")
    assert told(str(file))["model"] == "base+lora"
    (file.parent / "base").mkdir()
    (file.parent / "t.txt").write_text("{question}")
    found = told(str(file))
    assert found["model"] == f"{file.parent / 'base'}+lora"
    assert found["template"] == str(file.parent / "t.txt")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sed: 1\n", "2: 'sed' is no key; did you mean 'seed'?"),
        ("solved-only: true\n", "2: 'solved-only' is no key; did you mean 'solved_only'?"),
        ("zzz: 1\n", "2: 'zzz' is no key; there are pairs, model,"),
        ("dry_run: true\n", "2: 'dry_run' is of the command line alone"),
        ("seed: one\n", "2: 'seed' is 'one'; give a whole number"),
        ("seed: true\n", "2: 'seed' is True; give a whole number"),
        ("seed: 1.5\n", "2: 'seed' is 1.5; give a whole number"),
        ("seed: -1\n", "2: 'seed' is -1; give a number from 0"),
        ("level: 1\n", "2: 'level' is 1; give a number above 0 and below 1"),
        ("solved_only: 'yes'\n", "2: 'solved_only' is 'yes'; give true or false"),
        ("sort: othr\n", "2: 'sort' is 'othr'; did you mean 'other'?"),
        ("sort: 7\n", "2: 'sort' is 7; give one of one, other"),
        ("maps: [1]\n", "2: 'maps' is 1; give a text"),
        ("maps: {a: b}\n", "2: 'maps' is {}; give a text"),
        ("model: 3\n", "2: 'model' is 3; give a text"),
        ('model: "a\\eb"\n', "2: 'model' holds control characters"),
        ("template: wrong\n", "2: 'template' there is none of that name"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "run.yaml"
    found = refusal(path, f"pairs: p.jsonl\n{text}", *(() if "model" in text else ("--model", "m")))
    assert found.startswith(f"{path}:{said}")


def test_a_file_without_what_is_measured_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path / "run.toml", 'model = "m"\n')
    assert said == f"{tmp_path / 'run.toml'}: lacks the key 'pairs', what is to be measured; add it"


def test_a_missing_required_option_is_missed_as_ever(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("pairs: p.jsonl\n")
    result = run(str(tmp_path / "run.yaml"))
    assert result.exit_code == 2
    assert "--model" in result.stderr


@pytest.mark.parametrize("suffix", ["yaml", "toml", "json"])
def test_what_a_call_writes_is_that_call(file: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    again = file.parent / f"again.{suffix}"
    values = {"pairs": Path("p.jsonl"), "model": "small", "out": Path("runs/a"), "maps": ("a",), "chains": Path("..")}
    write_run(again, values, fields_of(Wanted))
    assert read_run_file(again).values == {
        "maps": ["a"],
        "usual": ["x"],
        "sort": "one",
        "level": 0.95,
        "seed": 0,
        "solved_only": False,
        "chains": str(file.parent.parent.resolve()),
        "template": "auto",
        "pairs": "p.jsonl",
        "model": "small",
        "out": "runs/a",
    }
    assert told(str(again))["maps"] == ["a"]


def test_a_log_holds_what_was_asked_for(file: Path) -> None:
    log = file.parent / "log.jsonl"
    told(str(file), "--log", str(log), "--seed", "8")
    close_journal()
    start, over = map(json.loads, log.read_text().splitlines())
    assert (start["event"], start["options"]["seed"], start["options"]["model"]) == ("start", 8, "small")
    assert over == {"time": over["time"], "event": "told", "text": f"{file}: seed taken from the command line instead"}
    result = run(str(file), "--log", str(file.parent / "runs" / "a" / "log.jsonl"))
    assert "a log in the run directory" in str(result.exception)
