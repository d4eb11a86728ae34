"""Models that are kept on the way: folders of their own, as the trained weights were, also after a kill."""

from pathlib import Path
from typing import Any

import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.pairs import write_pairs
from mediate.tasks import modular_pairs
from mediate.tuning import tune as tuning
from mediate.tuning.spec import make_tune_spec
from mediate.tuning.tune import open_tuned, tune
from tests.models import folders
from tests.tuning.subjects import base_folder, examples
from tests.tuning.test_tune import IDS, SHORT, Killed, killed_at, same

ROWS = examples(6)
KEPT: dict[str, Any] = SHORT | {"steps": 5, "checkpoints": "2,4"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base") / "m")


@pytest.mark.parametrize(("arm", "options"), [("sft", {}), ("lora", {}), ("lora", {"merge": True})])
def test_a_kept_model_is_what_was_trained_up_to_its_step(
    arm: str, options: dict[str, Any], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[int, torch.Tensor] = {}
    save = tuning.save_step

    def noted(trained: Any, base: Any, spec: Any, folder: Path) -> None:
        said[int(folder.name.removeprefix("step-"))] = folders.logits(trained, IDS)
        save(trained, base, spec, folder)

    monkeypatch.setattr(tuning, "save_step", noted)
    tuned = tune(base, ROWS, out=tmp_path / "out", arm=arm, **KEPT | options)
    plain = tune(base, ROWS, out=tmp_path / "plain", arm=arm, **KEPT | options | {"checkpoints": ()})
    assert same(tmp_path / "out", tmp_path / "plain"), "keeping models changes the training"
    assert plain.checkpoints == {}
    assert list(tuned.checkpoints) == [2, 4]
    for (step, folder), kept in zip(tuned.checkpoints.items(), tuned.manifest["checkpoints"], strict=True):
        model = mediate.load(folder, device="cpu")
        with torch.no_grad():
            found = model.plain(input_ids=IDS).logits
        assert (found - said[step]).abs().max() < 1e-5
        assert model.facts.fingerprint == kept["fingerprint"]
        assert model.facts.fingerprint != tuned.manifest["result"]["fingerprint"]
        own = open_tuned(folder)
        assert (own.manifest["result"]["fingerprint"], own.manifest["steps"]) == (kept["fingerprint"], step)
        assert own.losses == tuned.losses[:step]
        assert kept["fingerprint"][:12] in str(tuned)
    (last,) = (file.name for file in (tmp_path / "out").glob("*.safetensors"))
    assert (tuned.checkpoints[4] / last).exists()
    configs = [(folder / "config.json") for folder in (*tuned.checkpoints.values(), tmp_path / "out")]
    assert len({each.read_text() for each in configs if each.exists()}) <= 1, "its configuration is the trainer's"


def test_a_killed_tuning_keeps_the_same_models(base: Path, tmp_path: Path) -> None:
    whole = tune(base, ROWS, out=tmp_path / "whole", arm="sft", **KEPT)
    out = tmp_path / "parts"
    for step in (2, 4):  # each before its model is kept, or before the step is over
        with pytest.MonkeyPatch.context() as patch:
            killed_at(step, patch)
            with pytest.raises(Killed):
                tune(base, ROWS, out=out, arm="sft", **KEPT)
    parts = tune(base, ROWS, out=out, arm="sft", **KEPT)
    assert parts.manifest["checkpoints"] == whole.manifest["checkpoints"]
    assert same(out, tmp_path / "whole")
    assert all(same(parts.checkpoints[step], whole.checkpoints[step]) for step in (2, 4))
    again = tune(base, ROWS, out=out, arm="sft", **KEPT)
    assert again.manifest == parts.manifest
    with pytest.raises(InputError, match=r"option 'checkpoints' is \[2, 4\] there and \[2\] here"):
        tune(base, ROWS, out=out, arm="sft", **KEPT | {"checkpoints": (2,)})


def test_a_kept_model_is_a_model_of_every_command(tmp_path: Path) -> None:
    options: dict[str, Any] = {"steps": 3, "batch_size": 2, "held_out": 0.3, "progress": False, "max_new_tokens": 24}
    pairs = modular_pairs(6)
    tuned = mediate.tune("reference-0.1m", pairs, out=tmp_path / "out", arm="sft", checkpoints=[2], **options)
    (kept,) = tuned.manifest["checkpoints"]
    assert kept["accuracy"]["own_chain"]["n"] == tuned.manifest["accuracy"]["after"]["own_chain"]["n"] > 0
    write_pairs(tmp_path / "pairs.jsonl", pairs[:2])
    model = mediate.load(tuned.checkpoints[2], device="cpu")
    scores = mediate.score(model, tmp_path / "pairs.jsonl", maps=(), control_pairs=0, store=False, progress=False)
    assert scores.results.manifest["model"]["fingerprint"] == kept["fingerprint"]


def test_numbers_that_are_not_finite_are_not_kept(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.tuning import watching

    class Poisoned(watching.Watch):
        def on_step_begin(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
            if state.global_step == 2:
                next(each for each in model.parameters() if each.requires_grad).data.fill_(float("inf"))

    monkeypatch.setattr(watching, "Watch", Poisoned)
    with pytest.raises(InputError, match="diverged at step 3: the weight"):
        tune(base, ROWS, out=tmp_path / "out", arm="sft", **SHORT | {"steps": 40, "checkpoints": 3})
    assert not (tmp_path / "out" / "step-3").exists()


def test_steps_that_there_are_not_are_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="checkpoints are asked for after step 9, and there are 3 steps; give fewer"):
        tune(base, ROWS, out=tmp_path / "out", arm="sft", **SHORT | {"checkpoints": (1, 9)})
    assert not (tmp_path / "out" / "tuning.json").exists()
    tune(base, ROWS, out=tmp_path / "out", arm="sft", **SHORT | {"checkpoints": (3,)})


@pytest.mark.parametrize(("given", "steps"), [
    ("50,100, 200", (50, 100, 200)), (("100", "50,100"), (50, 100)), ([7], (7,)), (7, (7,)), ((), ())
])  # fmt: skip
def test_steps_as_they_are_given(given: Any, steps: tuple[int, ...]) -> None:
    assert make_tune_spec(arm="sft", checkpoints=given).checkpoints == steps


@pytest.mark.parametrize("given", ["", "0", "5,", "-3", "1.5", (1, "x")])
def test_wrong_steps_are_named(given: Any) -> None:
    with pytest.raises(InputError, match=r"option 'checkpoints': give numbers of steps from 1, such as 50,100,200"):
        make_tune_spec(arm="sft", checkpoints=given)


def test_choices_that_others_heed_leave_a_folder_as_it_was() -> None:
    said = make_tune_spec(arm="lora").described()
    assert said.keys() == {
        "arm", "full", "keep_chain", "template", "template_text", "answer_cue", "epochs", "steps", "batch_size",
        "learning_rate", "warmup", "weight_decay", "max_length", "rank", "alpha", "dropout", "target_modules", "merge",
        "beta", "held_out", "ask", "max_new_tokens", "on_bad_item", "seed",
    }  # fmt: skip
    assert make_tune_spec(arm="lora", checkpoints=(5,)).described().keys() - said.keys() == {"checkpoints"}
    assert make_tune_spec(arm="swapped").described().keys() - said.keys() == {"chains"}
