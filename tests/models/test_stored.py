"""Weights that a configuration does not use are told of, and refused where they are layers."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from tests import tiny
from tests.models import folders

NORM = torch.ones(32)


def with_weights(path: Path, architecture: str, more: Mapping[str, torch.Tensor]) -> Path:
    folders.saved(path, architecture)
    save_file(load_file(path / "model.safetensors") | dict(more), path / "model.safetensors", metadata={"format": "pt"})
    return path


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_model_as_it_was_saved_is_loaded_without_a_word(tmp_path: Path, architecture: str) -> None:
    folders.saved(tmp_path / "mine", architecture)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        load(tmp_path / "mine", device="cpu")


@pytest.mark.parametrize(
    ("architecture", "more", "told"),
    [
        ("llama", {"value_head.weight": torch.ones(3)}, "does not use value_head.weight of the weights"),
        ("gpt2", {"v_head.summary.weight": torch.ones(3), "a": NORM}, "does not use a and 1 more of the weights"),
        ("llama", {"model.layers.0.self_attn.q_proj.bias": NORM.clone()}, "model.layers.0.self_attn.q_proj.bias"),
        ("llama", {"vision_tower.layers.7.weight": NORM.clone()}, "vision_tower.layers.7.weight"),
    ],
    ids=["a head", "two heads", "a bias", "layers of another network"],
)
def test_an_extra_tensor_is_named(
    tmp_path: Path, architecture: str, more: Mapping[str, torch.Tensor], told: str
) -> None:
    path = with_weights(tmp_path / "mine", architecture, more)
    with pytest.warns(UserWarning, match=told):
        found = load(path, device="cpu")
    wanted = folders.logits(tiny.plain_model(architecture))
    torch.testing.assert_close(folders.logits(found.plain), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("architecture", "key", "count"),
    [
        ("llama", "model.layers.3.input_layernorm.weight", 3),
        ("llama", "layers.17.input_layernorm.weight", 3),
        ("qwen3", "model.layers.3.self_attn.q_norm.weight", 3),
        ("gpt2", "transformer.h.3.ln_1.weight", 3),
        ("gpt2", "h.11.ln_1.weight", 3),
        ("neox", "gpt_neox.layers.4.input_layernorm.weight", 3),
    ],
)
def test_a_layer_that_is_left_out_is_refused(tmp_path: Path, architecture: str, key: str, count: int) -> None:
    path = with_weights(tmp_path / "mine", architecture, {key: NORM.clone()})
    with pytest.raises(
        InputError, match=rf"^model '[^\n]*mine': it stores [^\n]*, and its configuration makes {count}"
    ):
        load(path, device="cpu")


def test_tables_of_older_releases_are_no_weights(tmp_path: Path) -> None:
    tables = {
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4),
        "transformer.h.0.attn.bias": torch.ones(1, 1, 256, 256),
        "transformer.h.0.attn.masked_bias": torch.tensor(-1e4),
    }
    for architecture, keys in (("llama", list(tables)[:1]), ("gpt2", list(tables)[1:])):
        path = with_weights(tmp_path / architecture, architecture, {key: tables[key] for key in keys})
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            load(path, device="cpu")


@pytest.mark.parametrize(
    ("changes", "more"), [({"hidden_size": 64}, r" and \d+ more"), ({"intermediate_size": 50}, "")]
)
def test_weights_of_another_shape_are_named_with_both_shapes(
    tmp_path: Path, changes: dict[str, int], more: str
) -> None:
    path = folders.saved(tmp_path / "mine")
    folders.edit(path / "config.json", **changes)
    size = next(iter(changes.values()))
    with pytest.raises(
        InputError, match=rf"\([\w.]+ is stored as [\dx ]+, and its configuration makes it [^)]*{size}"
    ) as caught:
        load(path, device="cpu")
    assert "config.json" in str(caught.value)
