"""Files of a model that try things: code, names of other files, and sizes of all kinds, each refused."""

import json
import pickle
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from mediate.models.repository import MOST_HEADER, MOST_SETTINGS, check_settings
from tests import tiny
from tests.models import folders


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.saved(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.saved_adapter(tmp_path_factory.mktemp("adapters") / "lora")


def refusal(model: Any, **options: Any) -> str:
    begun = time.monotonic()
    with pytest.raises(InputError) as caught:
        load(model, device="cpu", **options)
    assert time.monotonic() - begun < 30, "a bound on what has no end, not on speed"
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 700
    assert "; " in said, f"no remedy: {said}"
    return said


MAP = {"AutoConfig": "canary.Config", "AutoModelForCausalLM": "canary.Network"}
KERNEL = "somebody/kernel"
DEEP: Any = {}
for _ in range(60):
    DEEP = {"a": DEEP}
# Changes of config.json, and what the line says.
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "attention by the internal key": ({"_attn_implementation_internal": KERNEL}, "'_attn_implementation_internal'"),
    "the same in a part": ({"text_config": {"_attn_implementation_internal": KERNEL}}, "_attn_implementation_internal"),
    "experts by the internal key": ({"_experts_implementation_internal": KERNEL}, "_experts_implementation_internal"),
    "a kernel": ({"attn_implementation": KERNEL}, "would be fetched as code"),
    "a kernel of a revision": ({"_attn_implementation": "kernel@main"}, "would be fetched as code"),
    "a kernel in a part": ({"text_config": {"_attn_implementation": f"{KERNEL}:f"}}, "would be fetched as code"),
    "kernels at large": ({"use_kernels": True}, "'use_kernels'"),
    "kernels by layer": ({"kernel_config": {"RMSNorm": KERNEL}}, "'kernel_config'"),
    "code in a part": ({"text_config": {"auto_map": MAP, "model_type": "llama"}}, "part of its settings brings code"),
    "code far down": ({"a": [{"b": [{"auto_map": MAP}]}]}, "part of its settings brings code"),
    "the flag itself": ({"trust_remote_code": True}, "'trust_remote_code'"),
    "the flag in a part": ({"keypoint_detector_config": {"trust_remote_code": True}}, "'trust_remote_code'"),
    "another configuration": ({"configuration_files": ["config.4.0.0.json"]}, "'configuration_files'"),
    "other weights": ({"transformers_weights": "w.safetensors.index.json"}, "'transformers_weights'"),
    "weights elsewhere": ({"transformers_weights": "../w.safetensors"}, "'transformers_weights'"),
    "nested": ({"deep": DEEP}, "nested more than 32 deep"),
    "a billion layers": ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1e+09, and at most 2048 is taken"),
    "a billion wide": ({"hidden_size": 10**9}, "hidden_size is 1e+09"),
    "a vocabulary of a trillion": ({"vocab_size": 10**12}, "vocab_size is 1e+12"),
    "positions without end": ({"max_position_embeddings": 10**18}, "max_position_embeddings is 1e+18"),
    "infinitely wide": ({"intermediate_size": float("inf")}, "intermediate_size is inf"),
    "a width that is no number": ({"hidden_size": float("nan")}, "hidden_size is NaN"),
    "an epsilon that is no number": ({"rms_norm_eps": float("nan")}, "rms_norm_eps is NaN"),
    "wider than its weights": ({"hidden_size": 2**17}, "numbers, and its weights hold"),
    "more words than its weights": ({"vocab_size": 2**23}, "numbers, and its weights hold"),
    "deeper than its weights": ({"num_hidden_layers": 2000, "intermediate_size": 2**12}, "numbers, and its weights"),
    "negative layers": ({"num_hidden_layers": -3}, "makes 0 of these parts"),
    "a negative width": ({"hidden_size": -32}, "cannot load it"),
    "negative words": ({"vocab_size": -1}, "cannot load it"),
    "a width in a list": ({"hidden_size": [32]}, "cannot load it"),
    "layers in words": ({"num_hidden_layers": "three"}, "cannot load it"),
    "heads of no use": ({"num_attention_heads": 2**12}, "cannot load it"),
}


