"""A Ray that is not there."""

import os
import sys

import pytest

from mediate.errors import InputError
from mediate.scoring.engine_spec import make_engine_spec
from mediate.scoring.engines.cluster import connected


def test_without_ray_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    before = dict(os.environ)
    with (
        pytest.raises(InputError, match=r"engine 'ray' needs Ray, which is not installed; pip install .*\[ray\]"),
        connected(make_engine_spec(engine="ray")),
    ):
        pass
    assert dict(os.environ) == before
