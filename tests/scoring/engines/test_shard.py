"""Which shard a process is, by what it is told."""

from itertools import chain
from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.scoring.engines.shard import Shard, shard_of, shards_in

SLURM = {
    "SLURM_ARRAY_TASK_ID": "11",
    "SLURM_ARRAY_TASK_MIN": "10",
    "SLURM_ARRAY_TASK_MAX": "13",
    "SLURM_ARRAY_TASK_COUNT": "4",
}
LAUNCHED = {"RANK": "3", "WORLD_SIZE": "4"}


def test_a_shard_that_is_spelt_out_is_taken_whatever_the_environment_says() -> None:
    assert shard_of("3/16", SLURM | LAUNCHED) == (Shard(16, 3), "")


def test_auto_says_what_it_takes() -> None:
    assert shard_of("auto", SLURM | LAUNCHED) == (Shard(4, 2), "SLURM_ARRAY_TASK_ID 11 of 4 from 10 on")
    assert shard_of("auto", LAUNCHED) == (Shard(4, 4), "RANK 3 of WORLD_SIZE 4")
    stepped = SLURM | {"SLURM_ARRAY_TASK_STEP": "3", "SLURM_ARRAY_TASK_ID": "16", "SLURM_ARRAY_TASK_MAX": "19"}
    assert shard_of("auto", stepped)[0] == Shard(4, 3)


@pytest.mark.parametrize(
    ("given", "environment", "said"),
    [
        ("0/4", {}, "shard 0/4: there are 4, counted from 1"),
        ("5/4", {}, "shard 5/4: there are 4"),
        ("4", {}, "such as 3/16, or auto"),
        ("auto", {}, "neither SLURM_ARRAY_TASK_ID nor RANK and WORLD_SIZE are set"),
        ("auto", {"RANK": "1"}, "neither"),
        ("auto", LAUNCHED | {"RANK": "x"}, "RANK is 'x', which is no number"),
        # A second try of tasks 10 and 13 alone is none of shards 1 and 2 of 2.
        ("auto", SLURM | {"SLURM_ARRAY_TASK_ID": "10", "SLURM_ARRAY_TASK_COUNT": "2"}, "have gaps"),
    ],
)
def test_what_is_no_shard_is_refused(given: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        shard_of(given, environment)


def test_shares_are_disjoint_and_whole_and_like_in_size() -> None:
    things = list(range(10))
    shares = [Shard(4, number).share(things) for number in (1, 2, 3, 4)]
    assert sorted(chain.from_iterable(shares)) == things
    assert shares[0] == [0, 4, 8]


def test_shards_of_a_run_are_found_by_their_folders(tmp_path: Path) -> None:
    assert shards_in(tmp_path) == []
    for name in ("2-of-4", "10-of-16", "texts"):
        (tmp_path / "shards" / name).mkdir(parents=True)
    assert shards_in(tmp_path) == [Shard(4, 2), Shard(16, 10)]
