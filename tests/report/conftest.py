from collections.abc import Iterator
from typing import Any

import pytest

from tests.report.browser import running


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, one for all tests of a worker."""
    with running() as started:
        yield started
