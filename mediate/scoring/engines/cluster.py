"""Ray: a cluster of our own on this machine, on the loopback and behind a token, or one that is there."""

import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from mediate.errors import InputError, install_hint, one_line
from mediate.scoring.engine_spec import EngineSpec
from mediate.watch import tell

LOOPBACK = ("127.0.0.1", "::1")
# What Ray's object store of our own cluster may hold, in bytes: the set, and answers on their way.
OBJECTS = 256 * 2**20
# Seconds in which somebody at an address must take a connection.
KNOCK = 10.0
# How often it is tried to start it.
TRIES = 3
# Said to Ray as it is imported. On macOS and Windows it keeps to the loopback by itself; elsewhere it does where it is
# told that this is no cluster.
_SHORT = ("/tmp",)  # noqa: S108 (a folder of a name of its own is made in it)
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
_OWN = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


@cache
def _token() -> str:
    """A secret of this process's: Ray reads it once, so a second cluster has the same."""
    return secrets.token_hex(32)


def imported_ray() -> Any:
    """Ray's module.

    Raises:
        InputError: It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError(f"engine 'ray' needs Ray, which is not installed; {install_hint('ray')}") from error
    return ray


@contextmanager
def connected(spec: EngineSpec) -> Iterator[Any]:
    """Ray, while open: connected to the cluster that is asked for, or to one of our own, which ends with it.

    A connection that is there already is used, and left as it is.

    Args:
        spec: Which cluster, and how many workers it is to have room for.

    Raises:
        InputError: Ray is not installed, there is no such cluster, or ours would listen to other machines.
    """
    own = spec.address is None
    with _environment(_QUIET | (_OWN | {"RAY_AUTH_TOKEN": _token()} if own else {})):
        ray = imported_ray()
        if ray.is_initialized():
            yield ray
            return
        # Of the system's folder and no other: the path of a socket below it may have 107 characters at most.
        place = tempfile.mkdtemp(
            prefix="mediate-ray-", dir=next((each for each in _SHORT if Path(each).is_dir()), None)
        )
        try:
            with _handlers_kept():
                _begin(ray, spec, place)
            yield ray
        finally:
            with _handlers_kept():
                ray.shutdown()
            shutil.rmtree(place, ignore_errors=True)


def _begin(ray: Any, spec: EngineSpec, place: str) -> None:
    said = {"log_to_driver": False, "configure_logging": False}
    if spec.address is not None:
        try:
            _knock(spec.address)
            ray.init(address=spec.address, **said)
        except Exception as error:  # Ray raises its own errors, and those of what it is built on
            raise InputError(
                f"address {spec.address!r}: no Ray cluster answers there ({one_line(error)}); start one with "
                "'ray start --head', and give this process its token (RAY_AUTH_MODE, RAY_AUTH_TOKEN)"
            ) from error
        return
    cores = max(spec.threads_per_worker, os.cpu_count() or 1)
    own = {
        "address": "local",
        "num_cpus": cores if spec.num_workers is None else spec.num_workers * spec.threads_per_worker,
        "include_dashboard": False,
        "object_store_memory": OBJECTS,
        "_node_ip_address": LOOPBACK[0],
        "_temp_dir": place,
    }
    found = str(_started(ray, own | said).address_info["node_ip_address"])
    if found not in LOOPBACK:
        raise InputError(
            f"Ray was imported before, and would listen at {found} to other machines; start Python anew, or start a "
            "cluster yourself and give its address"
        )


def _knock(address: str) -> None:
    """Tries whether anybody listens there: Ray itself would try for minutes.

    Raises:
        OSError: Nobody does.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isascii() and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()


def _started(ray: Any, choices: dict[str, Any]) -> Any:
    """A cluster of our own; on a busy machine Ray gives itself too little time, and is tried again."""
    for left in reversed(range(TRIES)):
        try:
            return ray.init(**choices)
        except Exception as error:
            ray.shutdown()  # what is there of it
            if not left:
                raise InputError(
                    f"Ray does not start here ({one_line(error)}); leave out engine 'ray', or mend it"
                ) from error
            tell(f"Ray did not start ({one_line(error)}); it is tried again")
    raise AssertionError


@contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    """While open, these variables are set."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """After it, signals are met as before: Ray takes SIGTERM for itself as it begins."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(ValueError, TypeError):  # not in the main thread, or set by other than Python
                signal.signal(number, handler)
