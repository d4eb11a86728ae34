"""Training without traces in the process: generators, environment and log levels are afterwards as they were."""

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from mediate.models.gpu import every_gpu

_LOGGERS = ("accelerate", "datasets", "peft", "transformers", "trl")


@contextmanager
def undisturbed() -> Iterator[None]:
    """While open, trl may seed the global generators, set variables and talk: nobody hears it, and all is put back."""
    from huggingface_hub import constants

    python, arrays, variables = random.getstate(), np.random.get_state(), dict(os.environ)
    telemetry = constants.HF_HUB_DISABLE_TELEMETRY
    gpus = every_gpu()
    try:
        # trl reports each trainer that is made to its authors.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        with torch.random.fork_rng(devices=gpus), _silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        constants.HF_HUB_DISABLE_TELEMETRY = telemetry
        random.setstate(python)
        np.random.set_state(arrays)
        os.environ.clear()
        os.environ.update(variables)


@contextmanager
def _silence() -> Iterator[None]:
    import datasets  # type: ignore[import-untyped]
    from transformers.utils import logging as transformers_logging

    with ExitStack() as stack:
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.ERROR)
        if datasets.is_progress_bar_enabled():
            datasets.disable_progress_bars()
            stack.callback(datasets.enable_progress_bars)
        if transformers_logging.is_progress_bar_enabled():
            transformers_logging.disable_progress_bar()
            stack.callback(transformers_logging.enable_progress_bar)
        yield
