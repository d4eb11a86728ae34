"""The files of a page's figures, some of which a second process draws."""

import json
import os
import select
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import parent_process
from typing import IO

from mediate.figures.figure import Figure
from mediate.forking import can_fork, cores, ended, forked

LEAST = 4  # with fewer figures one process is as soon through with them
Files = dict[str, bytes]


def files_of(figures: Sequence[Figure], *kinds: str) -> Iterator[Files]:
    """The files of each figure in turn, as `Figure.files` has them.

    The first figure is drawn here, which loads what all of them need. Of the others a forked process draws the last
    ones, from the end; this one goes on from the start. What the other is at, or never tells of, is drawn here: nothing
    waits for it.
    """
    if not figures:
        return
    yield figures[0].files(*kinds)
    with _second_process(figures[1:], kinds) as drawn:
        for place, figure in enumerate(figures[1:]):
            yield drawn(place) or figure.files(*kinds)


@contextmanager
def _second_process(figures: Sequence[Figure], kinds: Sequence[str]) -> Iterator[Callable[[int], Files]]:
    """While this is open a second process draws, where there are figures and cores for one; it gives what it has."""
    # A page that is made beside the measuring has no core to itself as it is.
    if len(figures) < LEAST or not can_fork() or cores() < 2 or parent_process() is not None:
        yield _nothing
        return
    with ExitStack() as held:
        try:
            file = held.enter_context(os.fdopen(os.memfd_create("figures"), "w+b", buffering=0))
            told, tell = os.pipe()
            for end in (told, tell):
                held.callback(os.close, end)
            held.callback(ended, forked(partial(_draw, figures, kinds, tell, file)))
        except OSError:
            yield _nothing
            return
        yield _Told(told, file).files


def _nothing(place: int) -> Files:
    return {}


def _draw(figures: Sequence[Figure], kinds: Sequence[str], tell: int, file: IO[bytes]) -> None:
    """Draws the last figure first, and says of each where its files are; of one that warns or fails it says nothing."""
    for place in reversed(range(len(figures))):
        try:
            with warnings.catch_warnings(record=True) as warned:
                files = figures[place].files(*kinds)
        except Exception:  # it is met again where it can be told
            continue
        if warned:
            continue
        start = file.tell()
        for content in files.values():
            file.write(content)
        sizes = {kind: len(content) for kind, content in files.items()}
        os.write(tell, json.dumps([place, start, sizes]).encode("ascii") + b"\n")


class _Told:
    """What a second process has drawn.

    Args:
        told: Where it says which figures are where in the file.
        file: The file, which is in memory alone.
    """

    def __init__(self, told: int, file: IO[bytes]) -> None:
        self._told, self._file = told, file
        self._heard, self._at = b"", dict[int, tuple[int, dict[str, int]]]()

    def files(self, place: int) -> Files:
        """The files of a figure; none where it is not drawn yet."""
        while select.select([self._told], [], [], 0)[0]:
            *lines, self._heard = (self._heard + os.read(self._told, 1 << 16)).split(b"\n")
            for line in lines:
                number, start, sizes = json.loads(line)
                self._at[number] = start, sizes
        start, sizes = self._at.get(place, (0, {}))
        found: Files = {}
        for kind, size in sizes.items():
            found[kind] = os.pread(self._file.fileno(), size, start)
            start += size
        return found
