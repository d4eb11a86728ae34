"""The lines of docs/using.md on a pair, an item, one call, tests on behaviour and traces run as they stand."""

import re
from pathlib import Path

import matplotlib
import pytest

import mediate as md

PAGE = (Path(__file__).parents[2] / "docs" / "using.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "first",
    [
        "pair = md.prepare(",
        "found = md.faithfulness(",
        "item = md.prepare(",
        "found = md.attribute(",
        "found = md.score_traces(",
        "joined = md.join_tokens(",
        "written = md.rsd(",
    ],
)
def test_the_lines_run(first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (code,) = (each for each in re.findall(r"```python\n(.+?)```", PAGE, flags=re.DOTALL) if each.startswith(first))
    pairs = md.modular_pairs(4)
    md.write_pairs("pairs.jsonl", pairs)
    base = pairs[0].base
    names = {"md": md, "model": md.load("reference-0.1m", device="cpu"), "pairs": pairs}
    names |= {"student": names["model"], "teacher": names["model"]}
    names |= {"question": base.question, "cot": base.cot, "answer": base.answer}
    with matplotlib.rc_context({"backend": "agg"}):
        exec(compile(code, "using.md", "exec"), names)
    assert first.split()[0] in names
