"""The public calls: typed options that are the specifications', help that lists them, folders that open again."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic.fields import FieldInfo

import mediate as md
from mediate.choices import fields_of
from mediate.compare.settings import CompareOptions, Settings
from mediate.models.load_spec import LoadOptions, LoadSpec
from mediate.results.crossing_folder import write_crossed
from mediate.scoring.cross_spec import CrossOptions, cross_fields
from mediate.scoring.engine_spec import EngineOptions, EngineSpec
from mediate.scoring.spec import ScoreOptions, ScoreSpec
from mediate.tuning.call import TuneOptions
from mediate.tuning.spec import TuneSpec
from tests import tiny
from tests.compare import made
from tests.compare.asked import FEW
from tests.figures.records import fake_results
from tests.report.payloads import PAYLOADS
from tests.report.test_crossing import fake
from tools import misspelt

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


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (LoadOptions, fields_of(LoadSpec)),
        (ScoreOptions, fields_of(ScoreSpec)),
        (EngineOptions, fields_of(EngineSpec)),
        (CrossOptions, cross_fields()),
        (CompareOptions, fields_of(Settings)),
        (TuneOptions, {name: field for name, field in TuneSpec.model_fields.items() if name != "arm"}),
    ],
)
def test_typed_options_are_the_specifications(options: type, fields: Mapping[str, FieldInfo]) -> None:
    assert set(options.__annotations__) == set(fields)


@pytest.mark.parametrize("spec", [LoadSpec, ScoreSpec, Settings])
def test_every_field_has_its_sentence(spec: type) -> None:
    named = getattr(spec, "model_fields", None) or spec.__annotations__
    assert list(fields_of(spec)) == list(named)


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        (md.load, fields_of(LoadSpec)),
        (md.score, fields_of(ScoreSpec)),
        (md.cross, cross_fields()),
        (md.compare, fields_of(Settings)),
        (md.tune, fields_of(TuneSpec)),
        (ScoreSpec, fields_of(ScoreSpec)),
    ],
)
def test_help_has_every_choice_with_its_sentence(call: Callable[..., Any], fields: Mapping[str, FieldInfo]) -> None:
    said = " ".join((call.__doc__ or "").split())
    for name, field in fields.items():
        if name != "arm":
            assert f"{name}: {' '.join((field.description or '').split())}" in said


def test_a_misspelt_option_is_one_line_with_those_that_there_are(tmp_path: Path) -> None:
    model = tiny.model("llama")
    calls = (
        (misspelt.loaded, (), "'dytpe'; there are adapter"),
        (misspelt.scored, (model,), "'tempreature'; there are template"),
        (misspelt.crossed, (model,), "'wordls'; there are"),
        (misspelt.compared, (tmp_path,), "'magrin'; there are"),
        (misspelt.tuned, (tmp_path,), "'stpes'; there are"),
    )
    for call, arguments, said in calls:
        with pytest.raises(md.InputError, match=said) as error:
            call(*arguments)  # type: ignore[operator]
        assert "\n" not in str(error.value)


def test_importing_a_room_does_not_hide_the_call_of_its_name() -> None:
    import mediate.compare  # noqa: F401

    assert md.compare.__name__ == "compare"
    assert callable(md.compare)


def test_every_public_name_is_there() -> None:
    assert {"load", "score", "cross", "compare", "tune", "open", "__version__"} <= set(md.__all__)
    for name in md.__all__:
        assert getattr(md, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'scroe'"):
        md.scroe  # type: ignore[attr-defined]  # noqa: B018


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


def test_a_cell_escapes_what_it_shows() -> None:
    from mediate.report.cell import MOST_ROWS, cell

    for text in PAYLOADS:
        shown = cell(text, [text], pd.DataFrame({"a": [text] * (MOST_ROWS + 1)}))
        assert "<script" not in shown.lower()
        assert "<img" not in shown.lower()
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 1} rows." in shown
