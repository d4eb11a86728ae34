"""How far a run is, as the directory has it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.files import HEARTBEAT
from mediate.holding.held import Owner, held
from mediate.results import write_results
from mediate.results.parts import PARTS
from mediate.results.run_status import NAMED, status_of
from mediate.results.sharding import SHARDS, shard_folder
from tests.results.test_partial import unfinished
from tests.results.test_parts import WHOLE


def owned(run: Path, **said: object) -> None:
    own = {"pid": 1, "host": "elsewhere", "started": "2026-01-02T03:04:05Z", "beat": time.time(), "born": ""}
    (run / HEARTBEAT).write_text(json.dumps(own | said))


def test_a_run_that_was_killed_says_what_is_left(tmp_path: Path) -> None:
    run = unfinished(tmp_path / "run", created="2026-01-02T03:04:05Z")
    found = status_of(run)
    assert (found.status, found.given, found.planned, found.measured, found.left) == ("started", 7, 6, 4, 2)
    assert found.running is False
    assert str(found).splitlines() == [
        f"{run}: started, begun 2026-01-02T03:04:05Z",
        "items: 4 of 6 measured, 2 left",
        "left out: 1 (1 x too_long)",
        "parts: 2",
        "next: the same command goes on",
    ]
    told = json.loads(json.dumps(found.described()))
    assert (told["left"], told["parts"], told["goes_on"]) == (2, 2, "the same command goes on")


def test_who_holds_it_is_said_with_whether_it_lives(tmp_path: Path) -> None:
    run = unfinished(tmp_path / "run")
    with held(run, "taken"):
        found = status_of(run)
        assert found.owner is not None
        assert (found.owner.pid, found.running, found.goes_on) == (os.getpid(), True, "wait for it")
        assert "held by: process" in str(found)
    owned(run)
    assert status_of(run).running is None
    assert "held, or last held, on another machine by: process" in str(status_of(run))
    assert status_of(run).goes_on == "where that process is dead: the same command with --takeover"
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    here = os.uname().nodename
    owned(run, pid=int(done.stdout), host=here)
    assert status_of(run).running is False
    assert "last held by, and dead: process" in str(status_of(run))
    owned(run, pid=os.getpid(), host=here, born="1")
    assert status_of(run).running is False, "the number is another process' by now"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x"}', '{"pid": 1e999}'])
def test_a_sign_of_life_that_is_none_is_nobody(tmp_path: Path, text: str) -> None:
    run = unfinished(tmp_path / "run")
    (run / HEARTBEAT).write_text(text)
    assert status_of(run).owner is None


def test_a_finished_run_has_nothing_left(tmp_path: Path) -> None:
    counts = {"given": 7, "measured": 6, "rejected": 1, "by_reason": {"too_long": 1}}
    write_results(tmp_path / "run", replace_counts(counts))
    found = status_of(tmp_path / "run")
    assert (found.status, found.left, found.measured, found.parts) == ("success", 0, 6, 0)
    assert str(found).splitlines()[1:] == [
        "items: 6 measured",
        "left out: 1 (1 x too_long)",
        f"next: mediate report {tmp_path / 'run'}",
    ]


def replace_counts(counts: dict[str, object], **said: object):
    from dataclasses import replace

    return replace(WHOLE, manifest=dict(WHOLE.manifest) | {"counts": counts, "status": "success"} | said)


def test_an_error_and_damage_are_said(tmp_path: Path) -> None:
    run = unfinished(tmp_path / "run", status="error", error="OSError: no\nspace")
    (run / PARTS / "00007.corrupt").mkdir()
    found = status_of(run)
    assert (found.error, found.damaged) == ("OSError: no space", 1)
    assert "parts: 2, 1 damaged ones set aside" in str(found)


def test_shards_are_told_one_by_one(tmp_path: Path) -> None:
    first, second = (shard_folder(tmp_path, number, 3) for number in (1, 2))
    unfinished(first, shard={"number": 1, "of": 3}, created="")
    write_results(second, replace_counts({"given": 7, "measured": 6}, shard={"number": 2, "of": 3}, created=""))
    found = status_of(tmp_path)
    assert (found.status, found.measured, [each.status for each in found.shards]) == (
        "sharded", 10, ["started", "success"]
    )  # fmt: skip
    assert (found.of, found.not_begun) == (3, (3,))
    assert str(found).splitlines()[1:] == [
        "items: 10 measured",
        "left out: 1 (1 x too_long)",
        "shards: 1 of 3 finished",
        f"  {first}: shard 1 of 3, started; 4 measured",
        f"  {second}: shard 2 of 3, success; 6 measured",
        "  not begun: 3/3",
        "next: finish 2 shards with the same commands",
    ]
    assert status_of(second).goes_on == "mediate merge DIR, once all shards are measured"
    (tmp_path / "run.json").write_text('{"status": "started"}')
    assert status_of(tmp_path).shards == found.shards, "where they were being put together"
    (first / "run.json").write_text("{")
    assert [each.status for each in status_of(tmp_path).shards] == ["error", "success"]


def test_of_many_shards_that_nobody_has_begun_a_few_are_named(tmp_path: Path) -> None:
    unfinished(shard_folder(tmp_path, 1, 999_999))
    (tmp_path / SHARDS / "0-of-2").mkdir()
    assert f"{NAMED + 1}/999999 and {999_998 - NAMED:,} more" in str(status_of(tmp_path))
    assert "10/" not in str(status_of(tmp_path))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run directory"):
        status_of(tmp_path)


def test_counts_that_are_none_are_not_said(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"status": 3, "counts": {"given": "x", "by_reason": []}, "error": ["x"]}')
    found = status_of(tmp_path)
    assert (found.status, found.given, found.measured, found.left) == ("unknown", None, 0, None)
    assert str(Owner(1, "h", "t", 0.0))
