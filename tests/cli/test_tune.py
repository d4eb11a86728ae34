"""`mediate tune`: what is typed reaches the tuning, and a process that is killed goes on."""

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mediate.cli import tune as command
from mediate.errors import InputError
from mediate.tuning import ARMS
from mediate.tuning.folder import CHECKPOINTS
from mediate.tuning.spec import TuneSpec
from tests.tuning.subjects import base_folder, written

ROWS = [
    {"question": f"Tom has {number} apples.", "chain": f"He has {number}.", "answer": number} for number in range(3, 9)
]
QUICK = ["--steps", "3", "--batch-size", "2", "--held-out", "0.3", "--max-new-tokens", "4", "--device", "cpu"]


def invoke(*words: object) -> str:
    result = CliRunner().invoke(command.tune_app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base") / "m")


def test_a_tuning_from_a_file(base: Path, tmp_path: Path) -> None:
    data, out = written(tmp_path / "d.jsonl", ROWS), tmp_path / "out"
    said = invoke("answer-only", "--model", base, "--data", data, "--out", out, "--rank", 2, "--keep-chain", *QUICK)
    assert "answer-only: 3 steps on 4 examples, loss" in said
    assert f"model: {out}" in said
    spec = json.loads((out / "tuning.json").read_text())["spec"]
    assert (spec["rank"], spec["keep_chain"], spec["answer_cue"]) == (2, True, "\nThe answer is")
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert len((out / "loss.jsonl").read_text().splitlines()) == 3


def test_built_in_problems_leave_pairs_to_score(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invoke("dpo", "--model", base, "--task", "problems", "-n", 4, "--problem-steps", 2, "--out", out, *QUICK)
    made = json.loads((out / "tuning.json").read_text())
    assert made["data"]["train"] + made["data"]["held_out"] == 8
    assert (out / "held_out_pairs.jsonl").exists()


def test_data_are_named_once(base: Path, tmp_path: Path) -> None:
    for words in (["--task", "problems", "--data", "d.jsonl"],):
        with pytest.raises(InputError, match="either --data FILE or --task, not both"):
            invoke("sft", "--model", base, "--out", tmp_path / "out", *words)


@pytest.mark.parametrize("words", [[], ["--data", "d.jsonl"]])
def test_steps_out_of_their_range_are_refused_before_a_model_is_looked_for(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"problem_steps.* and it is 9; give a number from 2 to 6"):
        invoke("lora", "--model", "no-such-model", "--problem-steps", 9, "--out", tmp_path / "out", *words)


@pytest.mark.parametrize("name", ["sft", "lora", "answer_only", "dpo"])
def test_options_have_the_defaults_of_the_specification(name: str) -> None:
    own = {
        "model",
        "old_target_module",  # the name of before
        "out",
        "data",
        "task",
        "count",
        "problem_steps",
        "device",
        "template",
        "answer_cue",
        "on_bad_item",
        "quiet",
        "takeover",
    }
    arm = next(arm for arm in ARMS if arm.name == name.replace("_", "-"))
    parameters = inspect.signature(command.arm_command(arm).whole()).parameters
    for option, parameter in parameters.items():
        if option not in own:
            default = TuneSpec.model_fields[option].default
            assert parameter.default in (default, {("all-linear",): None, None: False}.get(default)), option
    heeded = set(TuneSpec.model_fields) - {"arm"}
    adapter = {"rank", "alpha", "dropout", "target_modules", "merge"}
    later = {each for arm in ARMS if arm.in_parts or arm.arrange is not None for each in arm.own}
    left_out = {"sft": adapter | {"full", "keep_chain", "beta"}, "lora": {"full", "keep_chain", "beta"},
                "answer_only": {"beta"}, "dpo": {"keep_chain"}}[name]  # fmt: skip
    assert set(parameters) & heeded == heeded - left_out - later


def test_a_mix_takes_its_parts_by_name(base: Path, tmp_path: Path) -> None:
    long, short, out = written(tmp_path / "l:1.jsonl", ROWS), written(tmp_path / "s.jsonl", ROWS), tmp_path / "out"
    parts = ["--part", f"long={long}:0.2", "--part", f"short={short}:.8"]
    said = invoke("mix", "--model", base, *parts, "--out", out, "--size", 5, *QUICK, "--held-out", 0)
    assert "mix: 3 steps on 5 examples" in said
    assert "trained on: 5 examples, parts (long (0.2 weight, 6 there, 1 examples), short (" in said
    assert json.loads((out / "tuning.json").read_text())["data"]["parts"] == {"long": 0.2, "short": 0.8}


@pytest.mark.parametrize(("parts", "named"), [
    ([], "0 part to mix; give --part NAME=FILE:WEIGHT twice or more"),
    (["--part", "d.jsonl:0.2"], "--part 'd.jsonl:0.2': give NAME=FILE:WEIGHT with a weight above 0"),
    (["--part", "a=d.jsonl"], "give NAME=FILE:WEIGHT"),
    (["--part", "a=d.jsonl:0"], "with a weight above 0"),
    (["--part", "a=d.jsonl:x"], "with a weight above 0"),
    (["--part", "a=d.jsonl:1", "--part", "a=e.jsonl:1"], "the name stands twice"),
])  # fmt: skip
def test_wrong_parts_are_named(parts: list[str], named: str, base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=named):
        invoke("mix", "--model", base, "--out", tmp_path / "out", *parts)


def test_a_prefix_takes_an_empty_instruction(tmp_path: Path) -> None:
    words = ["prefix", "--model", "reference-0.1m", "-n", 4, "--ask", 0, "--out", tmp_path / "out", *QUICK]
    with pytest.raises(InputError, match=r"no token for 'Please', .*--instruction ''\) to ask nothing"):
        invoke(*words)
    said = invoke(*words, "--instruction", "", "--prefix-tokens", 4)
    assert "trained on: " in said
    assert "whole, 0 shorter than prefix, 0 own chains" in said


def test_models_are_kept_on_the_way(base: Path, tmp_path: Path) -> None:
    data, out = written(tmp_path / "d.jsonl", ROWS), tmp_path / "out"
    said = invoke("sft", "--model", base, "--data", data, "--out", out, "--checkpoints", "1,2", *QUICK)
    kept = json.loads((out / "tuning.json").read_text())["checkpoints"]
    assert [each["folder"] for each in kept] == ["step-1", "step-2"]
    assert f"after step 2: {out / 'step-2'} (fingerprint {kept[1]['fingerprint'][:12]})" in said


def test_help_loads_no_torch() -> None:
    code = "import sys, mediate.cli.tune as t\nassert not {'torch', 'trl', 'peft', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_process_that_is_killed_goes_on(base: Path, tmp_path: Path) -> None:
    data, whole, out = written(tmp_path / "d.jsonl", ROWS), tmp_path / "whole", tmp_path / "out"
    words = ["lora", "--model", base, "--data", data, "--dropout", 0.1, "--held-out", 0, "--steps", 40]
    invoke(*words, "--out", whole)
    code = "import sys; from mediate.cli.tune import tune_app; tune_app(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words), "--out", str(out)], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list((out / CHECKPOINTS).glob("checkpoint-*/trainer_state.json")):
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert json.loads((out / "tuning.json").read_text())["status"] == "running"
    invoke(*words, "--out", out)
    assert json.loads((out / "tuning.json").read_text())["resumed_from_step"] >= 4
    weights = "adapter_model.safetensors"
    assert (out / weights).read_bytes() == (whole / weights).read_bytes()


def test_a_reference_reasoner_is_tuned_on_what_it_reads(tmp_path: Path) -> None:
    said = invoke("lora", "--model", "reference-0.1m", "-n", 4, "--ask", 2, "--out", tmp_path / "out", *QUICK)
    assert "task: modular" in said
    lines = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert all(line["question"].startswith("Start ") for line in lines)


def test_a_task_that_the_model_cannot_read_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediate.tuning.tune.load_base", None)
    words = ["lora", "--model", "reference-0.1m", "--task", "problems", "--out", str(tmp_path / "out")]
    with pytest.raises(InputError, match=r"--task problems: reference-0\.1m has no tokens .* --task modular"):
        CliRunner().invoke(command.tune_app, words, catch_exceptions=False)


def test_a_worded_reference_reasoner_reads_the_worded_task_and_not_that_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediate.cli.tune.check_model", lambda _: None)
    words = ["lora", "--model", "reference-worded-0.1m", "--task", "modular", "--out", str(tmp_path / "out")]
    with pytest.raises(InputError, match=r"--task modular: reference-worded-0\.1m has no tokens .* --task worded"):
        CliRunner().invoke(command.tune_app, words, catch_exceptions=False)
