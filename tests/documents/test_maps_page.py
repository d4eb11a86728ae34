"""docs/maps.md names the figures of each map as their files are named."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mediate.mediation.presets import PRESETS, without_presets
from mediate.report.run.figures import run_figures
from mediate.report.run.map_figures import DRAWN, drawn_by
from mediate.results import Results
from tests.figures.maps_of import made_maps
from tests.figures.records import fake_results
from tests.report.run.test_map_figures import ALL

PAGE = (Path(__file__).parents[2] / "docs" / "maps.md").read_text(encoding="utf-8")
PLAIN = replace(fake_results(), cubes=fake_results().cubes[:1], maps=())
USUAL = {each.name for each in run_figures(PLAIN)}


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose first column is called so."""
    lines = PAGE.split(f"\n| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def drawn(*names: str) -> set[str]:
    """The names of the figures of maps, `KIND:AXES` each."""
    maps = []
    for name in names:
        kind, _, axes = name.partition(":")
        made = made_maps(kind, tuple(axes.split(",")), outcome=PLAIN.cubes[0].outcome)
        maps += [replace(each, item=item.id) for each, item in zip(made, PLAIN.items, strict=True)]
    having = Results(PLAIN.manifest, PLAIN.items, PLAIN.cubes, tuple(maps))
    return {each.name for each in run_figures(having)} - USUAL


@pytest.mark.parametrize("place", range(len(DRAWN)), ids=[each.name for each in DRAWN])
def test_the_files_of_each_way_of_drawing_are_named(place: int) -> None:
    rows = table("maps over")
    assert len(rows) == len(DRAWN)
    patterns, met = codes(rows[place][2]), set[str]()
    for kind, dims in ALL:
        if drawn_by(kind, dims) is not DRAWN[place]:
            continue
        for name in drawn(f"{kind}:{','.join(dims)}"):
            named = re.escape(kind)
            fits = [
                each
                for each in patterns
                if re.fullmatch(re.escape(each).replace("KIND", named).replace("AXES", "[a-z]+(-[a-z]+)*"), name)
            ]
            assert fits, f"{name}, of {kind} over {dims}, is none of {patterns}"
            met |= {fits[0]}
    assert met == set(patterns)


@pytest.mark.parametrize("row", table("I want to know"), ids=lambda row: row[0])
def test_what_answers_a_question_is_drawn_in_the_files_that_the_page_names(row: list[str]) -> None:
    asked = [each for each in codes(row[1]) if not each.startswith("knockout")]
    assert drawn(*without_presets(asked, items=False)) == set(codes(row[2])), row[0]


def test_every_preset_has_its_row() -> None:
    assert {each.name for each in PRESETS} <= {code for row in table("I want to know") for code in codes(row[1])}
