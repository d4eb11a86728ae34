"""Commands are listed whole, have `-h` at every level, and refuse what is typed wrongly on one line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from mediate.cli import app
from tests.test_cli import assert_refused, mediate


def every_command(group: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        path = (*names, *name.split())
        yield path, command
        if hasattr(command, "commands"):
            yield from every_command(command, *path)


COMMANDS = dict(every_command(get_command(app)))


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_h_is_help_at_every_level(names: tuple[str, ...], tmp_path: Path) -> None:
    done = mediate(*names, "-h", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == mediate(*names, "--help", cwd=tmp_path).stdout
    assert f"Usage: mediate {' '.join(names)} " in done.stdout


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_no_help_is_cut_or_too_wide(names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = mediate(*names, "-h", cwd=tmp_path).stdout.splitlines()
    usage = next(number for number, line in enumerate(lines) if not line)  # it has an ellipsis of its own
    assert not [line for line in lines[usage:] if line.rstrip().endswith("...")]
    assert max(map(len, lines)) <= 100


def test_the_list_of_commands_has_their_whole_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    told = " ".join(mediate("-h", cwd=tmp_path).stdout.split())
    assert "Compares stored runs on the items that all of them measured; needs no model." in told


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("scor", "no such command 'scor'; did you mean 'score'? mediate -h says what there is"),
        ("tune sfd", "no such command 'sfd'; did you mean 'sft'? mediate tune -h says what there is"),
        ("score", "missing argument 'pairs'; mediate score -h says what there is"),
        ("score --modl x", "no such option: --modl; did you mean --model? mediate score -h says what there is"),
        ("score --mdl x", "no such option: --mdl; did you mean --model? mediate score -h says what there is"),
        ("pairs --task modlar --out x.jsonl", "did you mean modular? mediate pairs -h says what there is"),
        ("pairs --out", "option '--out' requires an argument; mediate"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(line: str, said: str, tmp_path: Path) -> None:
    assert_refused(mediate(*line.split(), cwd=tmp_path), said)


def test_a_group_without_a_command_shows_its_help(tmp_path: Path) -> None:
    done = mediate("tune", cwd=tmp_path)
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr
