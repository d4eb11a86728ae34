"""Shards of a run, put together: the bytes of the run that one process writes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.journal import close_journal, open_journal
from mediate.mediation import batching, procedures
from mediate.models.generation import End, Written
from mediate.pairs.pair import Item, Pair
from mediate.results import Results, read_results
from mediate.scoring.engines import sharded
from mediate.scoring.engines.orders import Order
from mediate.scoring.engines.shard import Shard
from mediate.scoring.engines.sharded import score_shard, write_share
from mediate.scoring.merging import merge_shards
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from tests import tiny
from tests.scoring.test_score import pair, with_procedure

TIMES = ("created", "finished", "seconds")


def wordy(given: Pair) -> Pair:
    """The same with a longer chain in both worlds."""

    def longer(item: Item) -> Item:
        return replace(item, cot=f"Tom has apples. {item.cot}")

    return replace(given, base=longer(given.base), source=longer(given.source))


# Of two lengths, and one that is too long to be measured.
PAIRS = (
    *(pair(number) for number in range(1, 6)),
    *(wordy(pair(number)) for number in (6, 7)),
    replace(pair(8), base=replace(pair(8).base, question="Tom has 3 apples." * 60)),
)
CHOICES: dict[str, Any] = {"control_pairs": 3, "maps": ["read:step,layer"], "on_bad_item": "skip"}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    few_tokens(monkeypatch)


def order(given: Sequence[Pair] | Sequence[Item] = PAIRS, **choices: Any) -> Order:
    return Order("tiny", {}, given, (), make_spec(**(CHOICES | choices)))


def shard(out: Path, number: int, of: int, asked: Order | None = None) -> Results:
    return score_shard(tiny.model("llama"), asked or order(), Shard(of, number), out, store=None, progress=False)


def content(folder: Path) -> dict[str, Any]:
    """All files of a run but for its page and its shards, times aside."""
    found: dict[str, Any] = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in ("shards", "figures", "report.html")
    }
    manifest = json.loads((folder / "run.json").read_text())
    told = [(name, value) for name, value in manifest.items() if name not in TIMES]
    return found | {"run.json": json.dumps(told)}


def few_tokens(patch: pytest.MonkeyPatch) -> None:
    """Many batches, of a hundred tokens."""
    patch.setattr(batching, "quickest_tokens", lambda model: 100)
    patch.setattr(batching, "MOST_NARROW", 1)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        few_tokens(patch)
        results = score(tiny.model("llama"), PAIRS, make_spec(**CHOICES), out=folder)
    assert len(results.items) == 7
    assert [each.code for each in results.rejects] == ["too_long", "unaligned_steps"]
    return folder


@pytest.mark.parametrize("of", [1, 3, 12])
def test_shards_merge_to_the_run_that_one_process_writes(tmp_path: Path, wanted: Path, of: int) -> None:
    """In whatever order they come, and also where there are more of them than batches."""
    items = [[each.id for each in shard(tmp_path, number, of).items] for number in range(of, 0, -1)]
    assert sorted(chain.from_iterable(items)) == [f"p{number}" for number in range(1, 8)]
    assert of != 3 or all(items)
    merge_shards(tmp_path)
    assert content(tmp_path) == content(wanted)
    assert merge_shards(tmp_path).items == read_results(wanted).items


def test_a_shard_that_is_missing_or_unfinished_is_named(tmp_path: Path, wanted: Path) -> None:
    with pytest.raises(InputError, match=r"holds no shards .* mediate score \.\.\. --shard 1/4"):
        merge_shards(tmp_path)
    shard(tmp_path, 2, 3)
    shard(tmp_path, 3, 3)
    manifest = tmp_path / "shards" / "3-of-3" / "run.json"
    finished = manifest.read_text()
    manifest.write_text(json.dumps(json.loads(finished) | {"status": "cancelled"}))
    with pytest.raises(InputError) as error:
        merge_shards(tmp_path)
    assert "2 of 3 shards are not finished: 1/3 (not begun), 3/3 (cancelled); run" in str(error.value)
    assert "--shard 1/3" in str(error.value)
    assert not (tmp_path / "run.json").exists()
    shard(tmp_path, 1, 3)
    shard(tmp_path, 3, 3)
    merge_shards(tmp_path)
    assert content(tmp_path) == content(wanted)


def test_a_shard_of_another_run_or_another_count_is_refused(tmp_path: Path) -> None:
    shard(tmp_path, 1, 2)
    with pytest.raises(InputError, match="holds shards of 2, and this is one of 3"):
        shard(tmp_path, 1, 3)
    with pytest.raises(InputError, match="shard 2/2 has other batches than the shards there"):
        shard(tmp_path, 2, 2, order(PAIRS[:4]))
    with pytest.raises(InputError, match="holds another run"):
        shard(tmp_path, 1, 2, order(seed=1))
    shard(tmp_path, 2, 2, order(seed=1))
    with pytest.raises(InputError, match=r"2-of-2: holds another run \(option 'seed' is 1 there and 0 here\)"):
        merge_shards(tmp_path)


@pytest.mark.parametrize("against", ["hidden", "other"])
def test_what_takes_the_whole_set_is_the_same_in_shards(tmp_path: Path, against: str) -> None:
    choices = {"against": against, "maps": None, "replacements": ("mean", "noise", "other"), "seed": 3}
    score(tiny.model("llama"), PAIRS, make_spec(**(CHOICES | choices)), out=tmp_path / "whole")
    for number in (1, 2):
        shard(tmp_path / "apart", number, 2, order(**choices))
    merge_shards(tmp_path / "apart")
    assert content(tmp_path / "apart") == content(tmp_path / "whole")


def uncut(number: int, chain: str) -> Pair:
    """A pair whose chains are another one; `{}` in it is the answer, by itself and never as a result."""

    def other(item: Item) -> Item:
        return replace(item, cot=chain.format(item.answer))

    given = pair(number)
    return replace(given, base=other(given.base), source=other(given.source))


def failing(monkeypatch: pytest.MonkeyPatch, *items: str) -> None:
    """Has the logits of some pairs be no numbers."""
    real = procedures.PAIRS.cubes

    def cubes(model: Any, prepared: Any, runs: Any) -> Any:
        found = real(model, prepared, runs)
        return [
            each._replace(y=np.full_like(each.y, np.nan)) if item.id in items else each
            for item, each in zip(prepared, found, strict=True)
        ]

    with_procedure(monkeypatch, cubes=cubes)


UNLIKE = (
    *(uncut(number, "{}. Tom has apples. Tom has apples. Tom buys apples.") for number in (20, 21, 22)),
    *(uncut(number, "Tom buys apples.") for number in (30, 31, 32)),
    *PAIRS,
    uncut(40, "{}. Tom buys apples."),
)
FAILING = ("p2", "p21")
MORE: dict[str, Any] = {"control_pairs": 6, "maps": ["read:step,layer", "step_graph.read:step,result"], "seed": 1}


@pytest.fixture(scope="module")
def unlike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        few_tokens(patch)
        failing(patch, *FAILING)
        found = score(tiny.model("llama"), UNLIKE, make_spec(**(CHOICES | MORE)), out=folder)
    assert found.manifest["counts"]["not_cut"] == {"not_stated": 3, "stated_at_once": 4}
    assert {"nonfinite", "too_long"} <= {each.code for each in found.rejects}
    assert len({each.control for each in found.controls}) > 3
    return folder


@pytest.mark.parametrize("of", [2, 3, 5])
def test_all_files_are_those_of_one_process_whatever_becomes_of_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unlike: Path, of: int
) -> None:
    """Chains that cannot be cut for several reasons, pairs that fail, that are too long, that lack a map; controls."""
    failing(monkeypatch, *FAILING)
    for number in range(1, of + 1):
        shard(tmp_path, number, of, order(UNLIKE, **MORE))
    merge_shards(tmp_path)
    assert content(tmp_path) == content(unlike)


def writes(model: Any, prompts: Any, decodings: Any, *, progress: bool) -> list[Written]:
    """Each chain its own words; an answer after each."""
    found = []
    for prompt in prompts:
        asked = tiny.tokenizer().decode(prompt)
        words = " 7\n" if "answer" in asked else f"Tom buys {asked[len('Tom has ')]} apples."
        ids = tuple(tiny.tokenizer()(words, add_special_tokens=False)["input_ids"])
        found.append(Written(ids, words, End.STOP))
    return found


def test_chains_are_written_by_all_shards_before_any_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()

    def counted(model: Any, prompts: Any, *rest: Any, **more: Any) -> list[Written]:
        asked.append(len(prompts))
        return writes(model, prompts, *rest, **more)

    tiny.instead_of_writing(monkeypatch, counted)
    monkeypatch.setattr("mediate.models.generation.ROWS", 2)
    monkeypatch.setattr("mediate.models.generation.MOST_ROWS", 2)
    pairs = [pair(number, base=base, cot=False) for number, base in zip(range(1, 6), (3, 4, 5, 6, 7), strict=True)]
    score(tiny.model("llama"), pairs, make_spec(**CHOICES), out=tmp_path / "whole")
    alone, out = sum(asked), tmp_path / "apart"
    asked.clear()
    with pytest.raises(InputError, match="batches of chains or answers are not written yet; run every shard with"):
        shard(out, 1, 2, order(pairs))

    def written(number: int) -> Any:
        return write_share(tiny.model("llama"), order(pairs), Shard(2, number), out, store=None, progress=False)

    first, second = written(1), written(2)
    assert first.written > 0
    assert second.missing == 0
    assert not second.all_there
    assert sum(asked) == 6, "each of the questions once"
    answers = written(1), written(2)
    assert all(each.written > 0 for each in answers)
    assert written(1).all_there
    assert sum(asked) == alone
    for number in (1, 2):
        shard(out, number, 2, order(pairs))
    assert sum(asked) == alone
    merge_shards(out)
    assert content(out) == content(tmp_path / "whole")


def test_shards_that_begin_at_the_same_time_agree_on_the_batches_of_the_first(
    tmp_path: Path, wanted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine has room for other batches, and none had said which there are when it looked."""
    shard(tmp_path, 1, 2)
    looked: list[Path] = []

    def agreed(out: Path) -> dict[str, Any]:
        looked.append(out)
        return {} if len(looked) == 1 else told(out)

    told = sharded._agreed
    monkeypatch.setattr(sharded, "_agreed", agreed)
    monkeypatch.setattr(batching, "quickest_tokens", lambda model: 10_000)
    shard(tmp_path, 2, 2)
    assert len(looked) == 2
    assert [path.name for path in (tmp_path / "shards").iterdir() if path.is_file()] == ["plan.json"]
    merge_shards(tmp_path)
    assert content(tmp_path) == content(wanted)


def test_a_shard_of_another_kind_of_device_is_refused_and_damage_is_added_up(tmp_path: Path, wanted: Path) -> None:
    for number in (1, 2):
        shard(tmp_path, number, 2)
    place = tmp_path / "shards" / "2-of-2" / "run.json"
    manifest = json.loads(place.read_text()) | {"damaged_parts": 2}
    place.write_text(json.dumps(manifest | {"model": manifest["model"] | {"device": "cuda:0"}}))
    with pytest.raises(InputError, match=r"2-of-2: another device than .*1-of-2 .the device is 'cuda' there"):
        merge_shards(tmp_path)
    place.write_text(json.dumps(manifest))
    assert merge_shards(tmp_path).manifest["damaged_parts"] == 2


def test_what_a_shard_does_stands_in_the_log(tmp_path: Path) -> None:
    open_journal(tmp_path / "log.jsonl")
    shard(tmp_path / "run", 1, 2)
    close_journal()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    choices, parts = ([each for each in lines if each["event"] == event] for event in ("choices", "part"))
    assert [each["spec"]["control_pairs"] for each in choices] == [3]
    assert [each["part"] for each in parts] == ["00000"]
    assert parts[0]["measured"] == choices[0]["items"]
