"""A Ray cluster that is there: two nodes behind a token, as `docs/batch.md` starts them, here on one machine."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

import mediate as md
from mediate.pairs.files import write_pairs
from tests.scoring.engines.test_sharded import content

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[ray]'"),
]
PAIRS = 1500  # three parts
STARTED = "Ray runtime started"
RAY = "import sys; from ray.scripts.scripts import main; sys.argv[0] = 'ray'; main()"


@dataclass(frozen=True)
class Nodes:
    """A cluster's address, what its processes are told, and its second node."""

    address: str
    environment: dict[str, str]
    second: subprocess.Popen[bytes]


@contextmanager
def node(log: Path, environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A node of one core that is there while this is open."""
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-c", RAY, "start", *arguments, "--num-cpus=1", "--block"],
            env=environment, stdout=told, stderr=told, start_new_session=True,
        )  # fmt: skip
    try:
        wait(lambda: STARTED in log.read_text() or process.poll() is not None, log)
        if process.poll() is not None:
            pytest.skip(f"Ray by itself does not start on this machine: {log.read_text()[-300:]}")
        yield process
    finally:
        process.terminate()
        process.wait(60)


def wait(found: Callable[[], bool], what: object) -> None:
    until = time.monotonic() + 120
    while not found():
        assert time.monotonic() < until, f"waited too long for {what}"
        time.sleep(0.05)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with socket.socket() as free, ExitStack() as held:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        place = Path(tempfile.mkdtemp(prefix="mt-", dir="/tmp"))  # paths of sockets are short
        held.callback(shutil.rmtree, place, ignore_errors=True)
        (place / "token").write_text(secrets.token_hex(32))
        (place / "token").chmod(0o600)
        environment = os.environ | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(place / "token"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "MEDIATE_CACHE": str(tmp_path / "cache of the cluster"),
        }
        free.close()
        head = ("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={place / 'ray'}")
        held.enter_context(node(tmp_path / "head.log", environment, "--node-ip-address=127.0.0.1", *head))
        address = f"127.0.0.1:{port}"
        second = held.enter_context(node(tmp_path / "node.log", environment, f"--address={address}"))
        yield Nodes(address, environment, second)


def scored(nodes: Nodes, pairs: Path, out: Path, **environment: str) -> subprocess.Popen[str]:
    """A run on the cluster."""
    asked = ("--engine", "ray", "--address", nodes.address, "--num-workers", "2", "--no-report", "--maps", "none")
    return subprocess.Popen(
        [sys.executable, "-m", "mediate", "score", str(pairs), "--model", "reference-0.1m", "--out", str(out), *asked],
        env=nodes.environment | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def alone(pairs: Path, out: Path) -> Path:
    """The same run in one process of one thread."""
    subprocess.run(
        [sys.executable, "-m", "mediate", "score", str(pairs), "--model", "reference-0.1m", "--out", str(out),
         "--num-workers", "1", "--no-report", "--maps", "none"],
        env=os.environ | {"OMP_NUM_THREADS": "1", "MEDIATE_CACHE": str(out.parent / "cache of one")}, check=True,
    )  # fmt: skip
    return out


def test_two_nodes_write_what_one_process_writes_and_so_does_one_that_is_left(nodes: Nodes, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    write_pairs(pairs, md.modular_pairs(PAIRS))
    wanted = content(alone(pairs, tmp_path / "alone"))
    both = scored(nodes, pairs, tmp_path / "both")
    said = both.communicate(timeout=600)[0]
    assert both.returncode == 0, said
    assert content(tmp_path / "both") == wanted
    # Once more from nothing, with the second node killed as soon as anything is written.
    shutil.rmtree(nodes.environment["MEDIATE_CACHE"])
    left = scored(nodes, pairs, tmp_path / "left")
    wait(lambda: any((tmp_path / "left" / "parts").rglob("*.parquet")) or left.poll() is not None, "a part")
    assert left.poll() is None, "the run was over before a node could be lost"
    os.killpg(nodes.second.pid, signal.SIGKILL)
    said = left.communicate(timeout=600)[0]
    assert left.returncode == 0, said
    assert content(tmp_path / "left") == wanted


def test_without_the_token_one_line_says_so_and_nothing_is_written(nodes: Nodes, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    write_pairs(pairs, md.modular_pairs(2))
    (tmp_path / "other").write_text("0" * 64)
    (tmp_path / "other").chmod(0o600)
    process = scored(nodes, pairs, tmp_path / "run", RAY_AUTH_TOKEN_PATH=str(tmp_path / "other"))
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 2
    assert said.splitlines()[-1].startswith(f"mediate: address '{nodes.address}': no Ray cluster answers there (")
    assert "Traceback" not in said
    assert not (tmp_path / "run").exists()
