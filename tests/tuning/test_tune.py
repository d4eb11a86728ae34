"""From a model and examples to a folder that loads as a model, on tiny models of random weights."""

import json
import logging
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import mediate
from mediate.errors import InputError
from mediate.models.cache import VARIABLE
from mediate.models.fetch import fetched_path
from mediate.models.origin import Origin, OriginKind, resolve
from mediate.pairs import read_pairs
from mediate.tasks import generate_pairs
from mediate.tuning import base as bases
from mediate.tuning import trainers
from mediate.tuning import tune as tuning
from mediate.tuning.base import load_base, stored_name
from mediate.tuning.folder import CHECKPOINTS, read_tuning
from mediate.tuning.quiet import undisturbed
from mediate.tuning.tune import open_tuned, tune
from tests import tiny
from tests.models import folders
from tests.tuning.subjects import base_folder, examples

IDS = torch.randint(0, 250, (2, 12), generator=torch.Generator().manual_seed(0))
ROWS = examples(6)
SHORT: dict[str, Any] = {"steps": 3, "batch_size": 2, "held_out": 0, "learning_rate": 1e-2, "progress": False}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base") / "m")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def trained_logits(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """Collects what each trained model says in memory, before it is written."""
    said: list[torch.Tensor] = []
    fit = trainers.fit

    def noted(*given: Any) -> Any:
        model, losses = fit(*given)
        said.append(folders.logits(model, IDS))
        return model, losses

    monkeypatch.setattr(tuning, "fit", noted)
    return said


ARMS = {
    "sft": {},
    "lora": {},
    "lora merged": {"merge": True},
    "answer-only": {},
    "answer-only full": {"full": True, "keep_chain": True},
    "dpo": {},
    "dpo full": {"full": True},
}


@pytest.mark.parametrize("arm", ARMS)
def test_the_folder_loads_as_the_trained_weights(
    arm: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = trained_logits(monkeypatch)
    tuned = tune(base, ROWS, out=tmp_path / "out", arm=arm.split()[0], **SHORT | ARMS[arm])
    loaded = mediate.load(tmp_path / "out", device="cpu")
    with torch.no_grad():
        found = loaded.plain(input_ids=IDS).logits
    untuned = folders.logits(load_base(base).plain, IDS)
    assert (found - said[0]).abs().max() < 1e-5
    assert (found - untuned).abs().max() > 1e-3
    assert loaded.facts.fingerprint == tuned.manifest["result"]["fingerprint"]
    whole = arm in ("sft", "lora merged", "answer-only full", "dpo full")
    assert tuned.manifest["result"]["kind"] == ("checkpoint" if whole else "adapter")
    assert loaded.facts.tokenizer == mediate.load(base, device="cpu").facts.tokenizer
    assert not (tmp_path / "out" / CHECKPOINTS).exists()
    assert [each["step"] for each in tuned.losses] == [1, 2, 3]


@pytest.mark.parametrize("architecture", ["gpt2", "neox", "gemma3", "qwen3"])
def test_other_architectures(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = trained_logits(monkeypatch)
    folder = base_folder(tmp_path / "base", architecture=architecture)
    for arm in ("sft", "lora"):
        tune(folder, ROWS, out=tmp_path / arm, arm=arm, **SHORT)
        with torch.no_grad():
            found = mediate.load(tmp_path / arm, device="cpu").plain(input_ids=IDS).logits
        assert (found - said[-1]).abs().max() < 1e-5
        assert (found - folders.logits(load_base(folder).plain, IDS)).abs().max() > 1e-3


def test_training_learns(base: Path, tmp_path: Path) -> None:
    options = SHORT | {"steps": 60, "batch_size": 4, "learning_rate": 2e-2}
    tuned = tune(base, ROWS, out=tmp_path / "out", arm="sft", **options)
    assert tuned.losses[-1]["loss"] < 0.6 * tuned.losses[0]["loss"]
    preferred = tune(base, ROWS[::2], out=tmp_path / "dpo", arm="dpo", **options)
    assert preferred.losses[0]["loss"] == pytest.approx(np.log(2), abs=1e-5)  # the model is its own reference at first
    assert preferred.losses[-1]["rewards/accuracies"] == 1
    # By how much depends on how the processor rounds: below 0.5 on some, 0.56 on one.
    assert preferred.losses[-1]["loss"] < 0.9 * preferred.losses[0]["loss"]


def test_a_seed_fixes_every_bit_and_touches_no_generator(base: Path, tmp_path: Path) -> None:
    states = np.random.get_state()[1].copy(), torch.get_rng_state(), dict(os.environ)
    options = SHORT | {"dropout": 0.2, "held_out": 0.3, "max_new_tokens": 4}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        tune(base, ROWS, out=tmp_path / name, arm="lora", seed=seed, **options)
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c")
    # Not Python's own here: the shape checks of the tests draw from it.
    assert np.array_equal(np.random.get_state()[1], states[0])
    assert torch.equal(torch.get_rng_state(), states[1])
    assert dict(os.environ) == states[2]


def test_what_a_trainer_does_to_the_process_is_undone() -> None:
    from huggingface_hub import constants

    logger, told = logging.getLogger("trl"), constants.HF_HUB_DISABLE_TELEMETRY
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state(), dict(os.environ), logger.level

    def spoiled() -> None:
        with undisturbed():
            random.seed(9)
            np.random.seed(9)
            torch.manual_seed(9)
            os.environ["ACCELERATE_SOMETHING"] = "1"
            assert logger.level == logging.ERROR
            assert constants.HF_HUB_DISABLE_TELEMETRY
            raise Killed

    with pytest.raises(Killed):
        spoiled()
    assert random.getstate() == states[0]
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert torch.equal(torch.get_rng_state(), states[2])
    assert dict(os.environ) == states[3]
    assert logger.level == states[4]
    assert told == constants.HF_HUB_DISABLE_TELEMETRY


class Killed(BaseException):
    """Ends a tuning where it stands."""


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.tuning.watching import Watch

    on_log = Watch.on_log

    def dying(self: Any, args: Any, state: Any, control: Any, **given: Any) -> None:
        on_log(self, args, state, control, **given)
        if state.global_step == step:
            raise Killed

    monkeypatch.setattr(Watch, "on_log", dying)


def steps_run(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collects the numbers of the steps that are run."""
    from mediate.tuning.watching import Watch

    found: list[int] = []
    on_step_end = Watch.on_step_end

    def noted(self: Any, args: Any, state: Any, control: Any, **given: Any) -> None:
        found.append(state.global_step)
        on_step_end(self, args, state, control, **given)

    monkeypatch.setattr(Watch, "on_step_end", noted)
    return found


