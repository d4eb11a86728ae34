from dataclasses import replace

import pytest

from mediate.report.blocks import Section, Table
from mediate.report.run.method import method_section
from tests.figures.records import fake_results


@pytest.mark.parametrize(
    ("asked", "measured", "words"),
    [
        (None, True, "not named; by default read:step,layer"),
        (None, False, "not named; by default none could be measured"),
        (["state.z:step"], True, "state.z:step"),
        ([], True, "–"),
    ],
)
def test_the_runs_choices_say_which_maps_were_measured_by_default(
    asked: list[str] | None, measured: bool, words: str
) -> None:
    results = fake_results(4)
    manifest = {**results.manifest, "spec": {"maps": asked}}
    section = method_section(replace(results, manifest=manifest, maps=results.maps if measured else ()))
    (choices,) = (each for each in section.blocks if isinstance(each, Section) and each.heading == "Run")
    (table,) = (each for each in choices.blocks if isinstance(each, Table))
    assert ("maps", words) in table.rows
