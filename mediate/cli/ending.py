"""How a command ends when it does not end well: one line on standard error and an exit code, never a traceback.

A wrong input and a refusal of the operating system are exit code 2. Ctrl-C is 130; SIGTERM, which batch systems send
before they kill, and the loss of the terminal end a command as Ctrl-C does, with 128 and the signal's number.
"""

import errno
import json
import logging
import math
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import FrameType
from typing import Any

import typer

from mediate.cli.messages import as_options
from mediate.errors import InputError, inert, one_line, redacted, system_number, told
from mediate.journal import close_journal, note

GOES_ON = "the same command goes on where this one stopped"
# The most characters of a line.
LONGEST = 2000
# Where one of these was met, whatever error came of it is theirs.
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


_AS_JSON: ContextVar[bool] = ContextVar("as_json", default=False)


class Terminated(KeyboardInterrupt):
    """A signal that ends a process; whatever is done at Ctrl-C is done at this, too."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stopped(BaseException):
    """What is left of a KeyboardInterrupt where typer would end the process without a word."""


@contextmanager
def ended() -> Iterator[None]:
    """Runs a command: whatever ends it is told, and is its exit code."""
    as_json(False)
    with _signals(), _warnings(), _logged():
        try:
            try:
                yield
            finally:
                sys.stdout.flush()  # a full disk behind standard output is met here
        except InputError as error:
            say(as_options(str(error)))
            sys.exit(2)
        except (KeyboardInterrupt, Stopped) as stop:
            interrupt = stop.__cause__ if isinstance(stop, Stopped) else stop
            number = interrupt.number if isinstance(interrupt, Terminated) else signal.SIGINT
            what = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
            done = "".join(f"; {note}" for note in getattr(interrupt, "__notes__", ()))  # how much is done, of a run
            say(f"{what}{done}; {GOES_ON}")
            sys.exit(128 + number)
        except BrokenPipeError:  # whoever read has gone, as `head` does
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except Exception as error:
            refused = _refusal(error)
            if refused is None:
                raise
            say(told(refused))
            sys.exit(2)
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # how libraries in Rust fail; none that can be imported
                raise
            say(f"a library failed within ({one_line(error)}); give another model or tokenizer, or other items")
            sys.exit(2)


def put(text: str) -> None:
    """Text on standard output, without what a terminal would take for commands: names of files are anybody's.

    Where a command writes JSON, it goes to standard error.
    """
    typer.echo(inert(text), err=_AS_JSON.get())


def put_coloured(text: str) -> None:
    """Text on standard output that has colours of our own; what text from outside could do was taken out before."""
    typer.echo(text)


def as_json(wanted: bool) -> bool:
    """From here on standard output is for one JSON object alone, where that is wanted; and whether it is."""
    _AS_JSON.set(wanted)
    return wanted


def writes_json() -> bool:
    """Whether the command that runs writes JSON."""
    return _AS_JSON.get()


def put_json(value: Mapping[str, Any]) -> None:
    """One JSON object on standard output; what is no number is null, and no name can hold what a terminal obeys."""
    typer.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def say(line: str) -> None:
    """One line on standard error, without secrets and what a terminal would take for commands."""
    text = inert(" ".join(redacted(line).split()))
    if len(text) > LONGEST:  # whoever gave a long value knows it, and nobody reads it
        text = f"{text[: LONGEST // 2]} [...] {text[-LONGEST // 2 :]}"
    note("said", text=text)
    typer.echo(f"mediate: {text}", err=True)


def _refusal(error: BaseException) -> OSError | None:
    """The operating system's refusal that an error is, or comes of; None where it is something else."""
    if isinstance(error, OSError):
        return error
    if system_number(error) is not None and type(error).__module__.partition(".")[0] != "mediate":
        number = system_number(error) or 0
        return OSError(number, os.strerror(number))
    earlier: BaseException | None = error
    while earlier is not None:
        if isinstance(earlier, OSError) and earlier.errno in _OF_THE_DISK:
            return earlier
        earlier = earlier.__cause__ or earlier.__context__
    return None


@contextmanager
def _signals() -> Iterator[None]:
    """While open, the signals that end a process do so as Ctrl-C; what somebody else has set is left alone."""

    def end(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    taken = []
    for name in ("SIGTERM", "SIGHUP"):  # the second is not everywhere
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            try:
                signal.signal(number, end)
            except ValueError:  # not in the main thread
                continue
            taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _logged() -> Iterator[None]:
    """Ends the log of the command, if it keeps one, with its exit code."""
    code: Any = 1
    try:
        yield
        code = 0
    except SystemExit as end:
        code = end.code or 0
        raise
    finally:
        named = {0: "success", 128 + signal.SIGINT: "cancelled", 128 + signal.SIGTERM: "cancelled"}
        close_journal(status=named.get(code, "error"), code=code)


class _LineHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(f"warning: {record.getMessage()}")


@contextmanager
def _warnings() -> Iterator[None]:
    """While open, the package's own warnings are lines of the command's."""
    handler, logger = _LineHandler(logging.WARNING), logging.getLogger("mediate")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