@pytest.mark.parametrize("arm", ["sft", "lora", "dpo"])
def test_a_killed_tuning_goes_on_to_the_same_weights(arm: str, base: Path, tmp_path: Path) -> None:
    options = SHORT | {"steps": 5, "held_out": 0.3, "max_new_tokens": 4} | ({"dropout": 0.2} if arm == "lora" else {})
    # An odd batch size, so that an epoch ends within; six examples make two units at least.
    whole = tune(base, ROWS, out=tmp_path / "whole", arm=arm, **options)
    out = tmp_path / "parts"
    for step in (2, 4):
        with pytest.MonkeyPatch.context() as patch:
            killed_at(step, patch)
            with pytest.raises(Killed):
                tune(base, ROWS, out=out, arm=arm, **options)
        assert read_tuning(out)["status"] == "running"
        with pytest.raises(InputError, match="not finished"):
            open_tuned(out)
    # A checkpoint that was not written to its end counts for nothing.
    torn = out / CHECKPOINTS / "checkpoint-4"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_step": 4')
    with pytest.MonkeyPatch.context() as patch:
        run = steps_run(patch)
        parts = tune(base, ROWS, out=out, arm=arm, **options)
    assert parts.manifest["resumed_from_step"] == 3
    assert run == [4, 5]
    assert same(tmp_path / "whole", out)
    kept = [{key: value for key, value in each.items() if key != "epoch"} for each in parts.losses]
    assert kept == [{key: value for key, value in each.items() if key != "epoch"} for each in whole.losses]
    assert parts.manifest["accuracy"] == whole.manifest["accuracy"]


