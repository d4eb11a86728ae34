"""What cannot be loaded is refused in one line that names the place and the remedy, and never half loaded."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from tests import tiny
from tests.models import folders


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.saved(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.saved_adapter(tmp_path_factory.mktemp("adapters") / "lora")


def refusal(model: Any, **options: Any) -> str:
    """The line that a load is refused with."""
    with pytest.raises(InputError) as caught:
        load(model, **({"device": "cpu"} | options))
    said = str(caught.value)
    assert "\n" not in said
    assert "give " in said or "; " in said, f"no remedy: {said}"
    return said


def config(**changes: Any) -> Callable[[Path], None]:
    return lambda path: folders.edit(path / "config.json", **changes)


def text(file: str, content: str | bytes) -> Callable[[Path], None]:
    return lambda path: (path / file).write_bytes(content if isinstance(content, bytes) else content.encode()) and None


def without_weight(path: Path) -> None:
    weights = load_file(path / "model.safetensors")
    del weights["model.layers.1.self_attn.q_proj.weight"]
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})


def wrong_shape(path: Path) -> None:
    weights = load_file(path / "model.safetensors")
    weights["model.norm.weight"] = torch.ones(5)
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})


def not_a_number(path: Path) -> None:
    weights = load_file(path / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][2, 3:5] = float("nan")
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})


def boundless(path: Path) -> None:
    weights = load_file(path / "model.safetensors")
    weights["model.norm.weight"][2] = float("inf")
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})


def fewer_rows(path: Path) -> None:
    weights = load_file(path / "model.safetensors")
    weights |= {name: weights[name][:8].clone() for name in ("model.embed_tokens.weight", "lm_head.weight")}
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    folders.edit(path / "config.json", vocab_size=8)


def indexed(*files: str, kept: bool = False) -> Callable[[Path], None]:
    """An index that names these files for the weights, in turn; pickled ones stand there and are never read."""

    def spoil(path: Path) -> None:
        names = sorted(load_file(path / "model.safetensors"))
        if not kept:
            (path / "model.safetensors").rename(path / "model-1.safetensors")
        for file in files:
            if file.endswith(".bin") and "/" not in file:
                (path / file).write_bytes(b"not a pickle")
        index = {"metadata": {}, "weight_map": {name: files[n % len(files)] for n, name in enumerate(names)}}
        (path / "model.safetensors.index.json").write_text(json.dumps(index))

    return spoil


def cut(path: Path) -> None:
    file = path / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def missing_shard(path: Path) -> None:
    shutil.rmtree(path)
    folders.saved(path, max_shard_size="20KB")
    sorted(path.glob("*.safetensors"))[0].unlink()


SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no such architecture": (config(model_type="frobnicator"), "frobnicator"),
    "no type": (config(model_type=None), "model_type"),
    "no architecture named": (config(architectures=None), "architecture none named"),
    "an encoder": (config(model_type="bert", architectures=["BertForMaskedLM"]), "architecture BertForMaskedLM"),
    "an encoder in disguise": (config(model_type="bert"), "lack bert.embeddings"),
    "a classifier": (config(architectures=["LlamaForSequenceClassification"]), "LlamaForSequenceClassification"),
    "an unbridged decoder": (config(architectures=["XLNetLMHeadModel"]), "XLNetLMHeadModel"),
    "another width": (config(hidden_size=64), "cannot load it"),
    "a width in words": (config(hidden_size="wide"), "expected int"),
    "no heads": (config(num_attention_heads=0), "cannot load it"),
    "an empty configuration": (text("config.json", ""), "not a valid JSON file"),
    "half a configuration": (text("config.json", "{"), "not a valid JSON file"),
    "a list": (text("config.json", "[]"), "model_type"),
    "a number": (text("config.json", "3"), "cannot load it"),
    "null": (text("config.json", "null"), "cannot load it"),
    "bytes": (text("config.json", b"\xff\xfe\x00"), "not a valid JSON file"),
    "half the weights": (cut, "cannot load it"),
    "empty weights": (text("model.safetensors", ""), "cannot load it"),
    "no weights but text": (text("model.safetensors", "version https://git-lfs.github.com/spec/v1"), "cannot load it"),
    "one weight missing": (without_weight, "lack model.layers.1.self_attn.q_proj.weight"),
    "more layers than weights": (config(num_hidden_layers=4), r"lack model.layers.3."),
    "one weight of another shape": (wrong_shape, "cannot load it (model.norm.weight is stored as 5, and its config"),
    "fewer layers than weights": (config(num_hidden_layers=2), "stores model.layers.2.input_layernorm.weight, and"),
    "one layer of three": (config(num_hidden_layers=1), "makes 1 of these parts; it would be another model"),
    "weights that are NaN": (not_a_number, "its weights hold NaN (model.layers.1.mlp.up_proj.weight, 2 of 1,536 num"),
    "weights that are infinite": (boundless, "its logits are not numbers; its weights hold infinity, as in model.norm"),
    "fewer rows than tokens": (
        fewer_rows,
        f"its tokenizer has {len(tiny.words()) + 1} tokens, and its embedding 8 rows",
    ),
    "an index of pickles": (indexed("model-1.safetensors", "model-2.bin"), "names 'model-2.bin', which is not in safe"),
    "an index of pickles above": (indexed("../other/m.bin"), "names '../other/m.bin', which is not in safetensors"),
    "an index that leaves": (indexed("../model-1.safetensors"), "outside the model's folder"),
    "an index that leaves at the root": (indexed("/model-1.safetensors"), "outside the model's folder"),
    "a shard missing": (missing_shard, "cannot load it"),
    "an empty tokenizer": (text("tokenizer.json", "{}"), "give one with tokenizer="),
    "half a tokenizer": (text("tokenizer.json", '{"model":'), "give one with tokenizer="),
    "a list for tokenizer settings": (text("tokenizer_config.json", "[]"), "give one with tokenizer="),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILED.values(), ids=SPOILED)
def test_a_spoiled_folder(tmp_path: Path, whole: Path, spoil: Callable[[Path], None], message: str) -> None:
    path = folders.copied(whole, tmp_path / "spoiled")
    spoil(path)
    said = refusal(path)
    assert "spoiled" in said
    assert message in said
    assert "above report" not in said
    assert "weights_only" not in said


def test_an_index_that_is_not_asked_is_not_looked_at(tmp_path: Path, whole: Path) -> None:
    path = folders.copied(whole, tmp_path / "both")
    indexed("model-1.bin", kept=True)(path)
    load(path, device="cpu")


def test_a_name_that_no_hub_gives() -> None:
    said = refusal("nobody/nothing-of-this-name")
    assert "'nobody/nothing-of-this-name': no such folder or file, and the hub did not give it" in said
    assert "mediate models fetch smollm2-135m-instruct" in said


@pytest.mark.parametrize("dtype", ["int8", "float", "", "torch.float32", "FLOAT32"])
def test_a_dtype_that_is_none(whole: Path, dtype: str) -> None:
    for model in (whole, tiny.plain_model("llama")):
        assert "give one of float32, bfloat16, float16, float64" in refusal(model, dtype=dtype)


@pytest.mark.parametrize("device", ["abacus", "cuda:9999", "meta", "meta:0"])
def test_a_device_that_is_none(whole: Path, device: str) -> None:
    assert f"device {device!r} cannot be used" in refusal(whole, device=device)


@pytest.mark.parametrize("thing", [3, None, {"a": 1}, torch.nn.Linear(2, 2), object])
def test_a_thing_that_is_no_model(thing: Any) -> None:
    assert "give a name, a path, or a transformers model" in refusal(thing)


def encoder() -> Any:
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    )


def soft_prompt() -> Any:
    from peft import PromptTuningConfig, get_peft_model

    return get_peft_model(tiny.plain_model("llama"), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2))


@pytest.mark.parametrize(
    ("made", "name"),
    [(encoder, "BertModel"), (lambda: tiny.plain_model("llama").model, "LlamaModel"), (soft_prompt, "PeftModel")],
    ids=["an encoder", "a model without a head", "a soft prompt"],
)
def test_a_model_in_memory_that_is_no_decoder(made: Callable[[], Any], name: str) -> None:
    said = refusal(made())
    assert f"architecture {name}" in said
    assert "give a decoder" in said


@pytest.mark.parametrize("thing", [3, torch.nn.Linear(2, 2), str.split])
def test_a_thing_that_is_no_tokenizer(whole: Path, thing: Any) -> None:
    assert "as tokenizer; give one of transformers, or its folder" in refusal(whole, tokenizer=thing)


def test_a_folder_without_the_tokenizer_that_was_named(tmp_path: Path, whole: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert str(folder) in refusal(whole, tokenizer=folder)


def pickled(path: Path) -> None:
    (path / "adapter_model.safetensors").unlink()
    torch.save({}, path / "adapter_model.bin")


def unsaved(path: Path) -> None:
    (path / "adapter_model.safetensors").unlink()


def adapter_config(content: Any) -> Callable[[Path], None]:
    return lambda path: (path / "adapter_config.json").write_text(json.dumps(content)) and None


def of_layers(layers: int) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        shutil.rmtree(path)
        folders.saved_adapter(path, layers=layers)

    return replace


def soft(path: Path) -> None:
    shutil.rmtree(path)
    soft_prompt().save_pretrained(path)


def wider(path: Path) -> None:
    weights = load_file(path / "adapter_model.safetensors")
    save_file({name: torch.ones(7, 7) for name in weights}, path / "adapter_model.safetensors")


SPOILED_ADAPTERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "pickled": (pickled, "pickled adapters are refused"),
    "without weights": (unsaved, "holds no adapter_model.safetensors"),
    "without configuration": (lambda path: (path / "adapter_config.json").unlink(), "no adapter_config.json"),
    "of a base of other widths": (wider, "does not fit"),
    "of a deeper base": (of_layers(5), "12 weights have no counterpart"),
    "of a shallower base": (of_layers(2), "6 weights have no counterpart"),
    "that is a soft prompt": (soft, "does not fit"),
    "with broken weights": (text("adapter_model.safetensors", "junk"), "does not fit"),
    "of no kind": (adapter_config({}), "does not fit"),
    "of an unknown kind": (adapter_config({"peft_type": "NOPE"}), "does not fit"),
    "with a rank in words": (adapter_config({"peft_type": "LORA", "r": "two"}), "does not fit"),
    "with a list": (adapter_config([]), "does not fit"),
    "with a number": (adapter_config(3), "does not fit"),
    "for layers that are not there": (
        adapter_config({"peft_type": "LORA", "r": 2, "target_modules": ["no_such_layer"]}),
        "does not fit",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILED_ADAPTERS.values(), ids=SPOILED_ADAPTERS)
def test_a_spoiled_adapter(
    tmp_path: Path, whole: Path, lora: Path, spoil: Callable[[Path], None], message: str
) -> None:
    path = folders.copied(lora, tmp_path / "spoiled")
    load(tiny.plain_model("llama"), adapter=path, device="cpu")
    spoil(path)
    for model in (whole, tiny.plain_model("llama")):
        said = refusal(model, adapter=path)
        assert str(path) in said
        assert message in said
    assert str(path) in refusal(f"{whole}+{path}")


@pytest.mark.parametrize(("part", "places"), [("model.layers.1", "cpu, meta"), ("", "meta")])
def test_a_model_that_no_one_device_holds(part: str, places: str) -> None:
    model = tiny.plain_model("llama")
    model.get_submodule(part).to("meta")
    said = refusal(model)
    assert f"lies on {places}, and one device must hold all of it" in said
    assert "device_map" in said


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\xff" * 64, b"<html>" * 50])
def test_a_file_that_is_no_gguf(tmp_path: Path, cache: Path, content: bytes) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    for _ in range(2):
        said = refusal(path)
        assert str(path) in said
        assert "cannot read this GGUF file" in said
    assert not [each for each in cache.rglob("*") if each.is_file() and each.suffix != ".lock"]


def test_a_gguf_file_without_the_package_that_reads_it(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    path = tmp_path / "some.gguf"
    path.write_bytes(b"GGUF")
    assert 'pip install "cot-mediate[gguf]"' in refusal(path)


def test_an_adapter_without_the_package_that_reads_it(whole: Path, lora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    assert 'pip install "cot-mediate[train]"' in refusal(whole, adapter=lora)
