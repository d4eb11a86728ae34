"""The public calls: typed options that are the specifications', and help that lists them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic.fields import FieldInfo

import mediate as md
from mediate import watch
from mediate.choices import fields_of
from mediate.compare.settings import CompareOptions, Settings
from mediate.holding.spec import HoldOptions, HoldSpec
from mediate.models.load_spec import LoadOptions, LoadSpec
from mediate.passes import loaded
from mediate.scoring.cross_spec import CrossOptions, cross_fields
from mediate.scoring.engine_spec import EngineOptions, EngineSpec
from mediate.scoring.spec import ScoreOptions, ScoreSpec
from mediate.tuning.call import TuneOptions
from mediate.tuning.spec import TuneSpec
from tests import tiny
from tests.report.payloads import PAYLOADS
from tools import misspelt


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (LoadOptions, fields_of(LoadSpec)),
        (ScoreOptions, fields_of(ScoreSpec)),
        (EngineOptions, fields_of(EngineSpec)),
        (HoldOptions, fields_of(HoldSpec)),
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


def test_a_cell_escapes_what_it_shows() -> None:
    from mediate.report.cell import MOST_ROWS, cell

    for text in PAYLOADS:
        shown = cell(text, [text], pd.DataFrame({"a": [text] * (MOST_ROWS + 1)}))
        assert "<script" not in shown.lower()
        assert "<img" not in shown.lower()
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 1} rows." in shown


def test_threads_wait_without_spinning_unless_torch_or_the_user_came_first() -> None:
    code = "import mediate, os; print(os.environ.get('OMP_WAIT_POLICY'))"
    bare = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}

    def said(code: str, **env: str) -> str:
        run = subprocess.run([sys.executable, "-c", code], env=bare | env, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    assert said(code) == "PASSIVE"
    assert said(code, OMP_WAIT_POLICY="ACTIVE") == "ACTIVE"
    assert said("import sys; sys.modules['torch'] = None; " + code) == "None"  # too late: it would only be inherited


def test_loading_says_so_where_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(model: object, **options: object) -> str:
        time.sleep(0.3)
        return "loaded"

    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(watch, "FIRST", 0.02)
    monkeypatch.setattr(loaded, "load", slow)
    assert md.load("some-model") == "loaded"
    assert capsys.readouterr().err.startswith("loading some-model and checking it: 0 s so far\n")
    assert md.load("some-model", progress=False) == "loaded"
    assert capsys.readouterr().err == ""
