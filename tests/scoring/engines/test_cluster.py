"""A Ray that is not there, or does not start at once."""

import os
import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from mediate.errors import InputError
from mediate.scoring.engine_spec import make_engine_spec
from mediate.scoring.engines.cluster import TRIES, connected


def test_without_ray_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    before = dict(os.environ)
    with (
        pytest.raises(InputError, match=r"engine 'ray' needs Ray, which is not installed; pip install .*\[ray\]"),
        connected(make_engine_spec(engine="ray")),
    ):
        pass
    assert dict(os.environ) == before


@pytest.mark.parametrize("failures", [0, 1, TRIES - 1, TRIES])
def test_a_ray_that_is_too_slow_to_start_is_tried_again(monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    events: list[str] = []

    def init(**_: Any) -> Any:
        events.append("init")
        if events.count("init") <= failures:
            raise RuntimeError("The current node timed out during startup.")
        return SimpleNamespace(address_info={"node_ip_address": "127.0.0.1"})

    ray = SimpleNamespace(init=init, shutdown=lambda: events.append("shutdown"), is_initialized=lambda: False)
    monkeypatch.setitem(sys.modules, "ray", ray)
    if failures == TRIES:
        with (
            pytest.raises(InputError, match=r"Ray does not start here .The current node timed out"),
            connected(make_engine_spec(engine="ray")),
        ):
            pass
    else:
        with connected(make_engine_spec(engine="ray")) as found:
            assert found is ray
    assert events == [each for _ in range(failures) for each in ("init", "shutdown")] + (
        ["shutdown"] if failures == TRIES else ["init", "shutdown"]
    )


@pytest.mark.parametrize("spelt", ["{}", "ray://{}"])
def test_where_nobody_listens_ray_is_not_left_to_try_for_minutes(spelt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, and it does not listen
        address = spelt.format(f"127.0.0.1:{bound.getsockname()[1]}")
        monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=bool, shutdown=bool))
        with (
            pytest.raises(
                InputError, match=rf"^address '{address}': no Ray cluster answers there .*refused.*ray start"
            ),
            connected(make_engine_spec(engine="ray", address=address)),
        ):
            pass


@pytest.mark.parametrize("spelt", ["{}", "ray://{}", "auto", "[::1]:notaport"])
def test_an_address_is_handed_to_ray_as_it_is(spelt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def init(*, address: str, **_: Any) -> None:
        asked.append(address)

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=bool, shutdown=bool, init=init))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = spelt.format(f"127.0.0.1:{server.getsockname()[1]}")
        with connected(make_engine_spec(engine="ray", address=address)):
            pass
    assert asked == [address]
