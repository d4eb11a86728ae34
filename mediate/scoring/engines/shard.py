"""Shards: parts of a run that processes measure apart, each in a directory of its own. Imports no torch.

Which batches there are is decided from the whole file in every shard; shard i of n has every n-th of them, longest
first, so that all shards have about the same work.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mediate.errors import InputError, short
from mediate.results.sharding import SHARDS as SHARDS
from mediate.results.sharding import shard_folder, shard_folders

AUTO = "auto"
_GIVEN = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One of several parts of a run.

    Args:
        of: How many there are.
        number: Which it is, counted from 1.
    """

    of: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(f"shard {self}: there are {self.of}, counted from 1; give 1/{max(self.of, 1)} and so on")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def folder(self, run: Path) -> Path:
        """Its directory below that of the run."""
        return shard_folder(run, self.number, self.of)

    def share(self, things: Sequence[Thing]) -> list[Thing]:
        """What of some things in order is this shard's."""
        return list(things[self.number - 1 :: self.of])


def shard_of(given: str, environment: Mapping[str, str] = os.environ) -> tuple[Shard, str]:
    """The shard that is asked for, and where it was taken from; nothing where it was spelt out.

    Args:
        given: `3/16`, or `auto` for what Slurm's array (SLURM_ARRAY_TASK_ID, counted from SLURM_ARRAY_TASK_MIN in steps
            of SLURM_ARRAY_TASK_STEP) or a launcher (RANK of WORLD_SIZE, counted from 0) says.
        environment: Where these are looked up.

    Raises:
        InputError: It is no shard, or nothing says which it is.
    """
    if given == AUTO:
        return _found(environment)
    spelt = _GIVEN.fullmatch(given.strip())
    if spelt is None:
        raise InputError(f"shard {short(given)}: give the shard and how many there are, such as 3/16, or auto")
    return Shard(int(spelt[2]), int(spelt[1])), ""


def _found(environment: Mapping[str, str]) -> tuple[Shard, str]:
    if "SLURM_ARRAY_TASK_ID" in environment:
        task = _number(environment, "SLURM_ARRAY_TASK_ID")
        first = _number(environment, "SLURM_ARRAY_TASK_MIN", 0)
        step = _number(environment, "SLURM_ARRAY_TASK_STEP", 1)
        count = _number(environment, "SLURM_ARRAY_TASK_COUNT")
        last = _number(environment, "SLURM_ARRAY_TASK_MAX", first + (count - 1) * step)
        place, off = divmod(task - first, max(1, step))
        # An array of single tasks, such as those of a second try (--array=3,7), has gaps, and no shard by place.
        if off or not 0 <= place < count or last != first + (count - 1) * step:
            raise InputError(
                f"shard auto: {count} tasks from {first} to {last} in steps of {step} have gaps, so task {task} says "
                "no shard; name it, such as --shard $SLURM_ARRAY_TASK_ID/16"
            )
        said = f"SLURM_ARRAY_TASK_ID {task} of {count} from {first} on"
        return Shard(count, place + 1), said
    if "RANK" in environment and "WORLD_SIZE" in environment:
        rank, size = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
        return Shard(size, rank + 1), f"RANK {rank} of WORLD_SIZE {size}"
    raise InputError(
        "shard auto: neither SLURM_ARRAY_TASK_ID nor RANK and WORLD_SIZE are set; name the shard, such as 3/16"
    )


def _number(environment: Mapping[str, str], name: str, usual: int | None = None) -> int:
    said = environment.get(name, "" if usual is None else str(usual))
    if not said.isdecimal():
        raise InputError(f"shard auto: {name} is {short(said)}, which is no number; name the shard, such as 3/16")
    return int(said)


def shards_in(run: Path) -> list[Shard]:
    """The shards that have a directory below a run's, in order."""
    return [Shard(of, number) for of, number in shard_folders(run)]
