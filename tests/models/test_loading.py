"""Loaded models say what plain transformers and peft say, and the caller's own model stays as it was."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.models.loading import load_tokenizer_of
from mediate.models.loading import load_unchecked as load
from mediate.models.model import Model
from tests import tiny
from tests.models import folders
from tests.models.folders import IDS, logits


def bridged(model: Model, ids: torch.Tensor = IDS) -> torch.Tensor:
    """The hooked model's logits, through transformer-lens."""
    positions = torch.arange(ids.shape[1])[None].expand(*ids.shape)
    with torch.no_grad():
        found: torch.Tensor = model.bridge(ids, position_ids=positions, return_type="logits")
    return found


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.saved(tmp_path_factory.mktemp("models") / "llama")


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_folder_says_what_transformers_says(tmp_path: Path, architecture: str) -> None:
    path = folders.saved(tmp_path / "mine", architecture)
    wanted = logits(tiny.plain_model(architecture))
    found = mediate.load(path, device="cpu")
    assert wanted.std() > 0.1
    torch.testing.assert_close(bridged(found), wanted, atol=1e-4, rtol=0)
    torch.testing.assert_close(logits(found.plain), wanted, atol=1e-4, rtol=0)
    assert (found.facts.name, found.facts.source) == ("mine", "folder")
    assert found.facts.architecture == type(tiny.plain_model(architecture)).__name__
    assert (found.facts.layers, found.facts.heads, found.facts.d_model, found.facts.d_head) == (3, 4, 32, 8)
    assert found.facts.kv_heads == (4 if architecture in ("gpt2", "neox") else 2)
    assert (found.facts.d_vocab, found.facts.context) == (len(tiny.words()) + 1, 256)
    assert found.facts.parameters == sum(weight.numel() for weight in tiny.plain_model(architecture).parameters())
    assert found.need_tokenizer()("Tom has 3")["input_ids"] == tiny.tokenizer()("Tom has 3")["input_ids"]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-4), ("bfloat16", 0.0), ("float16", 0.0)])
