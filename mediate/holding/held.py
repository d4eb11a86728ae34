"""A folder held by one process: a lock of the system's, and a sign of life that says who it is."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname
from threading import Event, Thread

from mediate.errors import InputError, short
from mediate.files import HEARTBEAT, LOCK, PART, check_place, drop_orphans
from mediate.watch import duration

# How often whoever holds a folder gives a sign of life, in seconds.
BEAT = 10.0
# The folders that are held here; another thread has its own, and is refused as another process is.
_HERE: ContextVar[frozenset[Path]] = ContextVar("held", default=frozenset())


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a folder, as the folder's `heartbeat.json` has it.

    Args:
        pid: Its number.
        host: The name of the machine that it is on.
        started: When it began to hold the folder, in UTC.
        beat: When it last gave a sign, in seconds since 1970; it gives one every ten seconds.
        born: When the process began, as its system counts; numbers of processes are used again. Empty if unknown.
    """

    pid: int
    host: str
    started: str
    beat: float
    born: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, on this machine."""
        return self.host == gethostname()

    @property
    def lives(self) -> bool | None:
        """Whether the process is running; None of one on another machine, of which that cannot be known."""
        if not self.is_here:
            return None
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:  # another user's
            pass
        return not self.born or _born(self.pid) in ("", self.born)

    @property
    def may_hold(self) -> bool:
        """Whether it may hold a folder whose lock is free.

        One on another machine may, where locks are not seen from here. One on this machine may where it is another that
        runs: it made the lock anew while the one before, which was just taken away, was being tried.
        """
        return not self.is_here or (bool(self.lives) and self.pid != os.getpid())

    def __str__(self) -> str:
        ago = max(0.0, time.time() - self.beat)
        return f"process {self.pid} on {self.host}, since {self.started}, last sign {duration(ago)} ago"


def owner_of(folder: Path) -> Owner | None:
    """Who holds a folder, or held it when it was killed; None where nobody has."""
    try:
        told = json.loads((folder / HEARTBEAT).read_text(encoding="utf-8"))
        who = int(told["pid"]), short(str(told["host"])).strip("'"), short(str(told["started"])).strip("'")
        return Owner(*who, float(told["beat"]), str(told["born"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _born(pid: int) -> str:
    """When a process began, in ticks since the system did; empty where that cannot be seen."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError, ValueError):
        return ""


@contextmanager
def held(folder: Path, refusal: str, *, takeover: bool = False) -> Iterator[None]:
    """Holds a folder, which is made where it is missing, for this process.

    Inside, what holds it again goes on with it. The system's lock decides where it can. Not every network disk has
    locks that other machines see, so a folder that a process on another machine holds, or held when it was killed, is
    taken over only where that is asked for. Who holds it stands in `heartbeat.json`, renewed every ten seconds and
    removed at the end, as are folders that were made for it and in which nothing stands then; the lock itself is
    emptied by whoever tries it. Files that killed processes had not put in place are deleted at the beginning.

    Args:
        folder: The folder.
        refusal: What is said, after its name, where another process holds it.
        takeover: Whether it is taken from a process on another machine.

    Raises:
        InputError: Another process holds it, and who that is; so does another thread of this one.
    """
    own = Path(os.path.realpath(folder))
    if own in _HERE.get():
        yield
        return
    check_place(folder)
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        with _locked(folder, refusal):
            owner = owner_of(folder)
            if owner is not None and not takeover and owner.may_hold:
                raise InputError(
                    f"{folder}: {owner} holds it or was killed there; make sure that it is dead, then give --takeover"
                )
            drop_orphans(folder)
            token = _HERE.set(_HERE.get() | {own})
            try:
                with _beating(folder):
                    yield
            finally:
                _HERE.reset(token)
    finally:
        with suppress(OSError):  # something stands there
            for each in made:
                each.rmdir()


@contextmanager
def _locked(folder: Path, refusal: str) -> Iterator[None]:
    """The system's lock of a folder."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    place = folder / LOCK
    if place.is_symlink() or (place.exists() and not place.is_file()):
        raise InputError(f"{place}: is no file of ours; remove it or give another folder")
    lock = FileLock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        owner = owner_of(folder)
        raise InputError(f"{folder}: {refusal}" + (f" ({owner})" if owner else "")) from None
    try:
        yield
    finally:
        place.unlink(missing_ok=True)  # while it is held: what is deleted is no one else's
        lock.release()


@contextmanager
def _beating(folder: Path) -> Iterator[None]:
    """While open, the folder says who holds it, and that the process is alive."""
    pid, over, place = os.getpid(), Event(), folder / HEARTBEAT
    part, started = place.with_name(f".{place.name}.{pid}{PART}"), datetime.now(UTC).isoformat(timespec="seconds")
    own = Owner(pid, gethostname(), started.replace("+00:00", "Z"), time.time(), _born(pid))

    def beat() -> None:
        with suppress(OSError):  # a full disk is met by what matters
            part.unlink(missing_ok=True)
            part.write_text(json.dumps(asdict(own) | {"beat": round(time.time(), 3)}) + "\n", encoding="utf-8")
            part.replace(place)

    def go_on() -> None:
        while not over.wait(BEAT):
            beat()

    beat()
    thread = Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        place.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
