"""models.steering_vector: the record and its file; what is damaged, or another model's, is refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mediate.errors import InputError
from mediate.models.steering_vector import FORMAT, SteeringVector, as_vector, check_fits
from tests import tiny
from tests.models.vectors import vector_of


def test_what_is_written_is_read(tmp_path: Path) -> None:
    vector = vector_of(tiny.model("llama"), 1)
    file = vector.save(tmp_path / "v.safetensors")
    found = as_vector(file)
    assert torch.equal(found.direction, vector.direction)
    assert torch.equal(found.opening, vector.opening)
    assert (found.layer, found.model, found.facts) == (1, vector.model, vector.facts)
    assert found.digest == vector.digest
    assert as_vector(vector) is vector


def test_its_digest_is_of_numbers_layer_and_tokens() -> None:
    model = tiny.model("llama")
    every = [vector_of(model, 1), vector_of(model, 2), vector_of(model, 1, seed=1), vector_of(model, 1, opening=(0, 1))]
    assert len({each.digest for each in every}) == 4


def test_a_random_one_is_as_long() -> None:
    vector = vector_of(tiny.model("llama"), 1)
    state = torch.get_rng_state()
    one, again, other = (vector.random(seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert one.norm == pytest.approx(vector.norm, rel=1e-6)
    assert torch.equal(one.direction, again.direction)
    assert abs(float(torch.cosine_similarity(one.direction, other.direction, dim=0))) < 0.9
    assert (one.layer, one.model) == (vector.layer, vector.model)
    assert one.describe()["random"] == 3
    assert one.describe()["instead_of"] == vector.digest
    assert one.digest != vector.digest


@pytest.mark.parametrize("what", ["missing", "other", "damaged", "text"])
def test_a_file_that_is_none_is_one_line(tmp_path: Path, what: str) -> None:
    file = tmp_path / "v.safetensors"
    if what == "other":
        save_file({"direction": torch.ones(3)}, file)
    elif what == "damaged":
        vector_of(tiny.model("llama"), 1).save(file)
        content = bytearray(file.read_bytes())
        content[-1] ^= 64  # a bit of the last number, which the format does not notice
        file.write_bytes(content)
        assert load_file(file)
    elif what == "text":
        file.write_text("no vector")
    with pytest.raises(InputError, match="mediate steer fit"):
        SteeringVector.read(file)


def test_a_header_of_another_hand_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "v.safetensors"
    save_file({"direction": torch.ones(3), "opening": torch.ones(1)}, file, metadata={"format": FORMAT})
    with pytest.raises(InputError, match="cannot be read"):
        SteeringVector.read(file)


@pytest.mark.parametrize(
    ("direction", "layer", "opening"),
    [([0.0], 0, [1]), ([float("nan")], 0, [1]), ([1.0], -1, [1]), ([1.0], 0, [])],
)
def test_a_vector_of_nothing_is_none(direction: list[float], layer: int, opening: list[int]) -> None:
    with pytest.raises(ValueError, match="a vector of"):
        SteeringVector(torch.tensor(direction), layer, torch.tensor(opening, dtype=torch.long), {})


def test_another_models_vector_is_refused() -> None:
    from dataclasses import replace

    model = tiny.model("llama")
    vector = vector_of(model, 1)
    check_fits(vector, model.facts)
    with pytest.raises(InputError, match="32 wide, the residual stream of 'x' 16"):
        check_fits(vector, replace(model.facts, d_model=16, name="x"))
    with pytest.raises(InputError, match="layer 3: 'LlamaForCausalLM' has layers 0 to 2"):
        check_fits(replace(vector, layer=3), model.facts)
    with pytest.raises(InputError, match="another tokenizer"):
        check_fits(vector, replace(model.facts, tokenizer="other"))
    with pytest.raises(InputError, match="another tokenizer"):
        check_fits(vector, replace(model.facts, d_vocab=14))
    with pytest.raises(InputError, match="other weights"):
        check_fits(vector, tiny.model("qwen3").facts)
    check_fits(vector, replace(model.facts, dtype="bfloat16", fingerprint="of the rounded weights"))
