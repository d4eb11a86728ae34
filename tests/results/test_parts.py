"""Parts of a run on disk: done or not, whole or damaged, of this run or of another."""

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mediate.results import Reject, Results
from mediate.results.parts import (
    PARTS,
    Plan,
    counts_of,
    damage,
    done_words,
    drop_parts,
    parts_of,
    read_part,
    read_plan,
    taken_up,
    write_part,
    write_plan,
)
from tests.figures.records import fake_results
from tests.results.test_folder import assert_same
from tests.results.test_merged import only

WHOLE = fake_results(6, layers=3)
ORDER = tuple(each.id for each in WHOLE.items)
PLAN = Plan(ORDER, 300, 3, "plan", (Reject("early", "too_long", "it is too long"), Reject("x", "m", "no", part="read")))


def part(number: int) -> Results:
    """The results of two items."""
    return only(WHOLE, set(ORDER[2 * number : 2 * number + 2]))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of which all three batches are done."""
    write_plan(tmp_path, PLAN)
    for number in range(3):
        write_part(tmp_path, part(number), [number], PLAN.fingerprint)
    return tmp_path


def test_parts_read_back_as_they_were(run: Path) -> None:
    assert read_plan(run) == PLAN
    parts = parts_of(run, PLAN.fingerprint)
    assert [each.folder.name for each in parts] == ["00000", "00001", "00002"]
    assert [each.batches for each in parts] == [(0,), (1,), (2,)]
    assert taken_up(run, PLAN) == parts
    for number, each in enumerate(parts):
        found, wanted = read_part(each), part(number)
        assert_same(replace(found, manifest={}), replace(wanted, manifest={}))
    assert counts_of(PLAN, parts) == {
        "given": 7, "planned": 6, "measured": 6, "rejected": 1, "by_reason": {"too_long": 1}
    }  # fmt: skip
    assert done_words({"measured": 312, "planned": 1000}) == "312 of 1,000 items"
    drop_parts(run)
    assert not (run / PARTS).exists()
    assert read_plan(run) is None
    assert parts_of(run) == taken_up(run, PLAN) == ()


def test_what_was_left_out_of_a_part_is_counted(tmp_path: Path) -> None:
    rejects = (Reject(ORDER[1], "nonfinite", "no numbers"), Reject(ORDER[0], "no_rival", "none", part="logit"))
    found = write_part(tmp_path, replace(only(WHOLE, {ORDER[0]}), rejects=rejects), [0, 2], "plan")
    assert (found.measured, found.rejected, found.batches) == (1, {"nonfinite": 1}, (0, 2))
    assert parts_of(tmp_path) == (found,)


def test_a_part_that_the_disk_does_not_take_leaves_nothing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mediate.results.folder.write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_part(run, part(1), [1], PLAN.fingerprint)
    assert not (run / PARTS / "00003").exists()
    assert len(taken_up(run, PLAN)) == 3


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def exchanged(path: Path) -> None:
    """The file of another part, whole in itself."""
    path.write_bytes((path.parents[2] / "00000" / path.relative_to(path.parents[1])).read_bytes())


@pytest.mark.parametrize("hurt", [cut_short, flipped, emptied, exchanged, Path.unlink], ids=lambda each: each.__name__)
@pytest.mark.parametrize("file", ["items", "cube", "effects"])
def test_a_damaged_part_is_set_aside_and_counted(run: Path, file: str, hurt: Callable[[Path], None]) -> None:
    hurt(run / PARTS / "00001" / "results" / f"{file}.parquet")
    assert [each.batches for each in taken_up(run, PLAN)] == [(0,), (2,)]
    assert damage(run) == {"damaged_parts": 1}
    again = write_part(run, part(1), [1], PLAN.fingerprint)
    assert again.folder.name == "00003"
    hurt(again.folder / "results" / f"{file}.parquet")
    assert len(taken_up(run, PLAN)) == 2
    assert damage(run) == {"damaged_parts": 2}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"part": 3}', '{"part": {"batches": "x"}}', '{"part": {}}'])
def test_a_manifest_that_says_no_such_thing_is_damage(run: Path, text: str) -> None:
    (run / PARTS / "00001" / "run.json").write_text(text)
    assert len(parts_of(run)) == 2
    assert len(taken_up(run, PLAN)) == 2
    assert damage(run) == {"damaged_parts": 1}


def test_sums_that_are_left_out_are_damage(run: Path) -> None:
    path = run / PARTS / "00001" / "run.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"sums": {}}))
    assert len(taken_up(run, PLAN)) == 2
    assert damage(run) == {"damaged_parts": 1}


def test_a_part_without_its_manifest_was_never_done(run: Path) -> None:
    (run / PARTS / "00001" / "run.json").unlink()
    assert [each.batches for each in parts_of(run)] == [(0,), (2,)]
    assert (run / PARTS / "00001").exists(), "looking changes nothing"
    assert [each.batches for each in taken_up(run, PLAN)] == [(0,), (2,)]
    assert not (run / PARTS / "00001").exists()
    assert damage(run) == {}


def test_parts_of_another_plan_and_batches_that_are_there_already_are_cleared_away(run: Path) -> None:
    write_part(run, part(1), [1], PLAN.fingerprint)
    assert (run / PARTS / "00003" / "run.json").exists()
    assert len(parts_of(run)) == 3
    assert [each.folder.name for each in taken_up(run, PLAN)] == ["00000", "00001", "00002"]
    assert not (run / PARTS / "00003").exists()
    assert taken_up(run, replace(PLAN, batches=2)) == parts_of(run)[:2]
    assert taken_up(run, replace(PLAN, fingerprint="other")) == ()
    assert damage(run) == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"order": 3, "tokens": 1, "batches": 1, "fingerprint": "x"}'])
def test_a_plan_that_is_none_is_not_there(run: Path, text: str) -> None:
    (run / PARTS / "plan.json").write_text(text)
    assert read_plan(run) is None
