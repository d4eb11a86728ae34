"""The folder of a comparison, its command, and the inputs that it refuses."""

import json
from base64 import b64decode
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from mediate.cli.compare import compare as command
from mediate.cli.from_spec import FromSpec
from mediate.errors import InputError
from mediate.report.comparison.comparison import compare
from mediate.report.run.scores import Scores
from mediate.results import Results, write_results
from tests.compare import made
from tests.compare.asked import FEW
from tests.report.comparison.test_comparison import sizes
from tests.report.parse import parse


def stored(folder: Path, runs: dict[str, Results]) -> list[Path]:
    for name, results in runs.items():
        write_results(folder / name, results)
    return [folder / name for name in runs]


def test_the_folder_holds_it_all(tmp_path: Path) -> None:
    folders = stored(tmp_path / "runs", sizes(3))
    found = compare(*folders, out=tmp_path / "out", **FEW)
    assert found.folder == tmp_path / "out"
    names = sorted(str(each.relative_to(tmp_path / "out")) for each in (tmp_path / "out").rglob("*") if each.is_file())
    tables = ("differences", "effects", "items", "ladder", "maps", "runs", "shares", "split")
    figures = ("cells-read-2-runs-vs-m0", "changes-mediated", "depth-read", "ladder")
    assert names == sorted([
        "comparison.html", "comparison.json", *(f"tables/{name}.parquet" for name in tables),
        *(f"figures/{name}.{ending}" for name in figures for ending in ("png", "svg")),
    ])  # fmt: skip
    for name in tables:
        read = pd.read_parquet(tmp_path / "out" / "tables" / f"{name}.parquet")
        wanted = getattr(found, name)()
        pd.testing.assert_frame_equal(read, wanted, check_dtype=False)
    page = parse((tmp_path / "out" / "comparison.html").read_text(encoding="utf-8"))
    shown = sorted(b64decode(src.split(",")[1]) for src in page.attributes("img", "src"))
    assert shown == sorted(each.read_bytes() for each in (tmp_path / "out" / "figures").glob("*.svg"))
    assert [run["folder"] for run in json.loads((tmp_path / "out" / "comparison.json").read_text())["runs"]] == [
        str(each) for each in folders
    ]


def test_the_same_comparison_is_written_again_and_no_other_over_it(tmp_path: Path) -> None:
    a, b, c = stored(tmp_path, {"a": made.run(), "b": made.run(made.B, seed=1), "c": made.run("c", seed=2)})
    out = tmp_path / "out"
    compare(a, b, out=out, **FEW)
    page = (out / "comparison.html").read_text()
    (out / "comparison.html").unlink()
    compare(a, b, out=out, **FEW)
    assert (out / "comparison.html").read_text() == page
    for runs, options in (((a, c), FEW), ((b, a), FEW), ((a, b), FEW | {"margin": 0.2})):
        with pytest.raises(InputError, match="out: holds a comparison of other runs or with other settings"):
            compare(*runs, out=out, **options)


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    a, b = stored(tmp_path, {"a": made.run(), "b": made.run(made.B, seed=1)})
    (tmp_path / "file").write_text("x")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "comparison.json").write_text("{")
    for out, said in ((a, "a: is not empty and holds no comparison"), (tmp_path / "file", "file: is a file"),
                      (broken, "cannot be read")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            compare(a, b, out=out)


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    a, b = stored(tmp_path, {"a": made.run(), "b": made.run(made.B, seed=1)})
    started = made.run("c")
    started.manifest["status"] = "started"
    write_results(tmp_path / "c", started)
    cases = [
        ((a, tmp_path / "nowhere"), {}, "nowhere: not a run directory"),
        ((a, tmp_path / "c"), {}, "c: the run's status is 'started'; score again"),
        ((a,), {}, "needs two runs or more, and 1 is given"),
        ((), {}, "needs two runs or more, and 0 is given"),
        ((a, b, a), {}, "a is given 2 times"),
        ((a, 7), {}, "a run is a int; give run directories or scores"),
        ((a, b), {"margins": 0.1}, "no option 'margins'; there are draws"),
        ((a, b), {"labels": ["x"]}, "do not name 2 runs"),
        ((a, b), {"margin": 0.0}, "margin is 0.0"),
    ]
    for runs, options, said in cases:
        with pytest.raises(InputError, match=said) as error:
            compare(*runs, **options)
        assert "\n" not in str(error.value)


def test_scores_and_folders_and_results_are_the_same(tmp_path: Path) -> None:
    a, b = made.run(), made.run(made.B, (0.2, 0.7, 0.1), seed=1)
    folders = stored(tmp_path, {"a": a, "b": b})
    labels = ["x", "y"]
    ways = [compare(*folders, labels=labels, **FEW), compare([a, b], labels=labels, **FEW),
            compare(Scores(a), Scores(b, folders[1]), labels=labels, **FEW)]  # fmt: skip
    assert len({each.differences().to_json() for each in ways}) == 1


def test_the_command_compares_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = stored(tmp_path, {"a": made.run(), "b": made.run(made.B, (0.4, 0.5, 0.1), seed=1)})
    app = typer.Typer()
    app.command(cls=FromSpec)(command)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        app, [*map(str, folders), "--out", "out", "--margin", "0.05", "--label", "x", "--label", "y"]
    )
    assert done.exit_code == 0, done.output
    assert "It changed" in done.output
    assert done.output.strip().endswith("comparison: out/comparison.html")
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert content["identity"]["settings"]["margin"] == 0.05
    assert [run["run"] for run in content["runs"]] == ["x", "y"]
    refused = CliRunner().invoke(app, [str(folders[0]), "--out", "out2"])
    assert isinstance(refused.exception, InputError)
