"""One version of every package that the project's ranges admit, found by uv's resolver.

Needs nothing but Python and uv, because it also runs where nothing of the project is installed.
"""

import os
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "constraints.txt"
HASHED = ROOT / "requirements-hashed.txt"
# What torch brings for GPUs on Linux, where it comes from the index; a CPU build asks for none of it.
GPU = re.compile(r"(nvidia|cuda)-|triton$")
# More places to look for packages. One of them may hold another build of the same version, with another hash.
_SOURCES = ("UV_FIND_LINKS", "UV_EXTRA_INDEX_URL", "UV_TORCH_BACKEND")


@dataclass(frozen=True, slots=True)
class Pin:
    """A version of a package, the environments that it is for (a marker, or nothing for all) and its files' hashes."""

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()

    def __str__(self) -> str:
        line = f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")
        return " \\\n    ".join([line, *(f"--hash={each}" for each in self.hashes)])


def requirements(*, extras: Sequence[str] | None = None, freed: bool = False) -> list[str]:
    """The direct dependencies in pyproject.toml, with those of the extras; `freed` takes the upper ends away."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    own, optional = project["name"], project["optional-dependencies"]
    wanted = [*project["dependencies"], *chain.from_iterable(optional[each] for each in extras or optional)]
    named = dict.fromkeys(each for each in wanted if not each.startswith(f"{own}["))
    return [re.sub(r",?\s*<=?[^,;]*", "", each) if freed else each for each in named]


def resolve(wanted: Iterable[str], *options: str, uv: Path) -> list[Pin]:
    """The versions that satisfy all that is wanted.

    Args:
        wanted: Requirements.
        *options: Of `uv pip compile`.
        uv: The program.

    Raises:
        SystemExit: There are none; uv says why.
    """
    command = [str(uv), "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", *options]
    environment = {name: value for name, value in os.environ.items() if name not in _SOURCES}
    found = subprocess.run(command, input="\n".join(wanted), text=True, capture_output=True, env=environment)
    if found.returncode:
        raise SystemExit(f"no versions satisfy all ranges:\n{found.stderr.strip()}")
    return list(parse(found.stdout))


def parse(text: str) -> Iterator[Pin]:
    """The pins of a requirements file of exact versions."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        said, *hashes = line.split("#")[0].strip().split("--hash=")
        if said:
            pinned, _, marker = said.partition(";")
            name, _, version = pinned.strip().partition("==")
            yield Pin(name, version.strip(), marker.strip(), tuple(each.strip() for each in hashes))


def pinned(path: Path, name: str) -> str:
    """The version of a package in a file of pins."""
    return next(pin.version for pin in parse(path.read_text()) if pin.name == name)


def moved(before: Iterable[Pin], after: Iterable[Pin]) -> list[str]:
    """A line for each package whose versions are not what they were."""
    old, new = versions(before), versions(after)
    return [
        f"{name} {_told(old.get(name))} -> {_told(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def versions(pins: Iterable[Pin]) -> dict[str, list[str]]:
    """The versions of each package: several where environments have different ones."""
    found: dict[str, list[str]] = {}
    for pin in pins:
        found.setdefault(pin.name, []).append(pin.version)
    return found


def _told(versions: list[str] | None) -> str:
    return " and ".join(versions) if versions else "(none)"
