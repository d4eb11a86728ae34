"""Settings for every test: no hub, no progress bars, no display; and the marker of its room.

Nothing here imports mediate: the shape checks hook into that import.
"""

import gc
import os
import sys
from pathlib import Path

import pytest

from tests import typechecker

HERE = Path(__file__).parent
NOTHING_DRAWN = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'

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
# As at the command line: what torch and transformers make while they are imported is not searched for garbage, ten
# thousands of objects at a time instead of hundreds. After collection it is not searched at all.
gc.set_threshold(50_000, 10, 10)


IMPORTED = 0  # modules that were there when garbage was last set aside
MANY = 200


# Those that take longest, longest first. A file stays with one worker, so one that is begun late keeps it at work while
# the others have nothing left to do.
LONGEST = (
    "documents/test_notebooks.py",
    "tuning/test_tune.py",
    "scoring/engines/test_ray.py",
    "report/whole/test_browser.py",
    "report/whole/test_explorer_in_browser.py",
    "test_demo.py",
    "whole/test_real.py",
    "scoring/engines/test_sharded.py",
    "checks/test_run.py",
    "mediation/kinds/test_state.py",
    "scoring/whole/test_killed.py",
    "identities/test_plain.py",
    "tuning/test_milestones.py",
    "faithfulness/test_spoken.py",
    "cli/whole/test_hostile_names.py",
    "tuning/whole/test_arms_on_a_rung.py",
    "stats/whole/test_calibration.py",
    "cli/test_tune.py",
    "tools/test_bench.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Files are handed to workers in the order in which they are collected, not by how many tests each has."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {HERE / name: place for place, name in enumerate(LONGEST)}
    if missing := [str(path) for path in places if not path.is_file()]:
        raise pytest.UsageError(f"LONGEST of tests/conftest.py names files that are not there: {missing}")
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_runtest_setup() -> None:
    """What a test before has imported is not searched either: trainers ask for a full search several times a tuning."""
    global IMPORTED
    if len(sys.modules) > IMPORTED + MANY:
        IMPORTED = len(sys.modules)
        gc.collect()
        gc.freeze()


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test has the marker of its room: the folder that it stands in or, at the top, what its file is named for."""
    item.add_marker(item.path.relative_to(HERE).parts[0].removeprefix("test_").removesuffix(".py"))


@pytest.fixture(autouse=True)
def speaking() -> None:
    """The silence that a command asked for ends with the test that called it."""
    from mediate.watch import hush

    hush(False)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is said: figures have their files, but nothing is drawn, which takes most of a page's time."""
    from mediate.figures.figure import Figure

    monkeypatch.setattr(Figure, "files", lambda _, *kinds: dict.fromkeys(kinds, NOTHING_DRAWN))
