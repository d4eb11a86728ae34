"""Two workers on a Ray that is started here and ended: the bytes of one process, whoever is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mediate as md
from mediate.errors import InputError
from mediate.pairs.pair import Pair
from mediate.results import read_results
from mediate.results.parts import Plan
from mediate.scoring.allowed import FIRST
from mediate.scoring.engine_spec import make_engine_spec
from mediate.scoring.engines import crew as crews
from mediate.scoring.engines import handing
from mediate.scoring.engines import ray as module
from mediate.scoring.engines.cluster import connected
from mediate.scoring.engines.crew import Alike, RayCrew
from mediate.scoring.engines.handing import Errand, Gang
from mediate.scoring.engines.orders import Order
from mediate.scoring.engines.ray import score_on_ray
from mediate.scoring.engines.texts import kept
from mediate.scoring.keeping import Keeper
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from tests.scoring.engines.dying import DEATHS, Dying, Sleeping
from tests.scoring.engines.test_sharded import content

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[ray]'")

MODEL, CHOICES = "reference-0.1m", {"control_pairs": 2, "maps": ("read:step,layer",)}
SPEC, ONE = (make_engine_spec(engine="ray", num_workers=number) for number in (2, 1))
# Of several lengths; the model writes the chains of some.
PAIRS = (
    *(each for steps in (2, 3, 4) for each in md.modular_pairs(4, seed=steps, steps=steps)),
    *md.modular_pairs(3, seed=9, with_cot=False),
)


def named(pairs: tuple[Pair, ...] = PAIRS) -> tuple[Pair, ...]:
    """With ids of their own."""
    return tuple(Pair(f"p{number}", each.group, each.base, each.source) for number, each in enumerate(pairs))


def order(**choices: Any) -> Order:
    return Order(MODEL, {}, named(), (), make_spec(**(CHOICES | choices)), cached=False)


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deaths")


# Ray by itself, without any of ours: where not even that starts, a machine allows too little to tell anything of us.
BARE = "import ray; ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False); ray.shutdown()"


@pytest.fixture(scope="module")
def cluster(deaths: Path) -> Iterator[Any]:
    named = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 32, "RAY_USAGE_STATS_ENABLED": "0"}  # no file at home
    alone = subprocess.run(
        [sys.executable, "-c", BARE], env=os.environ | named, capture_output=True, text=True, timeout=300, check=False
    )
    if alone.returncode:
        pytest.skip(f"Ray by itself does not start on this machine: {alone.stderr[-300:]}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DEATHS, str(deaths))
        with connected(SPEC) as ray:
            yield ray


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "local"
    score(md.load(MODEL), named(), make_spec(**CHOICES), out=folder)
    return folder


def test_two_workers_write_what_one_process_writes(cluster: Any, wanted: Path, tmp_path: Path) -> None:
    results = score_on_ray(order(), SPEC, out=tmp_path / "run", progress=False)
    assert content(tmp_path / "run") == content(wanted)
    assert not (tmp_path / "run" / "parts").exists()
    assert len(results.items) == len(PAIRS)
    assert cluster.is_initialized(), "a connection that was there is left as it is"


@pytest.mark.slow
def test_whoever_is_killed_nothing_is_lost_and_poison_is_set_aside(
    cluster: Any, wanted: Path, deaths: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item of one batch kills a worker once, that of another each one."""
    monkeypatch.setattr(crews, "Actor", Dying)
    (deaths / "p0").write_text("1")
    (deaths / "p5").write_text("99")
    results, whole = score_on_ray(order(), SPEC, out=tmp_path / "run", progress=False), read_results(wanted)
    assert (deaths / "p0").read_text() == "0"
    assert int((deaths / "p5").read_text()) == 95
    assert [(each.item, each.code) for each in results.rejects] == [("p5", "worker_died")]
    assert results.manifest["counts"]["by_reason"] == {"worker_died": 1}
    assert [each.id for each in results.items] == [each.id for each in whole.items if each.id != "p5"]
    others = [place for place, item in enumerate(whole.cube().items) if item != "p5"]
    np.testing.assert_allclose(results.cube().y, whole.cube().y[others], atol=1e-5)


@pytest.mark.slow
def test_a_worker_that_hangs_is_given_up_and_its_work_is_done_by_another(
    cluster: Any, wanted: Path, deaths: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "Actor", Sleeping)
    # Twice as long as the longest call took, which is that of loading the model.
    monkeypatch.setattr(handing, "LEAST", 1.0)
    monkeypatch.setattr(handing, "TIMES", 2.0)
    for each in deaths.iterdir():
        each.unlink()
    (deaths / "p11").write_text("1")
    score_on_ray(order(), SPEC, out=tmp_path / "run", progress=False)
    assert (deaths / "p11").read_text() == "0"
    assert content(tmp_path / "run") == content(wanted)


def test_an_item_that_workers_die_over_ends_the_run_where_every_error_does() -> None:
    crew = RayCrew(None, b"", {})
    alike = Alike()
    driver = module._Driver(order(on_bad_item="error"), crew, Gang(crew, 1, alike.check), alike, None, False)
    with pytest.raises(InputError, match="item 'p5': two workers died over it"):
        driver._given_up(Errand(3, ("p5",)), ["logit_diff"])


