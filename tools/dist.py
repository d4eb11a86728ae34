"""Builds wheel and sdist, looks into them, and runs the wheel's demo where nothing else is installed; `make dist`."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tools.resolve import LOCK, ROOT

DIST = ROOT / "dist"
WEIGHTS = "mediate/models/weights/"
MEGABYTES = 40
# A wheel without one of these works less well than the clone that it was built from, or not at all.
NEEDED = (
    "mediate/__init__.pyi",
    "mediate/py.typed",
    "mediate/cli/__init__.py",
    "mediate/report/page.css",
    "mediate/report/page.html.j2",
)
# What only a clone needs: outputs of notebooks, what is computed, set-ups.
UNWANTED = (".venv", ".ci/", "cache/", "runs/", "results/")
UNWANTED_ENDINGS = (".ipynb", ".pyc")


def build() -> tuple[Path, Path]:
    """The wheel, which is built from the sdist, and the sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    _run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist))
    return wheel, sdist


def faults(wheel: dict[str, int], sdist: Iterable[str]) -> list[str]:
    """What is wrong with the contents, a line each.

    Args:
        wheel: The bytes of each file in the wheel.
        sdist: The names of the files in the sdist, without its folder.
    """
    found = [f"the wheel lacks {name}" for name in NEEDED if name not in wheel]
    found += [f"the wheel has {name}" for name in wheel if not name.startswith(("mediate/", "cot_mediate-"))]
    weights = sum(size for name, size in wheel.items() if name.startswith(WEIGHTS))
    if not 0 < weights < MEGABYTES * 2**20:
        found.append(f"the weights in the wheel are {weights / 2**20:.1f} MB, which is nothing or above {MEGABYTES}")
    found += [f"the sdist has {name}" for name in sdist if name.startswith(UNWANTED) or name.endswith(UNWANTED_ENDINGS)]
    return found


def demo(wheel: Path) -> None:
    """Installs the wheel into an empty environment, with locked versions, and runs its demo on two pairs."""
    with tempfile.TemporaryDirectory() as folder:
        home, out = Path(folder) / "env", Path(folder) / "out"
        _run(sys.executable, "-m", "venv", str(home))
        programs = home / ("Scripts" if os.name == "nt" else "bin")
        options = ("-qq", "--disable-pip-version-check", "--constraint", str(LOCK))
        _run(str(programs / "python"), "-m", "pip", "install", *options, str(wheel))
        # Not in the clone, whose folder of the same name would be taken; models of this size are quicker on one thread.
        environment = os.environ | {"MEDIATE_CACHE": str(Path(folder) / "cache"), "OMP_NUM_THREADS": "1"}
        _run(str(programs / "mediate"), "demo", "--pairs", "2", "--out", str(out), cwd=folder, env=environment)
        pages = list(out.rglob("*.html"))
        if not pages:
            raise SystemExit("the demo wrote no page")
        print(f"dist: the demo wrote {len(pages)} pages", flush=True)


def main() -> None:
    began = time.perf_counter()
    wheel, sdist = build()
    with zipfile.ZipFile(wheel) as packed:
        sizes = {each.filename: each.file_size for each in packed.infolist()}
    with tarfile.open(sdist) as packed_source:
        names = [each.name.partition("/")[2] for each in packed_source.getmembers()]
    if found := faults(sizes, names):
        raise SystemExit("\n".join(f"dist: {each}" for each in found))
    told = (f"{path.name} ({path.stat().st_size / 2**20:.1f} MB)" for path in (wheel, sdist))
    print(f"dist: {' and '.join(told)}, {time.perf_counter() - began:.0f} s", flush=True)
    demo(wheel)
    print(f"dist: built, checked and run, {time.perf_counter() - began:.0f} s")


def _run(*command: str, cwd: str | None = None, env: dict[str, str] | None = None) -> None:
    """Runs a command and is silent, unless it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f"{done.stdout[-4000:]}\ndist: failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
