"""Workers that die or hang over items, as often as files of their names say, in the folder that a variable names."""

import json
import os
import signal
import time
from pathlib import Path

from mediate.scoring.engines.crew import Actor
from mediate.scoring.engines.workers import Content

DEATHS = "MEDIATE_TEST_DEATHS"


class Dying(Actor):
    """A worker that kills its process before it measures such an item."""

    def work(self, task: bytes, content: Content, known: bytes) -> Content:
        if _is_one_of_those(task):
            os.kill(os.getpid(), signal.SIGKILL)
        return self._worker.work(task, content, known)


class Sleeping(Actor):
    """A worker that never comes to measure such an item."""

    def work(self, task: bytes, content: Content, known: bytes) -> Content:
        if _is_one_of_those(task):
            time.sleep(24 * 3600)
        return self._worker.work(task, content, known)


def _is_one_of_those(task: bytes) -> bool:
    """Whether an item of a batch has a file of its name that says so once more."""
    asked = json.loads(task)
    for item in asked["items"] if asked["kind"] == "measure" else ():
        place = Path(os.environ[DEATHS]) / item
        left = int(place.read_text()) if place.exists() else 0
        if left:
            place.write_text(str(left - 1))
            return True
    return False
