"""All that this package asks of CUDA, in one place: where there is no GPU, none of it is called."""

import torch

CPU, CUDA = "cpu", "cuda"


def usual_device() -> str:
    """Where a model goes that is not told where: a GPU, if there is one."""
    return CUDA if torch.cuda.is_available() else CPU


def gpus_of(device: torch.device) -> list[int]:
    """The GPU that a device is, whose random state is to be kept beside the processor's; empty of another device."""
    return [device.index or 0] if device.type == CUDA else []


def every_gpu() -> list[int]:
    """All GPUs that there are."""
    return list(range(torch.cuda.device_count()))


def seed_gpus(gpus: list[int], seed: int) -> None:
    """Seeds what these GPUs draw from."""
    for gpu in gpus:
        with torch.cuda.device(gpu):
            torch.cuda.manual_seed(seed)


def free_bytes(device: torch.device) -> int | None:
    """What is free on a GPU; None of another device."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == CUDA else None


def wait(device: torch.device) -> None:
    """Waits until a GPU has done what it was given; elsewhere it is done already."""
    if device.type == CUDA:
        torch.cuda.synchronize(device)


def release(device: torch.device) -> None:
    """Gives memory that is held and no longer used back to a GPU."""
    if device.type == CUDA:
        torch.cuda.empty_cache()


def most_bytes(device: torch.device) -> int | None:
    """The most that tensors held on a GPU so far; None of another device."""
    return int(torch.cuda.max_memory_allocated(device)) if device.type == CUDA else None
