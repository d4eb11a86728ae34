"""The before and after of docs/tuning.md runs as it stands, and finds what the page says."""

import re
import shlex
from pathlib import Path

import pytest

from tests.test_cli import mediate

PAGE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_before_and_after_runs_as_it_stands(tmp_path: Path) -> None:
    part = PAGE.split("## Before and after, to copy")[1].split("\n## ")[0]
    commands, tuned, compared = re.findall(r"```\n(.+?)```", part, flags=re.DOTALL)
    said = []
    for line in commands.splitlines():
        run = mediate(*shlex.split(line)[1:], cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        said.append(run.stdout)
    for line in tuned.splitlines():
        if line.startswith(("swapped: 200 steps on 720", "trained on", "right answers held out, before", "model")):
            assert line.partition(", loss")[0] in said[2]
    assert "right answers held out, after: 64 of 64 after a chain of its own" in said[2]
    assert "It changed: the difference is -99" in compared
    assert re.search(r"It changed: the difference is\s-9\d", said[-1])
