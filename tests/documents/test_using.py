"""What the pages show in Python on a pair, an item, one call, tests on behaviour and traces runs as it stands."""

import re
from pathlib import Path

import matplotlib
import pytest

import mediate as md

DOCS = Path(__file__).parents[2] / "docs"
PAGES = "\n".join((DOCS / name).read_text(encoding="utf-8") for name in ("using.md", "items.md", "tuning.md"))


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
        "import matplotlib.pyplot as plt",
        "print(scores.methods())",
    ],
)
def test_the_lines_run(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (code,) = (each for each in re.findall(r"```python\n(.+?)```", PAGES, flags=re.DOTALL) if each.startswith(first))
    pairs = md.modular_pairs(4)
    md.write_pairs("pairs.jsonl", pairs)
    base = pairs[0].base
    names = {"md": md, "model": md.load("reference-0.1m", device="cpu"), "pairs": pairs}
    if "scores." in code:
        names["scores"] = md.score(names["model"], pairs, maps=["read:step,layer"], control_pairs=0, progress=False)
    names |= {"student": names["model"], "teacher": names["model"]}
    names |= {"question": base.question, "cot": base.cot, "answer": base.answer}
    with matplotlib.rc_context({"backend": "agg"}):
        exec(compile(code, "docs", "exec"), names)
    if "to_latex" in code:
        told = capsys.readouterr().out
        assert "We measured reference-0.1m (" in told
        assert "\\toprule" in told
        assert "mediated & " in told
    assert first.split()[-1] in names or first.split()[0] in names or first.startswith("print(")
    if "savefig" in code:
        assert Path("layers.csv").read_text("utf-8").startswith("step,layer,effect,low,high,")
        drawn = Path("layers.pdf").read_bytes()
        assert b"/CIDFontType2" in drawn  # TrueType
        assert b"/Type3" not in drawn
