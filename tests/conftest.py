"""Settings for every test: no hub, no progress bars, no display; and the marker of its room.

Nothing here imports mediate: the shape checks hook into that import.
"""

import os
from pathlib import Path

import pytest

from tests import typechecker

HERE = Path(__file__).parent

# Each worker has one core: two threads in each of two workers would wait for each other.
os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",
    TQDM_DISABLE="1",
    WANDB_MODE="disabled",
    MPLBACKEND="Agg",
    TOKENIZERS_PARALLELISM="false",
)

typechecker.install()


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test has the marker of its room: the folder that it stands in or, at the top, what its file is named for."""
    item.add_marker(item.path.relative_to(HERE).parts[0].removeprefix("test_").removesuffix(".py"))
