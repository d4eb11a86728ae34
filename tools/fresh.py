"""Does the main things in a new environment with other versions than the locked ones; `make newest`, `make lowest`.

`newest` is for the newest of everything, past the ends of the ranges too, with torch at its newest CPU build at hand;
`newest-torch` takes torch's newest as well; `lowest` has every direct dependency at its floor, but for torch. The last
line says what broke, and the exit code is 1 if anything did. Needs nothing but Python: uv is installed on the way.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.resolve import GPU, LOCK, ROOT, Pin, parse, pinned, requirements, resolve, versions

WAYS = ("newest", "newest-torch", "lowest")
# Two more libraries for comparison alone; they would hold others back.
LEFT_OUT = "bench"
CORE = (
    "tests/mediation/whole/test_cube_oracle.py",
    "tests/mediation/kinds/test_state.py",
    "tests/identities/test_plain.py",
)
MINUTES = 6


@dataclass(slots=True)
class Report:
    """What was done in one environment, told as it goes.

    Args:
        way: One of `WAYS`.
        broke: What went wrong, a few words each.
    """

    way: str
    broke: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        print(f"{self.way}: {line}", flush=True)

    def note(self, name: str, seconds: float, reason: str) -> None:
        """A line on one check, with its time and, where it broke, why."""
        self.say(f"{'broke' if reason else 'ok':6}{name}, {seconds:.1f} s {reason}".rstrip())
        if reason:
            self.broke.append(f"{name} ({reason})")


def torch_at_hand(python: Path) -> str:
    """The newest torch that installs without CUDA: of the CPU builds that pip lists, else the locked one.

    Other systems than Linux have no CUDA in the builds of the index, but not always a build of the newest version.
    """
    listed = subprocess.run([python, "-m", "pip", "index", "versions", "torch"], text=True, capture_output=True).stdout
    builds = re.findall(r"\b(\d+(?:\.\d+)+)\+cpu", listed)
    newest = max((tuple(map(int, each.split("."))) for each in builds), default=())
    return ".".join(map(str, newest)) or pinned(LOCK, "torch")


def install(way: str, home: Path, torch: str | None) -> list[Pin]:
    """Makes the environment anew and returns what the resolver chose, without what torch needs for a GPU.

    Raises:
        SystemExit: No versions satisfy all, or pip fails.
    """
    subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
    python = _programs(home) / "python"
    _pip(python, "uv")
    extras = [each for each in _extras() if each != LEFT_OUT]
    wanted = requirements(extras=extras, freed=way != "lowest")
    if way != "newest-torch" or torch:
        # A floor of torch would bring its CUDA; what is at hand is within the ranges.
        wanted.append(f"torch=={torch or (torch_at_hand(python) if way == 'newest' else pinned(LOCK, 'torch'))}")
    options = ("--python", str(python), *(("--resolution", "lowest-direct") if way == "lowest" else ()))
    chosen = [pin for pin in resolve(wanted, *options, uv=_programs(home) / "uv") if not GPU.match(pin.name)]
    pins, direct = home / "constraints.txt", home / "requirements.txt"
    pins.write_text("".join(f"{pin}\n" for pin in chosen))
    direct.write_text("".join(f"{each}\n" for each in wanted))
    _pip(python, "--constraint", str(pins), "--requirement", str(direct))
    _pip(python, "--no-deps", "--editable", str(ROOT))
    return chosen


def untrue(wanted: Sequence[str], chosen: Sequence[Pin]) -> list[str]:
    """Direct dependencies that the others never let down to their floor; torch's is not tried."""
    found = {pin.name: pin.version for pin in chosen if pin.name != "torch"}
    floors = (re.match(r"([\w-]+).*>=([\d.]+)", each) for each in wanted)
    return [
        f"{floor[1]} is {found[floor[1]]} at least, not {floor[2]}"
        for floor in floors
        if floor and floor[1] in found and _number(found[floor[1]]) != _number(floor[2])
    ]


def smoke(python: Path, report: Report) -> None:
    """Runs `tools.smoke` in the environment."""
    began, broke = time.perf_counter(), list[str]()
    command = [str(python), "-m", "tools.smoke"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        for line in map(str.rstrip, running.stdout or ()):
            if line.startswith("broke "):
                broke.append(line.removeprefix("broke ").strip())
            if line.startswith(("broke ", "ok ")):
                report.say(line)
    report.broke.extend(broke)
    if running.returncode and not broke:
        report.note("smoke", time.perf_counter() - began, f"it ended with {running.returncode}: python -m tools.smoke")


def core(python: Path, report: Report) -> None:
    """The numerics' tests, in `newest` under each set of vector instructions that torch can be held to."""
    asked = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    native = subprocess.run([python, "-c", asked], text=True, capture_output=True).stdout.strip().lower()
    others = ["default", *(["avx2"] if native.startswith("avx") else [])]
    levels = [native] if report.way == "lowest" else [*others, native]
    for level in dict.fromkeys(levels):
        began = time.perf_counter()
        command = [str(python), "-m", "pytest", "-n", "2", "-m", "not slow", "-p", "no:cacheprovider", *CORE]
        environment = os.environ | ({"ATEN_CPU_CAPABILITY": level} if level != native else {})
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, env=environment)
        failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, flags=re.MULTILINE)
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        reason = f"{len(failed)} tests, {', '.join(failed[:2])}" if failed else "".join(last)
        report.note(f"the suite's core under {level}", time.perf_counter() - began, reason if done.returncode else "")


def run(way: str, torch: str | None) -> Report:
    """Installs, checks and tells; whatever goes wrong is in the report."""
    report, home, began = Report(way), ROOT / f".venv-{way}", time.perf_counter()
    report.say(f"installing into {home.name} (about 2 GB, a few minutes)")
    try:
        chosen = install(way, home, torch)
    except (SystemExit, subprocess.CalledProcessError) as error:
        report.note("installing", time.perf_counter() - began, " ".join(str(error).split())[:300])
        return report
    report.note("installing", time.perf_counter() - began, "")
    locked = versions(parse(LOCK.read_text()))
    for pin in chosen:
        if pin.version not in locked.get(pin.name, ()):
            report.say(f"{pin.name} {pin.version} (locked: {' and '.join(locked.get(pin.name, ['none']))})")
    if way == "lowest":
        report.note("floors", 0, "; ".join(untrue(requirements(extras=_extras()), chosen)))
    python, began = _programs(home) / "python", time.perf_counter()
    smoke(python, report)
    core(python, report)
    took = (time.perf_counter() - began) / 60
    report.say(f"{took:.1f} minutes" + (f", more than the {MINUTES} that it should take" if took > MINUTES else ""))
    return report


def _number(version: str) -> tuple[int, ...]:
    """1.0 and 1 are the same version."""
    parts = [int(each) for each in re.findall(r"\d+", version)]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _extras() -> Sequence[str]:
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def _programs(home: Path) -> Path:
    return home / ("Scripts" if os.name == "nt" else "bin")


def _pip(python: Path, *wanted: str) -> None:
    command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()[-1:]
        raise SystemExit(f"pip: {' '.join(errors)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--torch", help="this version of it")
    given = parser.parse_args()
    report = run(given.way, given.torch)
    report.say(f"broke: {'; '.join(report.broke)}" if report.broke else "nothing broke")
    sys.exit(bool(report.broke))


if __name__ == "__main__":
    main()
