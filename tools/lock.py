"""Renews constraints.txt and requirements-hashed.txt, and prints what moved; `make lock`.

torch stays at the version that it has, because development wants its CPU build and pip may have that of one version
alone; `make lock TORCH=2.14.1` moves it.
"""

import argparse
import shutil
import sys
from pathlib import Path

from tools.resolve import GPU, HASHED, LOCK, Pin, moved, parse, pinned, requirements, resolve

_LOCK_HEAD = """\
# One version of every package, for all extras, Python 3.11 or newer, Linux, macOS and Windows. Renewed by `make lock`.
# What torch needs for a GPU is left out: pip takes a CPU build of this version where it has one.
"""
_HASHED_HEAD = """\
# The same versions with the hashes of their files, for `pip install --require-hashes -r requirements-hashed.txt`, then
# `pip install --no-deps .`. Renewed by `make lock`. On Linux this brings torch with CUDA: some gigabytes.
"""


def lock(torch: str | None, uv: Path) -> list[str]:
    """Writes both files and returns a line for each package that moved.

    Args:
        torch: Its version, or None to keep it.
        uv: The program that resolves.
    """
    before = list(parse(LOCK.read_text()))
    wanted = [*requirements(), f"torch=={torch or pinned(LOCK, 'torch')}"]
    options = ("--universal", "--python-version", "3.11", "--generate-hashes")
    # A Python in a browser has no torch.
    pins = [pin for pin in resolve(wanted, *options, uv=uv) if "== 'emscripten'" not in pin.marker]
    after = [Pin(pin.name, pin.version, pin.marker) for pin in pins if not GPU.match(pin.name)]
    LOCK.write_text(_LOCK_HEAD + "".join(f"{pin}\n" for pin in after))
    HASHED.write_text(_HASHED_HEAD + "".join(f"{pin}\n" for pin in pins))
    return moved(before, after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", help="its version; by default the one that it has")
    found = shutil.which("uv", path=Path(sys.executable).parent)
    if found is None:
        raise SystemExit("uv is not installed beside this Python; add it with: pip install uv")
    lines = lock(parser.parse_args().torch, Path(found))
    print("\n".join(lines) if lines else "nothing moved")


if __name__ == "__main__":
    main()
