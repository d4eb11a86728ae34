"""The examples of CONTRIBUTING.md: each is a file of its own and a name in a list, and does what it says."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

import mediate
from mediate.cli.from_spec import FromSpec
from mediate.cli.materials import make_pairs
from mediate.cli.tune import arm_command
from mediate.errors import InputError
from mediate.pairs import files, read_pairs, write_pairs
from mediate.tasks import modular_pairs
from mediate.tuning.arms.sft import SFT

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n# new file: mediate/([\w/]+)\.py\n(.*?)```", TEXT, flags=re.DOTALL))
QUICK = {"steps": 2, "batch_size": 2, "held_out": 0, "progress": False, "device": "cpu"}


@pytest.fixture
def example(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The module that an example is, as if it were a file of the package."""
    path = request.param
    name = f"mediate.{path.replace('/', '.')}"
    module = ModuleType(name)
    exec(compile(EXAMPLES[path], f"CONTRIBUTING.md: {path}", "exec"), module.__dict__)
    yield module
    assert name not in sys.modules


def run(command: object, *words: object) -> str:
    app = typer.Typer(rich_markup_mode=None)
    app.command(cls=FromSpec)(command)
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_examples_are_short_and_new() -> None:
    assert len(EXAMPLES) >= 3
    for path, code in EXAMPLES.items():
        lines = [line for line in code.splitlines() if line.strip()]
        assert len(lines) < 30, f"{path}: {len(lines)}"
        assert max(map(len, lines)) <= 120
        assert ast.get_docstring(ast.parse(code)), path
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"mediate.{path.replace('/', '.')}")


@pytest.mark.parametrize("example", ["tuning/arms/chain_only"], indirect=True)
def test_an_arm(example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = example.CHAIN_ONLY
    examples = modular_pairs(3)
    with pytest.raises(InputError, match="no arm 'chain-only'; choose from sft, lora"):
        mediate.tune("reference-0.1m", examples, out=tmp_path / "out", arm="chain-only", **QUICK)
    tuned = mediate.tune("reference-0.1m", examples, out=tmp_path / "out", arm=arm, **QUICK)
    arms = importlib.import_module("mediate.tuning.arms")
    monkeypatch.setattr(arms, "ARMS", (*arms.ARMS, arm))
    named = mediate.tune("reference-0.1m", examples, out=tmp_path / "out", arm="chain-only", **QUICK)
    assert (named.manifest, named.losses) == (tuned.manifest, tuned.losses), "read back: it is the same tuning"
    assert named.manifest["spec"]["arm"] == "chain-only"
    assert named.manifest["spec"]["learning_rate"] == 2e-4
    assert len(named.losses) == 2
    assert mediate.load(tmp_path / "out", device="cpu").facts.fingerprint == named.manifest["result"]["fingerprint"]
    with pytest.raises(InputError, match="beta changes nothing in the arm chain-only"):
        mediate.tune("reference-0.1m", examples, out=tmp_path / "other", arm=arm, beta=0.5, **QUICK)
    assert "--rank" in run(arm_command(arm), "--help")


@pytest.mark.parametrize("example", ["tasks/sums"], indirect=True)
def test_a_task(example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = importlib.import_module("mediate.tasks")
    sums = replace(example.SUMS, training=partial(example.sum_pairs, with_cot=True))
    monkeypatch.setattr(tasks, "TASKS", (*tasks.TASKS, sums))
    assert "--least" in run(make_pairs, "--help")
    run(make_pairs, "--out", tmp_path / "p.jsonl", "-n", 6, "--task", "sums", "--least", 7, "--seed", 3)
    made = example.sum_pairs(6, seed=3, least=7)
    assert [(pair.base, pair.source) for pair in read_pairs(tmp_path / "p.jsonl")] == [
        (pair.base, pair.source) for pair in made
    ]
    model = tmp_path / "m"
    model.mkdir()
    for name, content in (("config.json", "{}"), ("model.safetensors", "")):
        (model / name).write_text(content)
    words = ["--model", model, "--task", "sums", "--problem-steps", 3, "--out", tmp_path / "out"]
    with pytest.raises(InputError, match=r"--problem-steps changes nothing in the task sums; leave it out"):
        run(arm_command(SFT), *words)
    with pytest.raises(InputError, match=r"option 'least': .* give a number from 2 to 9"):
        run(make_pairs, "--out", tmp_path / "q.jsonl", "--task", "sums", "--least", 20)


@pytest.mark.parametrize("example", ["pairs/yaml_lists"], indirect=True)
def test_a_format(example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.yaml"
    with pytest.raises(InputError, match=r"pairs are written as JSON lines; name the file with the suffix \.jsonl"):
        write_pairs(path, modular_pairs(2))
    monkeypatch.setattr(files, "FORMATS", (*files.FORMATS, example.YAML))
    pairs = modular_pairs(3)
    write_pairs(path, pairs)
    read = read_pairs(path)
    assert [(pair.id, pair.base, pair.source) for pair in read] == [(pair.id, pair.base, pair.source) for pair in pairs]
    assert read[1].place == f"{path}:row 2"
    path.write_text(path.read_text().replace("answer:", "anwser:", 1))
    with pytest.raises(InputError, match=r"p\.yaml:row 1: item .*unknown key 'base.anwser'; allowed are question"):
        read_pairs(path)
    path.write_text("a: [")
    with pytest.raises(InputError, match="not YAML"):
        read_pairs(path)
