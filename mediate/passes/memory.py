"""Memory: how much is free where a model is, and whether an error says that there was too little."""

import gc
import os
import sys
from pathlib import Path

import torch

from mediate.models.gpu import free_bytes, most_bytes, release
from mediate.models.model import Model


def free_memory(model: Model) -> int:
    """Bytes that are free where the model is."""
    on_gpu = free_bytes(model.device)
    if on_gpu is not None:
        return on_gpu
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) * 1024
    except (OSError, StopIteration):  # not Linux: all of it, of which a sweep takes a part
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an allocation failed, on whatever device."""
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in said or "out of memory" in said


def free_up(model: Model) -> None:
    """Lets go of what a failed pass left behind: what libraries hold in circles, such as the frames of their errors."""
    gc.collect()
    release(model.device)


def peak_bytes(device: torch.device) -> int:
    """The most bytes that this process held so far where a model is, weights included."""
    on_gpu = most_bytes(device)
    if on_gpu is not None:
        return on_gpu
    import resource  # not on every system

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