def test_killed_after_the_last_step(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tune(base, ROWS, out=tmp_path / "whole", arm="lora", **SHORT)
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "save_model", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            tune(base, ROWS, out=tmp_path / "out", arm="lora", **SHORT)
    run = steps_run(monkeypatch)
    assert tune(base, ROWS, out=tmp_path / "out", arm="lora", **SHORT).manifest["resumed_from_step"] == 3
    assert run == []
    assert same(tmp_path / "whole", tmp_path / "out")


def test_a_finished_folder_is_read_back_and_another_is_refused(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    first = tune(base, ROWS, out=out, arm="lora", **SHORT)
    monkeypatch.setattr(tuning, "fit", lambda *_: pytest.fail("trained again"))
    again = tune(base, ROWS, out=out, arm="lora", **SHORT)
    assert (again.manifest, again.losses) == (first.manifest, first.losses)
    for change, named in (
        ({"seed": 1}, "option 'seed' is 0 there and 1 here"),
        ({"rank": 4}, "option 'rank' is 16 there"),
    ):
        with pytest.raises(InputError, match=named):
            tune(base, ROWS, out=out, arm="lora", **SHORT | change)
    with pytest.raises(InputError, match=r"data\.fingerprint"):
        tune(base, ROWS[::-1], out=out, arm="lora", **SHORT)
    with pytest.raises(InputError, match=r"the base model .* has other weights there"):
        tune(base_folder(tmp_path / "m", seed=5), ROWS, out=out, arm="lora", **SHORT)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty and holds no tuning"):
        tune(base, ROWS, out=tmp_path / "other", arm="lora", **SHORT)
    assert sorted(each.name for each in (tmp_path / "other").iterdir()) == ["notes.txt"]


def test_any_error_that_ends_a_tuning_is_no_running_one(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediate.tuning.watching import Watch

    def short(*_: object, **__: object) -> None:
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(Watch, "on_step_end", short)
    with pytest.raises(RuntimeError, match="not enough memory"):
        tune(base, ROWS, out=tmp_path / "out", arm="sft", **SHORT)
    assert read_tuning(tmp_path / "out")["status"] == "failed"
    monkeypatch.undo()
    assert tune(base, ROWS, out=tmp_path / "out", arm="sft", **SHORT).manifest["status"] == "success"


@pytest.mark.parametrize(("arm", "steps", "named"), [
    ("sft", 4, "weight"), ("sft", 20, "loss is nan"), ("lora", 20, "loss is nan"), ("dpo", 20, "loss is nan")
])  # fmt: skip
def test_what_is_not_finite_stops_the_tuning_and_keeps_the_last_good_checkpoint(
    arm: str, steps: int, named: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediate.tuning import watching

    class Poisoned(watching.Watch):
        def on_step_begin(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
            if state.global_step == 2:
                next(each for each in model.parameters() if each.requires_grad).data.fill_(float("inf"))

    monkeypatch.setattr(watching, "Watch", Poisoned)
    # With four steps each is saved, and the weights are looked at before; with twenty, every other one.
    with pytest.raises(InputError, match=rf"diverged at step 3: the {named}.* below 0\.01"):
        tune(base, ROWS, out=tmp_path / "out", arm=arm, **SHORT | {"steps": steps})
    assert read_tuning(tmp_path / "out")["status"] == "failed"
    kept = sorted(each.name for each in (tmp_path / "out" / CHECKPOINTS).glob("checkpoint-*"))
    assert kept == (["checkpoint-1", "checkpoint-2"] if steps == 4 else ["checkpoint-2"])
    (file,) = (tmp_path / "out" / CHECKPOINTS / "checkpoint-2").glob("*model.safetensors")
    assert all(torch.isfinite(each).all() for each in load_file(file).values())


def test_a_wild_learning_rate_is_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"diverged at step \d+: .* below 1e\+38"):
        tune(base, ROWS, out=tmp_path / "out", arm="sft", **SHORT | {"steps": 8, "learning_rate": 1e38})
    for state in (tmp_path / "out" / CHECKPOINTS).glob("checkpoint-*/model.safetensors"):
        assert all(torch.isfinite(each).all() for each in load_file(state).values())


def test_a_base_with_an_adapter_is_merged_and_trained_whole(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(base, ROWS, out=tmp_path / "first", arm="lora", **SHORT)
    said = trained_logits(monkeypatch)
    for arm in ("lora", "sft"):
        again = tune(f"{base}+{tmp_path / 'first'}", ROWS, out=tmp_path / arm, arm=arm, **SHORT)
        assert again.manifest["result"]["kind"] == "checkpoint"
        with torch.no_grad():
            found = mediate.load(tmp_path / arm, device="cpu").plain(input_ids=IDS).logits
        assert (found - said[-1]).abs().max() < 1e-5
    before = load_base(tmp_path / "first").plain.state_dict()  # an adapter's folder names its own base
    after = load_base(tmp_path / "sft").plain.state_dict()
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert len(moved) == len(before), "merging leaves weights frozen"


def test_an_adapter_of_another_base_is_refused_by_name(base: Path, tmp_path: Path) -> None:
    tune(base, ROWS, out=tmp_path / "adapter", arm="lora", **SHORT)
    other = base_folder(tmp_path / "other", seed=9)  # the same shapes, so that it would fit
    with pytest.raises(InputError, match=r"was tuned on 'm' \(.*\), and 'other' has other weights"):
        load_base(f"{other}+{tmp_path / 'adapter'}")


def test_the_stored_base_is_found_from_any_directory(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base.parent)
    tune("m", ROWS, out=tmp_path / "out", arm="lora", **SHORT)
    monkeypatch.chdir(tmp_path)
    stored = json.loads((tmp_path / "out" / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert stored == str(base.resolve())
    assert resolve(tmp_path / "out").location == stored


def test_cached_files_are_stored_by_their_packaged_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "smollm2-135m-instruct"
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    fetched_path(name).parent.mkdir(parents=True)
    fetched_path(name).write_bytes(b"weights")
    monkeypatch.setattr(bases, "converted", lambda file: file.parent / "gguf-123")
    for kind, location in (
        (OriginKind.GGUF, fetched_path(name)),
        (OriginKind.FOLDER, fetched_path(name).parent / "gguf-123"),
        (OriginKind.FOLDER, fetched_path(name).parent / ".." / "models" / "gguf-123"),
    ):
        assert stored_name(Origin(kind, str(location), "x")) == name
    assert resolve(name).location == str(fetched_path(name))
    assert stored_name(Origin(OriginKind.HUB, "org/model", "org/model")) == "org/model"
    elsewhere = tmp_path / "mine.gguf"
    assert stored_name(Origin(OriginKind.GGUF, str(elsewhere), "mine")) == str(elsewhere)


def test_a_folder_elsewhere_leaves_cached_files_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    file = fetched_path("smollm2-135m-instruct")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    monkeypatch.setattr(bases, "converted", lambda file: pytest.fail("read, and converted where it is not yet"))
    (tmp_path / "mine").mkdir()
    assert stored_name(Origin(OriginKind.FOLDER, str(tmp_path / "mine"), "mine")) == str(tmp_path / "mine")


def test_bad_examples_stop_or_are_counted(base: Path, tmp_path: Path) -> None:
    bad = replace(ROWS[0], id="long", chain="Tom has 3 apples. " * 200)
    with pytest.raises(InputError, match=r"'long': \d+ tokens, and the model's context is 512"):
        tune(base, [*ROWS, bad], out=tmp_path / "out", **SHORT)
    assert not (tmp_path / "out").exists()
    tuned = tune(base, [*ROWS, bad], out=tmp_path / "out", **SHORT | {"on_bad_item": "skip"})
    assert tuned.manifest["data"] | {"fingerprint": ""} == {
        "fingerprint": "", "train": 6, "held_out": 0, "asked": 0, "left_out": 1
    }  # fmt: skip
    (row,) = (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()
    assert json.loads(row)["code"] == "too_long"
    with pytest.raises(InputError, match="none of 1 examples"):
        tune(base, [bad], out=tmp_path / "none", **SHORT | {"on_bad_item": "skip"})


def test_wrong_calls_are_named(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="no examples"):
        tune(base, [], out=out)
    with pytest.raises(InputError, match=f"{ROWS[0].id!r}: the id occurs more than once"):
        tune(base, [*ROWS, replace(ROWS[0], answer="77")], out=out, **SHORT | {"on_bad_item": "skip"})
    with pytest.raises(InputError, match="in memory; give the model's name"):
        tune(tiny.plain_model("llama"), ROWS, out=out)
    with pytest.raises(InputError, match="has no tokenizer"):
        tune(folders.saved(tmp_path / "mute", tokenizer=False), ROWS, out=out)
    with pytest.raises(InputError, match="no EOS token"):
        tune(folders.saved(tmp_path / "endless"), ROWS, out=out)
    with pytest.raises(InputError, match="device 'tpu' cannot be used"):
        tune(base, ROWS, out=out, device="tpu")
    with pytest.raises(InputError, match="no adapter on nothing"):
        tune(base, ROWS, out=out, arm="lora", target_modules=("nothing",), **SHORT)
    shutil.rmtree(out)
    monkeypatch.setitem(__import__("sys").modules, "trl", None)
    with pytest.raises(InputError, match=r'package trl; pip install "cot-mediate\[train\]"'):
        tune(base, ROWS, out=out)
    assert not out.exists()


def test_held_out_pairs_are_ready_to_be_scored(base: Path, tmp_path: Path) -> None:
    pairs = generate_pairs(5, steps=2, with_cot=True)
    options = SHORT | {"held_out": 0.3, "max_new_tokens": 4}
    tuned = tune(base, pairs, out=tmp_path / "out", arm="answer-only", **options)
    held_out = read_pairs(tmp_path / "out" / "held_out_pairs.jsonl")
    trained = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert {pair.id for pair in held_out} | {row["id"].partition("/")[0] for row in trained} == {p.id for p in pairs}
    assert not {item.question for pair in held_out for item in (pair.base, pair.source)} & {
        row["question"] for row in trained
    }
    assert tuned.manifest["accuracy"]["after"]["no_chain"]["n"] == 2 * len(held_out)
    mediate.score(mediate.load(tmp_path / "out", device="cpu"), held_out[:1], maps=(), control_pairs=0, store=False)


def test_nothing_is_printed(base: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tune(base, ROWS, out=tmp_path / "out", arm="dpo", **SHORT)
    assert capfd.readouterr() == ("", "")
