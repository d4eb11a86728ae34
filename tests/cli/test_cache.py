"""`mediate cache`: what it says, and which amounts it takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mediate.cli import app
from mediate.errors import InputError
from tests.models.test_cache import entry


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    place.mkdir(mode=0o700)
    monkeypatch.setenv("MEDIATE_CACHE", str(place))
    return place


def told(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["cache", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_info_says_what_is_there(root: Path) -> None:
    entry(root, "outcomes", 1, size=2000)
    entry(root, "traces", 2)
    entry(root, "traces", 3, suffix="corrupt")
    found = json.loads(told("info", "--json"))
    assert found["kinds"] == {"outcomes": {"entries": 1, "bytes": 2000}, "traces": {"entries": 1, "bytes": 100}}
    assert (found["set_aside"], found["bytes"]) == ({"entries": 1, "bytes": 100}, 2200)
    assert found["oldest"] <= found["newest"]
    said = told("info")
    assert said.startswith(f"{root}: 2.2 kB\n  outcomes             1       2.0 kB\n")
    assert "set aside" in said
    root.chmod(0o777)
    assert "warning: the cache" in told("info")


def test_info_of_no_cache(root: Path) -> None:
    root.rmdir()
    assert told("info") == f"{root}: 0 bytes\n"
    assert json.loads(told("info", "--json"))["oldest"] is None


def test_prune_says_what_it_did(root: Path) -> None:
    entry(root, "outcomes", 1, days=40, size=500)
    entry(root, "outcomes", 2, days=1, size=1500)
    assert "1 entries of 500 bytes would be deleted" in told("prune", "--older", "30d", "--dry-run")
    assert told("prune", "--older", "30d").startswith(
        f"{root}: 1 entries of 500 bytes deleted; 1 entries and models of 1.5 kB are left"
    )
    (root / "models").mkdir()
    (root / "models" / "a.gguf").write_bytes(b"x" * 1000)
    said = told("prune", "--to", "0.5kB")
    assert "1 entries of 1.5 kB deleted" in said
    assert "models take 1.0 kB of that, which are not deleted here" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --older, such as 30d, or --to"),
        (["--older", "30"], "--older '30': is no number with its unit; give 30d"),
        (["--older", "-1d"], "--older '-1d'"),
        (["--to", "10 elephants"], "--to '10 elephants': is no number with its unit; give 10GB"),
        (["--to", "nan"], "--to 'nan'"),
    ],
)
def test_no_other_amounts_are_taken(root: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(app, ["cache", "prune", *arguments], catch_exceptions=False)
    assert said in str(caught.value)


def test_neither_imports_torch(root: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from mediate.cli import app;"
        "assert CliRunner().invoke(app, ['cache', 'info']).exit_code == 0;"
        "assert CliRunner().invoke(app, ['cache', 'prune', '--to', '1GB']).exit_code == 0;"
        "assert not {'torch', 'transformers', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
