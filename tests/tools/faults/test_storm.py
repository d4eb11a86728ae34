"""Storms in small: what they count, and that a run which lost an item would be seen."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tools.faults.storm import storm
from tools.faults.subject import Subject, differences, lost_and_doubled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(tmp_path_factory.mktemp("faults"), size=40)


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_runs_end_as_if_nothing_had_happened(subject: Subject, workers: int) -> None:
    row = storm(subject, kills=2, workers=workers)
    assert row["times"] >= 2
    assert row["runs finished"] >= 1
    assert (row["items lost"], row["doubled"], row["runs that differ"]) == (0, 0, 0)


def test_a_lost_and_a_doubled_item_are_seen(subject: Subject, tmp_path: Path) -> None:
    golden, _ = subject.golden()
    table = pq.read_table(golden / "results" / "items.parquet")
    for name, rows, found in (
        ("lost", table.slice(2), (2, 0)),
        ("doubled", table.take([0, *range(len(table))]), (0, 1)),
    ):
        place = tmp_path / name / "results"
        place.mkdir(parents=True)
        pq.write_table(rows, place / "items.parquet")
        assert lost_and_doubled(place.parent, golden) == found
        assert "results/items.parquet" in differences(place.parent, golden)


def test_a_command_that_fails_says_why(subject: Subject) -> None:
    with pytest.raises(RuntimeError, match=r"exit 2: .*no-such"):
        subject.start("report", str(subject.folder / "no-such")).finish()
