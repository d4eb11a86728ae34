"""The command in processes of their own, forked from one that has imported it, with parts that are closed early.

Imports take longer than a small run does. A process that is killed in them has done nothing yet, so that they would
only make a storm of faults milder and slower.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

# A part is closed after this many seconds, or items: a small run has many.
SECONDS, ITEMS = 0.2, 20
_SERVER = get_context("forkserver")
_SERVER.set_forkserver_preload(["mediate.cli", "mediate.scoring.score", "transformer_lens", "tools.faults.started"])


@dataclass(frozen=True, slots=True)
class Started:
    """A command that was started.

    Args:
        process: It, in a session of its own.
        errors: The file of what it says on standard error.
    """

    process: ForkServerProcess
    errors: Path

    @property
    def pid(self) -> int:
        """The number by which the system knows it."""
        return self.process.pid or 0

    @property
    def code(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it runs."""
        return self.process.exitcode

    def wait(self) -> str:
        """Waits for its end, and returns what it said."""
        self.process.join()
        return self.errors.read_text(encoding="utf-8", errors="replace")

    def finish(self) -> str:
        """Waits for a command that should end well, and returns what it said.

        Raises:
            RuntimeError: It did not.
        """
        said = self.wait()
        if self.code:
            raise RuntimeError(f"exit {self.code}: {said[-800:]}")
        return said

    def kill(self) -> bool:
        """Kills it and all that it started; whether it was still running, and not at its end."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.kill()  # where its session had not begun yet
        self.process.join()
        return self.code == -signal.SIGKILL


def start(words: Sequence[str], settings: Mapping[str, str], errors: Path) -> Started:
    """Starts `mediate` with these words and environment, on one thread.

    Args:
        words: Command and options.
        settings: Of the environment.
        errors: The file for what it says on standard error; it need not exist.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # the server reads it as it imports torch
    # What killed processes leave behind is cleared away by Python's tracker, which warns of each.
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
    errors.parent.mkdir(parents=True, exist_ok=True)
    errors.touch()
    process = _SERVER.Process(target=_run, args=(list(words), dict(settings), str(errors)))
    process.start()
    return Started(process, errors)


def _run(words: list[str], settings: dict[str, str], errors: str) -> None:
    os.setsid()
    os.environ.update(settings)
    for stream, place in ((1, os.devnull), (2, errors)):
        opened = os.open(place, os.O_WRONLY)
        os.dup2(opened, stream)
        os.close(opened)

    from mediate.cli import main
    from mediate.scoring import keeping

    keeping.SECONDS, keeping.ITEMS = SECONDS, ITEMS
    sys.argv = ["mediate", *words]
    main()
