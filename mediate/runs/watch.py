"""Progress bars of long work, shown where a caller asked for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SHOWN: ContextVar[bool] = ContextVar("shown", default=False)
# Work that is done sooner gets no bar, in seconds.
_DELAY = 3.0


@contextmanager
def bars(shown: bool = True) -> Iterator[None]:
    """While open, work that takes long shows how far it is and how much time is left."""
    token = _SHOWN.set(shown)
    try:
        yield
    finally:
        _SHOWN.reset(token)


@contextmanager
def bar(total: int, what: str) -> Iterator[Callable[[int], object]]:
    """A bar over so much work; what is yielded takes what has been done of it."""
    if not _SHOWN.get():
        yield lambda done: None
        return
    from tqdm.auto import tqdm

    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=total, desc=what, leave=False, delay=_DELAY, bar_format=layout, disable=None) as shown:
        yield shown.update
