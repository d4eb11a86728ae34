"""Every arm that arranges what it trains on, on a reference reasoner: run, killed and taken up, or refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mediate
from mediate.errors import InputError
from mediate.models.shipped import reference_folder
from mediate.tasks import TASKS
from mediate.tuning.examples import examples_of_pairs
from mediate.tuning.folder import read_tuning
from mediate.tuning.tune import tune
from tests.tuning.test_tune import Killed, killed_at, same

RUNG = "reference-worded-0.1m"
SHORT: dict[str, Any] = {"steps": 4, "batch_size": 4, "ask": 0, "max_new_tokens": 64, "full": True, "progress": False}
ARMS: dict[str, dict[str, Any]] = {
    "mix": {},
    "prefix": {"instruction": "", "own_chains": True, "on_bad_item": "skip"},
    "swapped": {},
    "swapped shuffled": {"chains": "shuffled"},
    "swapped filler": {"chains": "filler"},
    "swapped wrong": {"chains": "wrong"},
    "filtered": {"keep": 0.5, "by": "surprisal"},
    "filtered masked": {"least": 0.9},
}


@pytest.fixture(scope="module")
def data() -> Any:
    task = next(task for task in TASKS if task.name == "worded")
    assert task.training is not None
    return examples_of_pairs(task.training(8, seed=0))


def given(arm: str, data: Any) -> Any:
    return {"long": (data[:8], 0.2), "short": (data[8:], 0.8)} if arm == "mix" else data


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_runs_and_says_what_it_trained_on(arm: str, data: Any, tmp_path: Path) -> None:
    name, out = arm.split()[0], tmp_path / "out"
    tuned = mediate.tune(RUNG, given(name, data), out=out, arm=name, **SHORT | ARMS[arm])
    rows = [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]
    assert len(rows) == tuned.manifest["arranged"]["examples"]
    assert all(row.get("meta") for row in rows) or "keep" in ARMS[arm]
    assert "\ntrained on: " in repr(tuned)
    assert (f"judge {RUNG}" in repr(tuned)) is (name == "filtered")
    assert len(tuned.losses) == 4
    model = mediate.load(out, device="cpu")
    assert model.facts.fingerprint == tuned.manifest["result"]["fingerprint"]


@pytest.mark.parametrize("arm", ["prefix", "mix"])
def test_a_killed_tuning_goes_on_with_the_same_examples(
    arm: str, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SHORT | ARMS[arm]
    whole = tune(RUNG, given(arm, data), out=tmp_path / "whole", arm=arm, **options)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        killed_at(3, patch)
        with pytest.raises(Killed):
            tune(RUNG, given(arm, data), out=out, arm=arm, **options)
    assert read_tuning(out)["arranged"] == whole.manifest["arranged"]
    assert tune(RUNG, given(arm, data), out=out, arm=arm, **options).manifest["resumed_from_step"] == 2
    assert same(tmp_path / "whole", out)
    assert (out / "train.jsonl").read_text() == (tmp_path / "whole" / "train.jsonl").read_text()


def test_another_judge_of_the_same_name_is_refused(data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.tuning.student import Student

    options = SHORT | {"keep": 0.5, "judge": RUNG}
    with monkeypatch.context() as patch:
        killed_at(3, patch)
        with pytest.raises(Killed):
            tune(RUNG, data, out=tmp_path / "out", arm="filtered", **options)
    other = Student.__init__

    def unlike(self: Student, *given: Any, **named: Any) -> None:
        other(self, *given, **named)
        object.__setattr__(self, "other", lambda name: mediate.load("reference-worded-0.3m", device="cpu"))

    monkeypatch.setattr(Student, "__init__", unlike)
    with pytest.raises(InputError, match=r"something else was trained on so far \(arranged.fingerprint is "):
        tune(RUNG, data, out=tmp_path / "out", arm="filtered", **options)


def test_a_finished_folder_is_not_read_back_under_another_judge(data: Any, tmp_path: Path) -> None:
    judge = tmp_path / "judge"
    options = SHORT | {"keep": 0.5, "judge": str(judge)}
    shutil.copytree(reference_folder(RUNG), judge)
    tune(RUNG, data, out=tmp_path / "out", arm="filtered", **options)
    shutil.rmtree(judge)
    shutil.copytree(reference_folder("reference-worded-0.3m"), judge)
    with pytest.raises(InputError, match=r"data\.judge is "):
        tune(RUNG, data, out=tmp_path / "out", arm="filtered", **options)


def test_a_finished_mix_is_not_read_back_for_other_parts(data: Any, tmp_path: Path) -> None:
    """The same lines without ids, of which one is now of the other part."""
    lines = [json.dumps({"question": e.question, "chain": e.chain, "answer": e.answer}) for e in data]
    options = SHORT | {"held_out": 0}

    def mixed(first: int) -> None:
        (tmp_path / "a.jsonl").write_text("\n".join(lines[:first]))
        (tmp_path / "b.jsonl").write_text("\n".join(lines[first:]))
        parts = {"a": (tmp_path / "a.jsonl", 0.5), "b": (tmp_path / "b.jsonl", 0.5)}
        tune(RUNG, parts, out=tmp_path / "out", arm="mix", **options)

    mixed(len(lines) // 2)
    with pytest.raises(InputError, match=r"data\.fingerprint is "):
        mixed(len(lines) // 2 - 1)


def test_a_chain_that_is_too_long_where_it_is_put_is_named(data: Any, tmp_path: Path) -> None:
    long = replace(data[0], chain=" ".join([data[0].chain] * 3), group="long", id="long")
    short = replace(data[1], question=" ".join([data[1].question] * 3), group="short", id="short")
    options = SHORT | {"held_out": 0, "max_length": 60}
    tune(RUNG, [long, short], out=tmp_path / "sft", arm="sft", **{**options, "full": None})
    with pytest.raises(InputError, match=r"item 'short': \d+ tokens, and max_length is 60"):
        tune(RUNG, [long, short], out=tmp_path / "out", arm="swapped", **options)
    assert not (tmp_path / "out" / "tuning.json").exists()
