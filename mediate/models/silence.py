"""The bars of other libraries, which say nothing of our work, turned off while they are at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial


@contextmanager
def quiet_bars() -> Iterator[None]:
    """While open, transformers counts no tensors; its bars stand afterwards as they did."""
    from transformers import modeling_gguf_pytorch_utils as gguf_reading
    from transformers.utils import logging

    was_on, own = logging.is_progress_bar_enabled(), gguf_reading.tqdm
    logging.disable_progress_bar()
    gguf_reading.tqdm = partial(own, disable=True)  # this one heeds no setting
    try:
        yield
    finally:
        gguf_reading.tqdm = own
        if was_on:
            logging.enable_progress_bar()
