"""Parts of a page that commands write."""

from pathlib import Path

import pytest

from mediate.errors import InputError
from tools.marked import Part

ONE, TWO = Part("one", "python -m one"), Part("two", "python -m two")
PAGE = f"# page\n\n{ONE.start}\nstale\n{ONE.end}\n\nbetween\n\n{TWO.start}\n\nkept\n\n{TWO.end}\nend\n"


def test_a_part_is_written_anew_and_all_else_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    ONE.check(page)
    assert page.read_text() == PAGE
    ONE.write(page, "new\n")
    assert page.read_text() == PAGE.replace("\nstale\n", "\n\nnew\n\n")
    ONE.write(page, "new")
    assert page.read_text() == PAGE.replace("\nstale\n", "\n\nnew\n\n")


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("nothing", "no '<!-- one: written by python -m one -->'"),
        (f"{ONE.start}\n", "no '<!-- end of one -->'"),
        (f"{ONE.start}\n{ONE.end}\n{ONE.start}\n", "2 '<!-- one: written by python -m one -->'"),
        (f"{ONE.end}\n{ONE.start}\n", "stands before"),
    ],
)
def test_markers_that_do_not_fit_are_refused_and_nothing_is_written(page: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)
    for refused in (lambda: ONE.check(path), lambda: ONE.write(path, "new")):
        with pytest.raises(InputError, match=r"page\.md: ") as error:
            refused()
        assert told in str(error.value)
        assert "\n" not in str(error.value)
    assert path.read_text() == page