@pytest.mark.parametrize(("changes", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_configuration(tmp_path: Path, whole: Path, changes: dict[str, Any], message: str) -> None:
    path = folders.copied(whole, tmp_path / "hostile")
    flag = tmp_path / "sang"
    (path / "canary.py").write_text(f"import pathlib; pathlib.Path({str(flag)!r}).touch()")
    folders.edit(path / "config.json", **changes)
    said = refusal(path)
    assert "hostile" in said
    assert message in said
    assert not flag.exists()


def sparse(file: Path, size: int) -> None:
    with file.open("wb") as content:
        content.truncate(size)


def header(length: int, content: bytes, size: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with (path / "model.safetensors").open("wb") as file:
            file.write(struct.pack("<Q", length) + content)
            file.truncate(max(size, 8 + len(content)))

    return spoil


def named(name: str) -> bytes:
    return json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()


ODD = named("../../etc/x\n<script>")
FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a configuration of 100 MB": (lambda path: sparse(path / "config.json", 10**8), f"most {MOST_SETTINGS} are read"),
    "a configuration of brackets": (
        lambda path: (path / "config.json").write_bytes(b'{"a":' + b"[" * 10**6) and None,
        "nested too deeply to be read",
    ),
    "settings of generation of 100 MB": (lambda path: sparse(path / "generation_config.json", 10**8), "are read"),
    "a header of a terabyte": (header(2**40, b"{}", 100), "cannot load it"),
    "a header of 50 MB": (header(5 * 10**7, b"{", 6 * 10**7), f"at most {MOST_HEADER} are read"),
    "a header nested deeply": (header(10**6, b"[" * 10**6, 0), "cannot load it"),
    "a header of sizes that overflow": (
        header(len(big := named("x").replace(b"[1]", b"[18446744073709551615, 9]")), big, 200),
        "cannot load it",
    ),
    "names with paths": (header(len(ODD), ODD, 12 + len(ODD)), "weights lack"),
    "a tokenizer of 100 MB": (lambda path: sparse(path / "tokenizer.json", 10**8), "100000000 bytes, and at most"),
    "words of 100 MB": (lambda path: sparse(path / "vocab.json", 10**8), "100000000 bytes, and at most"),
    "settings of a tokenizer of 100 MB": (lambda path: sparse(path / "tokenizer_config.json", 10**8), "are read"),
    "a tokenizer of brackets": (
        lambda path: (path / "tokenizer.json").write_bytes(b"[" * 10**6) and None,
        "no tokenizer that transformers can load",
    ),
    "a part of a tokenizer's settings with code": (
        lambda path: folders.edit(path / "tokenizer_config.json", parts=[{"auto_map": MAP}]),
        "part of its settings brings code",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), FILES.values(), ids=FILES)
def test_a_hostile_file(tmp_path: Path, whole: Path, spoil: Callable[[Path], None], message: str) -> None:
    path = folders.copied(whole, tmp_path / "hostile")
    spoil(path)
    assert message in refusal(path)
    assert [each.name for each in tmp_path.iterdir()] == ["hostile"]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", r"(\d|\d\d)+$"])
def test_a_pattern_without_end(tmp_path: Path, whole: Path, pattern: str) -> None:
    path = folders.copied(whole, tmp_path / "hostile")
    content = json.loads((path / "tokenizer.json").read_text())
    content["pre_tokenizer"]["pattern"]["Regex"] = pattern
    (path / "tokenizer.json").write_text(json.dumps(content))
    said = refusal(path)
    assert "a pattern of its tokenizer.json takes seconds" in said
    assert repr(pattern) in said
    load(folders.copied(whole, tmp_path / "next"), device="cpu")  # which is not the worse for it


class Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.flag,)


PICKLED = ("pytorch_model.bin", "model.bin", "model.pt", "model.pth", "model.pkl", "consolidated.00.pth", "rng.pickle")


@pytest.mark.parametrize("name", PICKLED)
def test_pickled_weights_are_refused_by_name(tmp_path: Path, whole: Path, name: str) -> None:
    flag, path = tmp_path / "sang", folders.copied(whole, tmp_path / "hostile")
    (path / "model.safetensors").unlink()
    (path / name).write_bytes(pickle.dumps(Touch(flag)))
    said = refusal(path)
    assert "holds only pickled weights" in said
    assert "save_pretrained" in said
    said = refusal(path / name)  # the file itself
    assert "pickled weights, which can run code" in said
    assert not flag.exists()


def test_pickled_shards_are_refused(tmp_path: Path, whole: Path) -> None:
    flag, path = tmp_path / "sang", folders.copied(whole, tmp_path / "hostile")
    (path / "model.safetensors").unlink()
    shard = "pytorch_model-00001-of-00001.bin"
    (path / shard).write_bytes(pickle.dumps(Touch(flag)))
    (path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"lm_head.weight": shard}}))
    assert "holds only pickled weights" in refusal(path)
    # Beside weights in safetensors, under names that transformers looks for.
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"lm_head.weight": shard}}))
    (path / "other.safetensors").write_bytes(b"")
    assert f"names '{shard}', which is not in safetensors" in refusal(path)
    assert not flag.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "adapter_model.safetensors", "tokenizer.json", "config.json"])
