"""The README says what is so: its Python runs and prints what stands below it, and its links lead somewhere."""

import contextlib
import io
import re
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINES = 160


def test_the_python_prints_what_stands_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks, names = re.findall(r"```python\n(.+?)```\n\n```\n(.+?)```", text, flags=re.DOTALL), dict[str, object]()
    assert len(blocks) == 2
    for code, shown in blocks:
        printed = io.StringIO()
        with matplotlib.rc_context({"backend": "agg"}), contextlib.redirect_stdout(printed):
            exec(compile(code, "README.md", "exec"), names)
        before, after = (part.split() for part in shown.split("\n...\n"))
        words = printed.getvalue().split()
        assert words[: len(before)] == before
        assert words[-len(after) :] == after


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert not [each for each in targets if "://" not in each and not _is_there(page.parent / each)]


def _is_there(path: Path) -> bool:
    """Whether a file is there; an sdist has the source of a notebook, and not the notebook with its outputs."""
    return path.exists() or (path.suffix == ".ipynb" and path.with_suffix(".py").exists())


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LINES