def test_dtypes(llama: Path, dtype: str, tolerance: float) -> None:
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(llama, dtype=getattr(torch, dtype), attn_implementation="eager")
    wanted = logits(plain.eval())
    for found in (load(llama, dtype=dtype, device="cpu"), load(tiny.plain_model("llama"), dtype=dtype, device="cpu")):
        assert found.facts.dtype == dtype
        assert found.dtype == next(found.plain.parameters()).dtype == getattr(torch, dtype)
        torch.testing.assert_close(logits(found.plain), wanted, atol=tolerance, rtol=0)
        torch.testing.assert_close(bridged(found), wanted, atol=max(tolerance, 0.3), rtol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_in_memory_keeps_its_dtype(dtype: str) -> None:
    assert load(tiny.plain_model("llama", dtype), device="cpu").facts.dtype == dtype


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_callers_model_stays_as_it_was(tmp_path: Path, architecture: str) -> None:
    own = tiny.plain_model(architecture)
    own.config._attn_implementation = "sdpa"
    before = {name: weight.clone() for name, weight in own.state_dict().items()}
    trainable = [weight.requires_grad for weight in own.parameters()]
    wanted = logits(own)
    own.train()
    found = load(own, device="cpu")
    torch.testing.assert_close(bridged(found), wanted, atol=1e-4, rtol=0)
    assert (found.facts.source, found.facts.name) == ("memory", type(own).__name__)
    assert own.state_dict().keys() == before.keys()
    assert all(torch.equal(weight, before[name]) for name, weight in own.state_dict().items())
    assert [weight.requires_grad for weight in own.parameters()] == trainable
    assert own.training
    assert own.config._attn_implementation == "sdpa"
    assert torch.equal(logits(own.eval()), wanted)
    own.save_pretrained(tmp_path / "again")
    assert torch.equal(logits(type(own).from_pretrained(tmp_path / "again").eval()), wanted)


def test_without_a_copy_the_callers_model_is_hooked() -> None:
    own = tiny.plain_model("llama")
    found = load(own, copy=False, device="cpu")
    assert found.plain is own
    with pytest.raises(InputError, match="hooked already; load a fresh one"):
        load(own, device="cpu")


def test_a_hooked_model_is_refused_in_every_form() -> None:
    found = load(tiny.plain_model("llama"), device="cpu")
    for again in (found, found.bridge, found.plain):
        with pytest.raises(InputError, match=r"hooked already|cannot load a Model"):
            load(again, device="cpu")


def test_an_adapter_is_merged_wherever_it_stands(tmp_path: Path, llama: Path) -> None:
    wanted = logits(folders.adapted())
    assert (wanted - logits(tiny.plain_model("llama"))).abs().max() > 1, "the adapter does nothing"
    lora = folders.saved_adapter(tmp_path / "lora", llama)
    in_memory = folders.adapted()
    keys = in_memory.state_dict().keys()
    ways = {
        "folder+adapter": [load(f"{llama}+{lora}", device="cpu"), load(llama, adapter=lora, device="cpu")],
        "memory+adapter": [load(tiny.plain_model("llama"), adapter=lora, device="cpu")],
        "memory": [load(in_memory, device="cpu")],
    }
    ways["folder+adapter"].append(load(lora, device="cpu"))
    for source, models in ways.items():
        for found in models:
            torch.testing.assert_close(bridged(found), wanted, atol=1e-4, rtol=0)
            assert found.facts.source == source
            assert found.facts.architecture == "LlamaForCausalLM"
    assert len({found.facts.fingerprint for models in ways.values() for found in models}) == 1
    assert ways["folder+adapter"][0].facts.name == "llama+lora"
    assert ways["folder+adapter"][0].tokenizer is not None
    assert in_memory.state_dict().keys() == keys
    assert torch.equal(logits(in_memory), wanted)


def test_sharded_weights(tmp_path: Path) -> None:
    path = folders.saved(tmp_path / "shards", max_shard_size="20KB")
    assert len(list(path.glob("*.safetensors"))) > 2
    assert torch.equal(logits(load(path, device="cpu").plain), logits(tiny.plain_model("llama")))


def test_a_folder_without_tokenizer_loads_and_says_so_when_one_is_needed(tmp_path: Path) -> None:
    path = folders.saved(tmp_path / "mute", tokenizer=False)
    found = load(path, device="cpu")
    assert found.tokenizer is None
    assert found.facts.tokenizer == ""
    with pytest.raises(InputError, match=r"model 'mute' has no tokenizer; give one with load\(\.\.\., tokenizer"):
        found.need_tokenizer()
    with pytest.raises(InputError, match="no tokenizer that transformers can load"):
        load_tokenizer_of(str(path))


def letters() -> Any:
    """A tokenizer of fewer tokens than the tiny models have rows."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({letter: number for number, letter in enumerate("abcdef")}, unk_token="f"))
    words.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=words)


def test_tokenizers_come_from_the_caller_first(tmp_path: Path, llama: Path) -> None:
    folder = tmp_path / "tokenizer"
    own = letters()
    own.save_pretrained(folder)
    assert load(llama, tokenizer=own, device="cpu").tokenizer is own
    for given in (folder, str(folder)):
        assert load(llama, tokenizer=given, device="cpu").tokenizer.get_vocab() == own.get_vocab()
    broken = folders.copied(llama, tmp_path / "broken")
    (broken / "tokenizer.json").write_text("{")
    assert load(broken, tokenizer=own, device="cpu").tokenizer is own
    assert load_tokenizer_of(str(llama)).get_vocab() == tiny.tokenizer().get_vocab()


def test_loading_leaves_the_global_generators_alone(tmp_path: Path, llama: Path) -> None:
    lora = folders.saved_adapter(tmp_path / "lora", llama)
    torch.manual_seed(5)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    mediate.load(llama, device="cpu")
    load(lora, device="cpu")
    for architecture in tiny.ARCHITECTURES:
        load(tiny.plain_model(architecture), device="cpu")
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


CANARY = """
import pathlib
pathlib.Path({flag!r}).write_text("")
import transformers
class Config(transformers.LlamaConfig): pass
class Network(transformers.LlamaForCausalLM): pass
class Tokenizer(transformers.PreTrainedTokenizerFast): pass
"""


@pytest.fixture
def canary(tmp_path: Path, llama: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A model folder that brings code with it, and the file that the code makes when it is imported."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # somebody who agrees to everything
    path, flag = folders.copied(llama, tmp_path / "canary"), tmp_path / "sang"
    (path / "canary.py").write_text(CANARY.format(flag=str(flag)))
    return path, flag


CODE_IN = {
    "known type": (
        "config.json",
        {"auto_map": {"AutoConfig": "canary.Config", "AutoModelForCausalLM": "canary.Network"}},
    ),
    "unknown type": ("config.json", {"model_type": "bird", "auto_map": {"AutoConfig": "canary.Config"}}),
    "tokenizer": (
        "tokenizer_config.json",
        {"auto_map": {"AutoTokenizer": ["canary.Tokenizer", None]}, "tokenizer_class": "Bird"},
    ),
}


@pytest.mark.parametrize(("file", "changes"), CODE_IN.values(), ids=CODE_IN)
def test_a_models_own_code_is_not_run(canary: tuple[Path, Path], file: str, changes: dict[str, Any]) -> None:
    path, flag = canary
    folders.edit(path / file, **changes)
    known = changes.keys() == {"auto_map"}  # what transformers can read by itself is read
    never = pytest.raises(InputError, match=r"^[^\n]*code of a model's own is never run[^\n]*$")
    with pytest.warns(UserWarning, match="which is not run; transformers' own is used") if known else never as caught:
        load(path, device="cpu")
    assert known or "trust_remote_code" not in str(caught.value), "there is no such choice"
    assert not flag.exists()
    if file == "tokenizer_config.json":
        with pytest.raises(InputError, match="code of a model's own is never run"):
            load_tokenizer_of(str(path))
        assert not flag.exists()


def test_the_canary_would_sing(canary: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    path, flag = canary
    file, changes = CODE_IN["tokenizer"]
    folders.edit(path / file, **changes)
    transformers.AutoTokenizer.from_pretrained(str(path), trust_remote_code=True)
    assert flag.exists()


def test_there_is_no_choice_that_runs_code(llama: Path) -> None:
    with pytest.raises(InputError, match="code of a model's own is never run; leave it out"):
        load(llama, trust_remote_code=True, device="cpu")  # type: ignore[call-arg]


def test_a_pickled_twin_beside_safe_weights_is_not_read(tmp_path: Path, llama: Path) -> None:
    path = folders.copied(llama, tmp_path / "both")
    (path / "pytorch_model.bin").write_bytes(b"not a pickle")
    assert torch.equal(logits(load(path, device="cpu").plain), logits(tiny.plain_model("llama")))


def test_a_folder_may_go_once_it_is_loaded(tmp_path: Path, llama: Path) -> None:
    path = folders.copied(llama, tmp_path / "short-lived")
    found = load(path, device="cpu")
    shutil.rmtree(path)
    torch.testing.assert_close(logits(found.plain), logits(tiny.plain_model("llama")))
