"""Fingerprints name what a model computes, and nothing about where or how it is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mediate.models.fingerprint import model_fingerprint, tensor_bytes, tokenizer_fingerprint
from tests import tiny
from tests.models import folders


def loaded(path: Path, dtype: str = "float32") -> Any:
    return AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype))


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_path_shards_and_copies_do_not_matter(tmp_path: Path, architecture: str) -> None:
    wanted = model_fingerprint(tiny.plain_model(architecture))
    one = folders.saved(tmp_path / "one", architecture)
    shards = folders.saved(tmp_path / "deep" / "shards", architecture, max_shard_size="20KB", tokenizer=False)
    assert len(list(shards.glob("*.safetensors"))) > 1
    again = tmp_path / "again"
    loaded(one).save_pretrained(again)
    assert {model_fingerprint(loaded(path)) for path in (one, shards, again)} == {wanted}
    assert model_fingerprint(tiny.plain_model(architecture)) == wanted


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_one_bit_of_any_weight_matters(architecture: str) -> None:
    model = tiny.plain_model(architecture)
    wanted = model_fingerprint(model)
    seen = {wanted}
    for _, weight in model.named_parameters():
        bits = weight.data.view(torch.int32).reshape(-1)
        bits[-1] ^= 1
        seen.add(model_fingerprint(model))
        bits[-1] ^= 1
    assert len(seen) == 1 + len(list(model.parameters()))
    assert model_fingerprint(model) == wanted


def test_two_exchanged_weights_matter() -> None:
    model = tiny.plain_model("llama")
    wanted = model_fingerprint(model)
    one, other = (model.model.layers[layer].self_attn.q_proj.weight.data for layer in (0, 1))
    kept = one.clone()
    one.copy_(other)
    other.copy_(kept)
    assert model_fingerprint(model) != wanted


@pytest.mark.parametrize(
    "change", [{"rms_norm_eps": 1e-3}, {"rope_theta": 5.0}, {"hidden_act": "gelu"}, {"max_position_embeddings": 64}]
)
def test_what_the_configuration_computes_matters(change: dict[str, Any]) -> None:
    model = tiny.plain_model("llama")
    wanted = model_fingerprint(model)
    for name, value in change.items():
        setattr(model.config, name, value)
    assert model_fingerprint(model) != wanted


def test_what_it_says_of_its_making_does_not() -> None:
    model = tiny.plain_model("llama")
    wanted = model_fingerprint(model)
    model.config._name_or_path = "/home/somebody/model"
    model.config.transformers_version = "9.9"
    model.config.architectures = ["LlamaForCausalLM", "Other"]
    model.requires_grad_(False)
    model.train()
    assert model_fingerprint(model) == wanted


def test_dtypes_are_different_models(tmp_path: Path) -> None:
    path = folders.saved(tmp_path / "one")
    assert len({model_fingerprint(loaded(path, dtype)) for dtype in ("float32", "bfloat16", "float16", "float64")}) == 4


@pytest.mark.parametrize(("saved", "matters"), [(True, True), (False, False)])
def test_a_buffer_matters_if_it_is_saved(saved: bool, matters: bool) -> None:
    model = tiny.plain_model("llama")
    model.register_buffer("scale", torch.ones(3), persistent=saved)
    wanted = model_fingerprint(model)
    model.scale[1] = 2
    assert (model_fingerprint(model) != wanted) == matters


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_bytes_of_a_tensor_are_in_row_order(dtype: torch.dtype) -> None:
    tensor = torch.tensor([[0, 1, 0], [0, 2, 3]]).to(dtype)
    assert bytes(tensor_bytes(tensor.T)) == bytes(tensor_bytes(tensor.T.contiguous()))
    assert bytes(tensor_bytes(tensor.T)) != bytes(tensor_bytes(tensor))
    assert len(tensor_bytes(tensor)) == 6 * tensor.element_size()
    assert len(tensor_bytes(tensor[0, 0])) == tensor.element_size()
    assert len(tensor_bytes(tensor[:0])) == 0


def set_template(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"


def set_other_template(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}!{% endfor %}"


CHANGES: dict[str, Callable[[Any], Any]] = {
    "a chat template": set_template,
    "another chat template": set_other_template,
    "a word more": lambda tokenizer: tokenizer.add_tokens(["pineapples"]),
    "a control token more": lambda tokenizer: tokenizer.add_special_tokens({"bos_token": "<s>"}),
    "a control token with another role": lambda tokenizer: tokenizer.add_special_tokens({"eos_token": "?"}),
}


def test_what_a_tokenizer_does_matters_and_its_folder_does_not(tmp_path: Path) -> None:
    seen = {tokenizer_fingerprint(tiny.byte_level()), tokenizer_fingerprint(tiny.tokenizer())}
    for number, change in enumerate(CHANGES.values()):
        folder = tmp_path / f"{number}"
        tiny.tokenizer().save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert tokenizer_fingerprint(tokenizer) == tokenizer_fingerprint(tiny.tokenizer())
        change(tokenizer)
        seen.add(tokenizer_fingerprint(tokenizer))
    assert len(seen) == 2 + len(CHANGES)


def test_exchanged_control_tokens_matter(tmp_path: Path) -> None:
    tiny.byte_level().save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    wanted = tokenizer_fingerprint(tokenizer)
    assert wanted == tokenizer_fingerprint(tiny.byte_level())
    tokenizer.bos_token, tokenizer.eos_token = tokenizer.eos_token, tokenizer.bos_token
    assert tokenizer_fingerprint(tokenizer) != wanted


def test_using_a_tokenizer_does_not_change_its_name() -> None:
    tokenizer = tiny.byte_level()
    wanted = tokenizer_fingerprint(tokenizer)
    tokenizer("<|im_end|>", split_special_tokens=True)
    tokenizer(["a", "longer text"], truncation=True, max_length=3)
    assert tokenizer_fingerprint(tokenizer) == wanted