def test_a_pickle_under_another_name_is_not_read_as_one(tmp_path: Path, whole: Path, lora: Path, name: str) -> None:
    flag = tmp_path / "sang"
    model, adapter = folders.copied(whole, tmp_path / "model"), folders.copied(lora, tmp_path / "adapter")
    ((adapter if name.startswith("adapter") else model) / name).write_bytes(pickle.dumps(Touch(flag)))
    refusal(model, adapter=adapter)
    assert not flag.exists()


def test_a_pickled_adapter_beside_a_safe_one_is_not_read(tmp_path: Path, whole: Path, lora: Path) -> None:
    flag, adapter = tmp_path / "sang", folders.copied(lora, tmp_path / "adapter")
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Touch(flag)))
    load(whole, adapter=adapter, device="cpu")
    (adapter / "adapter_model.safetensors").unlink()
    assert "pickled adapters are refused" in refusal(whole, adapter=adapter)
    assert "pickled adapters are refused" in refusal(f"{whole}+{adapter}")
    assert not flag.exists()


def test_the_pickle_would_sing(tmp_path: Path) -> None:
    flag = tmp_path / "sang"
    pickle.loads(pickle.dumps(Touch(flag)))  # noqa: S301
    assert flag.exists()


HOSTILE_ADAPTERS = {
    "a module by name": {"megatron_config": {"a": 1}, "megatron_core": "antigravity"},
    "a pickle by path": {"prompt_tuning_init_state_dict_path": "evil.pt"},
    "a pickle in a part": {"corda_config": {"cache_file": "evil.pt"}},
    "another in a part": {"corda_config": {"covariance_file": "evil.pt"}},
    "code in a part": {"x": {"auto_map": MAP}},
    "a rank of a billion": {"lora_rank": 10**9},
}


@pytest.mark.parametrize("changes", HOSTILE_ADAPTERS.values(), ids=HOSTILE_ADAPTERS)
def test_a_hostile_adapter(tmp_path: Path, whole: Path, lora: Path, changes: dict[str, Any]) -> None:
    adapter = folders.copied(lora, tmp_path / "adapter")
    folders.edit(adapter / "adapter_config.json", **changes)
    assert str(adapter) in refusal(whole, adapter=adapter)


def test_the_settings_of_the_table_of_architectures_pass() -> None:
    from tools.architectures.models import SUBJECTS, made

    for subject in SUBJECTS[::6]:
        check_settings(json.loads(made(subject, 60, 0).config.to_json_string()), subject.name)
    check_settings({"time_step_limit": [0.0, float("inf")], "rope_scaling": {"factor": 8.0}}, "mamba")
    with pytest.raises(InputError):
        check_settings({"num_experts": 10**6}, "x")


def test_a_model_of_the_hub_without_safetensors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From what is cached of it, so that no hub is asked."""
    import huggingface_hub.constants as constants
    import transformers.utils.hub as theirs

    cache, commit, flag = tmp_path / "hub", "a" * 40, tmp_path / "sang"
    snapshot = cache / "models--nobody--pickled" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(commit)
    tiny.plain_model("llama").config.save_pretrained(snapshot)
    (snapshot / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(flag)))
    for module, name in ((constants, "HF_HUB_CACHE"), (theirs, "HF_HUB_CACHE")):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    said = refusal("nobody/pickled")
    assert "no weights in safetensors" in said
    assert "convert them" in said
    (snapshot / "adapter_config.json").write_text('{"base_model_name_or_path": "nobody/else"}')
    assert "is an adapter" in refusal("nobody/pickled")
    assert not flag.exists()


def test_memory_stays_small_where_a_configuration_asks_for_much(tmp_path: Path, whole: Path) -> None:
    import resource

    path = folders.copied(whole, tmp_path / "hostile")
    folders.edit(path / "config.json", hidden_size=2**19, vocab_size=2**23, intermediate_size=2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "its weights hold" in refusal(path)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 300
    assert torch.get_default_device() == torch.device("cpu")
