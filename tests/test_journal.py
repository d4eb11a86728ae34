"""The log of a command: strict JSON lines, with no secret in them, whatever happens."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mediate.errors import HIDDEN, InputError, redacted
from mediate.journal import LONGEST, close_journal, note, open_journal


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_journal()


def refused(constant: str) -> None:
    raise AssertionError(constant)


def lines(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    assert content.isascii()
    assert content.endswith(b"\n")
    return [json.loads(line, parse_constant=refused) for line in content.split(b"\n")[:-1]]


def test_what_happens_is_appended_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    note("before", what="nothing is kept")
    open_journal(path)
    note("start", command="score", level=float("nan"), many=(1, 2.5, None, True))
    note("item", item="a", status="measured")
    note("item", item="b\n\x1b[2J\u2028", status="rejected")
    close_journal(status="success", code=0)
    note("after")
    found = lines(path)
    assert [each["event"] for each in found] == ["start", "item", "item", "end"]
    assert (found[0]["level"], found[0]["many"]) == (None, [1, 2.5, None, True])
    assert found[2]["item"] == "b\n\x1b[2J\u2028"
    assert found[3]["counts"] == {"item measured": 1, "item rejected": 1, "start": 1}
    assert found[3]["seconds"] >= 0
    assert all(each["time"].endswith("Z") and len(each["time"]) == 24 for each in found)
    open_journal(path)
    close_journal(status="error", code=2)
    assert [each["event"] for each in lines(path)][-2:] == ["end", "end"]


SECRETS = [
    "hf_abcdefghijKLMNOPQRST",
    "sk-proj-abcdefghijklmnop",
    "ghp_0123456789abcdefABCDEF",
    "github_pat_0123456789abcdef",
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-1234567890-abcdef",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_blacked_out(tmp_path: Path, secret: str) -> None:
    open_journal(tmp_path / "log.jsonl")
    note("start", model=f"a {secret} b", deep={"list": [{secret: secret}]}, path=Path(f"/x/{secret}"))
    close_journal(status="error", code=1, text=f"token {secret}")
    assert secret not in (tmp_path / "log.jsonl").read_text()
    assert HIDDEN in (tmp_path / "log.jsonl").read_text()


def test_secrets_in_addresses_and_headers_are_too() -> None:
    assert redacted("https://me:pass@host/x") == f"https://{HIDDEN}@host/x"
    assert redacted("Authorization: Bearer abcdefgh.ijk") == f"Authorization: Bearer {HIDDEN}"
    assert redacted("?token=abc&x=1") == f"?token={HIDDEN}&x=1"
    for harmless in ("hf_hub", "task-1", "maps=read:step,layer", "a/b@c", "skeleton-key-of-doors"):
        assert redacted(harmless) == harmless


def test_the_environment_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "very-much-a-secret")
    open_journal(tmp_path / "log.jsonl")
    note("start", options={"model": "m"})
    close_journal(status="success", code=0)
    assert "very-much" not in (tmp_path / "log.jsonl").read_text()


def test_long_texts_are_shortened(tmp_path: Path) -> None:
    open_journal(tmp_path / "log.jsonl")
    note("said", text="x" * 10**6, many=list(range(10**5)))
    found = lines(tmp_path / "log.jsonl")[0]
    assert len(found["text"]) == LONGEST
    assert len(found["many"]) == 1000


def test_lines_of_threads_stay_whole(tmp_path: Path) -> None:
    open_journal(tmp_path / "log.jsonl")
    threads = [Thread(target=lambda: [note("item", status="measured", item="x" * 500) for _ in range(50)])] * 1
    threads += [Thread(target=lambda: [note("told", text="y" * 500) for _ in range(50)]) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(lines(tmp_path / "log.jsonl")) == 200


def test_no_log_in_the_run_directory_and_none_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a log in the run directory"):
        open_journal(tmp_path / "run" / "log.jsonl", tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match=r"cannot be written \(Is a directory\)"):
        open_journal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe"):
        open_journal(tmp_path / "pipe")


def test_a_disk_that_takes_no_more_ends_nothing(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    open_journal(tmp_path / "log.jsonl")
    from mediate.journal import _OPEN

    full = os.open("/dev/full", os.O_WRONLY)
    kept, _OPEN[0].file = _OPEN[0].file, full
    note("item", item="a")
    close_journal(status="success", code=0)
    os.close(kept)
