"""What calls and commands have written opens again: runs, crossings, comparisons, tunings."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mediate as md
from mediate.results.crossing_folder import write_crossed
from tests.compare import made
from tests.compare.asked import FEW
from tests.figures.records import fake_results
from tests.report.test_crossing import fake

TUNING = {
    "status": "success",
    "spec": {"arm": "lora", "seed": 0},
    "steps": 2,
    "data": {"train": 4},
    "accuracy": {"before": {"own_chain": {"right": 1, "n": 4}}, "after": {"own_chain": {"right": 3, "n": 4}}},
}


def tuned(folder: Path) -> Path:
    """The folder of a tuning, but for its weights."""
    folder.mkdir()
    (folder / "tuning.json").write_text(json.dumps(TUNING))
    (folder / "loss.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    return folder


def check_record(record: Any, folder: Path) -> pd.DataFrame:
    """What every record can do; its table comes back."""
    saved = record.save(folder)
    again = md.open(folder)
    assert type(again) is type(saved)
    pd.testing.assert_frame_equal(again.table(), record.table(), check_dtype=False)
    assert "<table" in record._repr_html_()
    assert repr(record)
    with pytest.raises(md.InputError, match=r"another folder|new directory|holds a run"):
        record.save(folder)
    return record.table()


def test_a_run_opens(tmp_path: Path) -> None:
    scores = md.Scores(fake_results(4))
    assert len(check_record(scores, tmp_path / "run")) == 8
    assert isinstance(md.open(tmp_path / "run"), md.Scores)


def test_a_crossing_opens(tmp_path: Path) -> None:
    write_crossed(tmp_path / "a", fake())
    found = md.open(tmp_path / "a")
    assert isinstance(found, md.CrossScores)
    assert len(check_record(found, tmp_path / "run")) == 24
    assert found.changes() == fake().changes()
    assert found.plot.changes().get_xlabel()
    assert found.plot.steps().get_xlabel()
    assert found.plot.components().get_title() is not None
    with pytest.raises(md.InputError, match="no nothing by step"):
        found.plot.steps("nothing")
    assert found.to_html(tmp_path / "page.html").read_text().startswith("<!")


def test_a_comparison_opens_without_its_runs(tmp_path: Path) -> None:
    runs = [md.Scores(made.run()), md.Scores(made.run(made.B, seed=1))]
    found = md.compare(runs, out=tmp_path / "out", **FEW)
    opened = md.open(tmp_path / "out")
    assert isinstance(opened, md.StoredComparison)
    for name in ("runs", "shares", "effects", "differences", "split", "ladder", "maps", "items"):
        pd.testing.assert_frame_equal(getattr(opened, name)(), getattr(found, name)(), check_dtype=False)
    assert (opened.design, opened.mixed) == (found.design, found.mixed)
    assert opened.plot.shares().images
    wanted = found.plot.changes.data()
    np.testing.assert_allclose(opened.plot.shares.data()[["value", "low", "high"]], wanted[["change", "low", "high"]])
    assert opened.plot.shares.data(9).empty
    assert opened.to_json() == found.to_json()
    check_record(opened, tmp_path / "copy")
    pd.testing.assert_frame_equal(found.table(), opened.table(), check_dtype=False)
    with pytest.raises(md.InputError, match="no figure ladder"):
        opened.plot.ladder()
    (tmp_path / "out" / "tables" / "maps.parquet").write_bytes(b"PAR1")
    with pytest.raises(md.InputError, match=r"maps.parquet: cannot be read"):
        md.open(tmp_path / "out")
    (tmp_path / "out" / "comparison.json").write_text("{}")
    with pytest.raises(md.InputError, match=r"comparison.json: cannot be read"):
        md.open(tmp_path / "out")


def test_a_tuning_opens(tmp_path: Path) -> None:
    found = md.open(tuned(tmp_path / "tuned"))
    assert isinstance(found, md.Tuning)
    assert check_record(found, tmp_path / "copy")["loss"].tolist() == [2.0, 1.0]
    assert found.accuracy()["right"].tolist() == [1, 3]
    assert found.plot.loss().get_title(loc="left") == "lora, seed 0"
    assert found.plot.loss.data()["loss"].tolist() == [each["loss"] for each in found.losses]
    assert str(found).splitlines()[-1] == f"model: {tmp_path / 'tuned'}"
    assert str(md.open(tmp_path / "copy")).splitlines()[-1] == f"model: {tmp_path / 'copy'}"


def test_a_tuning_opens_without_torch(tmp_path: Path) -> None:
    code = f"import mediate, sys; mediate.open({str(tuned(tmp_path / 'tuned'))!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_none_of_these_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(md.InputError, match="holds no run, comparison or tuned model"):
            md.open(folder)
