"""`mediate status`."""

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.test_ending import assert_refused, mediate
from tests.results.test_partial import unfinished


def test_it_is_said_in_words_and_in_json(tmp_path: Path) -> None:
    run = unfinished(tmp_path / "run")
    done = mediate("status", run, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "items: 4 of 6 measured, 2 left"
    told = json.loads(mediate("status", run, "--json", cwd=tmp_path).stdout)
    assert (told["measured"], told["left"], told["running"]) == (4, 2, False)
    assert_refused(mediate("status", tmp_path, cwd=tmp_path), "not a run directory")


def test_it_is_quick_because_it_loads_little(tmp_path: Path) -> None:
    run = unfinished(tmp_path / "run")
    code = (
        f"import sys; from mediate.cli.status import status; status({str(run)!r}, False); "
        "print({'torch', 'pandas', 'pyarrow', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