class Deadly(Gang):
    """Workers of which each dies over whatever it is handed."""

    def work(self, tasks: Sequence[Errand]) -> Iterator[tuple[Errand, None]]:
        yield from ((task, None) for task in tasks)


def test_items_that_workers_die_over_count_among_those_that_may_fail(tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(FIRST + 1)]
    told = {"batches": [[name] for name in names], "noun": "pair", "outcomes": ["logit_diff"]}

    def measured(allowed: str | None) -> Keeper:
        keeper = Keeper(tmp_path / str(allowed), Plan(tuple(names), 1, len(names), "f"), ["logit_diff"])
        crew, alike = RayCrew(None, b"", {}), Alike()
        driver = module._Driver(order(max_errors=allowed), crew, Deadly(crew, 1, alike.check), alike, None, False)
        with keeper.kept({}, 0.0):
            driver._measured(told, keeper)
        return keeper

    for allowed, said in (("2", "3 of 101 items failed .3 worker_died."), (None, "100 of 101 .* none was measured")):
        with pytest.raises(InputError, match=said):
            measured(allowed)
    with pytest.raises(InputError, match="4 of 101 items failed"):  # those of before count
        measured("2")
    assert len(measured("100%").done) == len(names)


def test_a_round_of_texts_is_told_once_it_is_whole(tmp_path: Path) -> None:
    """Who is told of more lays all out anew; and of what is told no more nothing is kept."""

    class Puts:
        def __init__(self) -> None:
            self.told: list[bytes] = []

        def __getattr__(self, name: str) -> Any:
            return lambda content: self.told.append(content) or content

    seen = set[int]()

    class Writers(Gang):
        def work(self, tasks: Sequence[Errand]) -> Iterator[tuple[Errand, dict[str, bytes]]]:
            for task in tasks:
                seen.add(len(crew.known))
                crew._put(b"".join(crew.known))
                if task.kind == "open":
                    yield task, {"told": b"{}"}
                else:
                    yield task, {"texts": b"%d" % task.number}

    crew, alike = RayCrew(Puts(), b"order", {}), Alike()
    crew._put(crew.order)
    driver = module._Driver(order(), crew, Writers(crew, 1, alike.check), alike, tmp_path, False)
    driver._opened({"unwritten": b"[[0, 2], [1, 2], [2, 1]]", "texts": b"s"})
    assert seen == {1, 4}
    assert crew.known == [b"s", b"2", b"1", b"0"]
    assert list(crew._shared) == [b"order", b"s210"]
    assert sorted(kept(tmp_path / "parts" / "texts")) == [b"0", b"1", b"2"]


def test_a_full_disk_is_noticed_before_anything_is_measured(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediate.scoring.disk.BESIDE", 2**80)
    with pytest.raises(InputError, match=r"15 items take about .* on the disk"):
        score_on_ray(order(), ONE, out=tmp_path / "run", progress=False)
    assert not list((tmp_path / "run" / "parts").glob("0*"))


def test_what_listens_is_on_the_loopback_and_behind_a_token(cluster: Any) -> None:
    mine, sockets = _family(os.getpid()), set()
    for process in mine:
        for link in Path(f"/proc/{process}/fd").iterdir():
            try:
                sockets.add(os.readlink(link))
            except OSError:  # closed meanwhile
                continue
    open_to = [
        parts[1].rpartition(":")[0]
        for table in ("tcp", "tcp6")
        for parts in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if parts[3] == "0A" and f"socket:[{parts[9]}]" in sockets
    ]
    assert len(open_to) >= 4
    assert set(open_to) <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(os.environ["RAY_AUTH_TOKEN"]) >= 32


def _family(process: int) -> list[int]:
    """A process and all that come of it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # gone meanwhile
            continue
    found = [process]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def test_a_model_in_memory_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"cannot be given one in memory \(a Model\); give 'reference-0.1m'"):
        md.score(md.load(MODEL), list(named()[:2]), engine="ray")


KILLED = "import sys; from mediate.scoring import keeping; keeping.SECONDS = 0.0\nfrom mediate.cli import main; main()"


@pytest.mark.slow
def test_a_driver_that_is_killed_goes_on_where_it_stopped(wanted: Path, tmp_path: Path) -> None:
    """Its Ray is gone with it, and the same command ends its own."""
    from mediate.pairs.files import pairs_content

    (tmp_path / "pairs.jsonl").write_bytes(pairs_content(tmp_path / "pairs.jsonl", named()))
    command = ["score", "pairs.jsonl", "--model", MODEL, "--out", "run", "--engine", "ray", "--num-workers", "2"]
    command += ["--maps", "read:step,layer", "--control-pairs", "2", "--no-cache", "--no-report"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": str(Path(md.__file__).parents[1])}
    driver = subprocess.Popen([sys.executable, "-c", KILLED, *command], cwd=tmp_path, env=environment)
    began = time.monotonic()
    while not list((tmp_path / "run" / "parts").glob("*/run.json")):
        assert driver.poll() is None
        assert time.monotonic() - began < 300
        time.sleep(0.02)
    family = _family(driver.pid)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "started"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *command], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / "run") == content(wanted)
    assert len(family) > 4
    assert not [each for each in family if _at_work(each)]


def _at_work(process: int) -> bool:
    """Whether it is there and is no agent of Ray's, which see only after a minute that they are alone."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        said = Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return False
    return state != "Z" and "Agent" not in said
