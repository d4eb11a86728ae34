"""The bars and retries of other libraries, which say nothing of our work, turned off while they are at it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_bars() -> Iterator[None]:
    """While open, transformers counts no tensors; its bars stand afterwards as they did."""
    from transformers.utils import logging

    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()
