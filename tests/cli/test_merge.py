"""Shards and their merging at the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import mediate as md
from mediate.files import HEARTBEAT
from mediate.pairs.files import pairs_content
from tests.cli.whole.test_held_directories import ELSEWHERE
from tests.scoring.engines.test_sharded import content
from tests.test_cli import mediate

pytestmark = pytest.mark.usefixtures("undrawn")


def test_an_array_of_shards_is_merged_to_the_run_of_one_process(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "pairs.jsonl").write_bytes(pairs_content(tmp_path / "pairs.jsonl", md.modular_pairs(6, seed=2)))
    command = ["score", "pairs.jsonl", "--model", "reference-0.1m", "--control-pairs", "1", "--no-report"]
    for number in ("0", "1"):
        monkeypatch.setenv("RANK", number)
        monkeypatch.setenv("WORLD_SIZE", "2")
        done = mediate(*command, "--out", "run", "--shard", "auto", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"shard: {int(number) + 1}/2 (RANK {number} of WORLD_SIZE 2)" in done.stderr
        assert "next: mediate merge run (once all shards are measured)" in done.stderr
        if number == "0":
            early = mediate("merge", "run", cwd=tmp_path)
            assert early.returncode == 2
            assert early.stderr == (
                "mediate: run: 1 of 2 shards are not finished: 2/2 (not begun); run the command that made the others "
                "with --shard 2/2 and so on, and merge again\n"
            )
    (tmp_path / "run" / HEARTBEAT).write_text(json.dumps(ELSEWHERE))
    refused = mediate("merge", "run", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "process 7 on elsewhere" in refused.stderr
    assert "give --takeover" in refused.stderr
    with pytest.raises(md.InputError, match="process 7 on elsewhere"):
        md.merge(tmp_path / "run")
    merged = mediate("merge", "run", "--takeover", cwd=tmp_path)
    assert merged.returncode == 0, merged.stderr
    assert not (tmp_path / "run" / HEARTBEAT).exists()
    assert len(md.merge(tmp_path / "run").results.items) == 6
    assert "report: run/report.html" in merged.stdout
    whole = mediate(*command, "--out", "whole", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert content(tmp_path / "run") == content(tmp_path / "whole")
    assert "shard" not in json.loads((tmp_path / "run" / "run.json").read_text())
    unread = mediate(*command, "--out", "run", "--shard", "1/2", "--engine", "ray", cwd=tmp_path)
    assert (unread.returncode, unread.stderr.count("\n")) == (2, 1)


def test_a_finished_run_is_known_before_ray_or_a_model_is_started(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_bytes(pairs_content(tmp_path / "pairs.jsonl", md.modular_pairs(2, seed=2)))
    command = ["score", "pairs.jsonl", "--model", "reference-0.1m", "--control-pairs", "0", "--out", "run"]
    done = mediate(*command, "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = (
        "import sys; sys.modules['ray'] = None\n"
        f"sys.argv = ['mediate', *{command!r}, '--no-report', '--engine', 'ray']\n"
        "import mediate.cli\ntry: mediate.cli.main()\n"
        "finally: print('torch' in sys.modules)"
    )
    again = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "holds this very run" in again.stdout
    assert "2 of 2 measured; nothing was computed" in again.stdout
    assert again.stdout.splitlines()[-1] == "False"
