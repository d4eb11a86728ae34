"""The site: its reference is written anew when what it says changes, its pages are linked, and what it shows runs."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

import mediate as md
from tools.reference import DOCS, GROUPS, PAGES, names

_CONTENTS = re.findall(r"```\{toctree\}\n(.+?)```", (DOCS / "index.md").read_text("utf-8"), re.DOTALL)
LISTED = [line for block in _CONTENTS for line in block.splitlines() if line and not line.startswith(":")]


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run: python -m tools.reference"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_column_of_a_table_has_a_name_or_its_rows_have(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    heads = [before for before, line in pairwise(lines) if re.fullmatch(r"\|( *:?-+:? *\|)+", line)]
    without = [each for each in heads if any(not cell.strip() for cell in each.strip("|").split("|")[1:])]
    assert without == []


def test_every_public_name_stands_in_one_group() -> None:
    assert sorted(names()) == sorted(set(md.__all__) - {"__version__"})
    assert all(GROUPS.values())


def test_every_page_is_in_the_contents_once() -> None:
    assert sorted(LISTED) == sorted(
        path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md") if path.stem != "index"
    )


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_to_a_part_of_a_page_lead_to_it(page: Path) -> None:
    for path, part in re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", page.read_text(encoding="utf-8")):
        target = (page.parent / path if path else page).read_text(encoding="utf-8")
        assert part in {anchor(heading) for heading in re.findall(r"^#+ (.+)$", target, flags=re.MULTILINE)}, (
            path,
            part,
        )


def anchor(heading: str) -> str:
    """As GitHub and the site name the place of a heading."""
    return re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-")


def test_the_quickstart_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    (code,) = re.findall(r"```python\n(.+?)```", (DOCS / "quickstart.md").read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, object] = {}
    exec(compile(code, "quickstart.md", "exec"), found)
    scores = found["scores"]
    assert isinstance(scores, md.Scores)
    assert {each.kind for each in scores.results.maps} == {"read"}
    assert scores.shares()["mediated"].value > 0.9
