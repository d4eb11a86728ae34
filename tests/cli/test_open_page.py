import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mediate.cli import app


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(found.append(address)) or len(found) == 1)
    return found


def test_it_opens_the_page_and_says_where_it_is(tmp_path: Path, opened: list[str]) -> None:
    page = tmp_path / "a run" / "report.html"
    page.parent.mkdir()
    page.write_text("x")
    found = CliRunner().invoke(app, ["open", str(page.parent)])
    assert (found.exit_code, found.output) == (0, f"page: {page}\n")
    assert opened == [page.as_uri()]
    assert CliRunner().invoke(app, ["open", str(page.parent), "--no-browser"]).output == f"page: {page}\n"
    assert len(opened) == 1
    assert CliRunner().invoke(app, ["open", str(page.parent)]).output.endswith("no browser was found to open it with\n")
