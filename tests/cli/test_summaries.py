"""What `--json` writes: one object, its keys as docs/json.md has them, and nothing else on standard output."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from mediate.checks.run import Finding
from mediate.cli.ending import put_json
from mediate.cli.summaries import check_summary
from tests.test_cli import mediate

pytestmark = pytest.mark.usefixtures("undrawn")

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
USUAL = ("--limit", 3, "--control-pairs", 0, "--no-report")
ESTIMATE = {"value", "low", "high", "level", "n", "groups", "method", "seed", "reason"}


def documented(command: str) -> set[str]:
    """The keys that the page names of a command's object."""
    section = PAGE.split(f"\n## {command}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))


def written(*arguments: object, cwd: Path) -> dict[str, Any]:
    done = mediate(*arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of three pairs."""
    root = tmp_path_factory.mktemp("json")
    assert mediate("pairs", "--task", "modular", "-n", "5", "--out", "p.jsonl", cwd=root).returncode == 0
    for out, name in (("base", "reference-0.1m"), ("needed", "reference-0.1m-needed")):
        found = written("score", "p.jsonl", "--model", name, "--out", out, *USUAL, cwd=root)
        (root / f"{out}.json").write_text(json.dumps(found))
    return root


def test_a_run(space: Path) -> None:
    found = json.loads((space / "base.json").read_text())
    assert set(found) == documented("score")
    assert (found["status"], found["given"], found["measured"], found["limit"]) == ("success", 3, 3, 3)
    assert found["report"] is None
    assert found["model"]["name"] == "reference-0.1m"
    assert found["maps"] == ["read:step,layer"]
    shares = found["outcomes"]["logit_diff"]["shares"]
    assert set(shares) == {"direct", "text", "latent", "mediated"}
    assert all(set(each) == ESTIMATE for each in shares.values())
    manifest = json.loads((space / "base" / "run.json").read_text())
    assert manifest["spec"]["limit"] == 3


def test_a_run_that_is_there_already_says_the_same(space: Path) -> None:
    again = written("score", "p.jsonl", "--model", "reference-0.1m", "--out", "base", *USUAL, cwd=space)
    assert again == json.loads((space / "base.json").read_text())


def test_another_limit_is_another_run(space: Path) -> None:
    done = mediate("score", "p.jsonl", "--model", "reference-0.1m", "--out", "base", *USUAL, "--limit", 2, cwd=space)
    assert done.returncode == 2
    assert "holds another run" in done.stderr


def test_a_comparison(space: Path) -> None:
    found = written("compare", "base", "needed", "--out", "compared", cwd=space)
    assert set(found) == documented("compare")
    assert [each["model"] for each in found["runs"]] == ["reference-0.1m", "reference-0.1m-needed"]
    runs = {name: json.loads((space / f"{name}.json").read_text()) for name in ("base", "needed")}
    text = {name: run["outcomes"]["logit_diff"]["shares"]["text"]["value"] for name, run in runs.items()}
    told = next(each for each in found["differences"] if (each["kind"], each["quantity"]) == ("share", "text"))
    assert told["value"] == pytest.approx(text["needed"] - text["base"])
    assert found["same_models"] == []


def test_runs_of_one_model_are_told_to_be_that(space: Path) -> None:
    again = mediate("score", "p.jsonl", "--model", "reference-0.1m", "--out", "again", *USUAL, cwd=space)
    assert again.returncode == 0
    found = written("compare", "base", "again", "--out", "same", cwd=space)
    (same,) = found["same_models"]
    manifest = json.loads((space / "base" / "run.json").read_text())
    assert same == {"labels": ["base", "again"], "fingerprint": manifest["model"]["fingerprint"], "same_chains": True}
    told = " ".join(mediate("compare", "base", "again", "--out", "same", cwd=space).stdout.split())
    assert "base and again are runs of the very same model (sha256 " in told
    assert "Both runs are of the very same model." in told
    assert "are runs of the very same model" in (space / "same" / "comparison.html").read_text()
    assert "very same" not in mediate("compare", "base", "needed", "--out", "compared", cwd=space).stdout


def test_a_crossing(space: Path) -> None:
    usual = ("--model", "reference-0.1m", "--tuned", "reference-0.1m-needed", "--out", "crossed", "--limit", 1)
    found = written("cross", "p.jsonl", *usual, "--maps", "read:layer", cwd=space)
    assert set(found) == documented("cross")
    assert found["measured"] == 1
    assert (found["original"]["name"], found["tuned"]["name"]) == ("reference-0.1m", "reference-0.1m-needed")
    assert found["original"]["parameters"] == found["tuned"]["parameters"] > 10_000
    changes = found["outcomes"]["logit_diff"]["changes"]
    assert all(set(each) == ESTIMATE for each in changes.values())
    value = {name: each["value"] for name, each in changes.items()}
    assert value["total"] == pytest.approx(value["tuned"] - value["original"])
    assert value["total"] == pytest.approx(value["state"] + value["rest"])


def test_tests_on_behaviour(space: Path) -> None:
    usual = ("--model", "reference-0.1m", "--out", "behaviour", "--limit", 1, "--control-pairs", 0, "--no-report")
    found = written("faithfulness", "p.jsonl", *usual, "--edits", "truncated", "--readings", "at_once", cwd=space)
    assert set(found) == documented("faithfulness")
    assert found["tests"]


def test_a_status(space: Path) -> None:
    found = written("status", "base", cwd=space)
    assert set(found) == documented("status")
    assert (found["run"], found["given"], found["measured"], found["left"]) == ("base", 3, 3, 0)


def test_a_check() -> None:
    findings = [Finding("full", 2e-6, 1e-5), Finding("moves", 2e-6, 1e-3, differs=True, detail="too little")]
    found = check_summary({"planted": findings}, 1, {"name": "m"})
    assert set(found) == documented("check")
    assert (found["failed"], found["model"], list(found["sections"])) == (1, {"name": "m"}, ["planted"])
    usual = {"differs": False, "gated": True, "detail": ""}
    assert found["sections"]["planted"] == [
        usual | {"name": "full", "error": 2e-6, "tolerance": 1e-5, "passed": True},
        usual
        | {"name": "moves", "error": 2e-6, "tolerance": 1e-3, "differs": True, "passed": False, "detail": "too little"},
    ]
    assert check_summary({}, 0, None)["model"] is None


def test_what_is_no_number_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    put_json({"a": math.nan, "b": [math.inf, (1.5,)], 3: {"c": None}})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, [1.5]], "3": {"c": None}}
