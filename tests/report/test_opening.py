from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.report.opening import page_of
from mediate.results import write_results
from tests.figures.records import fake_results

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.mark.parametrize("name", ["family.html", "comparison.html", "report.html"])
def test_a_page_that_is_there_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    assert page_of(tmp_path) == tmp_path / name
    assert (tmp_path / name).read_text() == "mine"


def test_the_page_of_a_run_is_written_where_it_is_missing(tmp_path: Path) -> None:
    write_results(tmp_path, fake_results(2, layers=2))
    assert page_of(tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_what_has_no_page_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no directory; give that of a run"):
        page_of(tmp_path / "nowhere")
    with pytest.raises(InputError):
        page_of(tmp_path)
    (tmp_path / "comparison.json").write_text("{}")
    with pytest.raises(InputError, match="`mediate compare` writes it again"):
        page_of(tmp_path)
