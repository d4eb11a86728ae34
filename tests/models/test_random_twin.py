"""models.random_twin: random weights in the model itself, as transformers draws them, and its own again afterwards."""

from pathlib import Path

import pytest
import torch
import transformers as tf

import mediate
from mediate.errors import InputError
from mediate.models import random_twin as room
from mediate.models.random_twin import random_twin
from mediate.passes.forward import forward
from tests import tiny

# Architectures whose joint matrices transformer-lens splits, each in a way of its own.
SPLIT = ("gpt2", "neox", "bloom", "falcon", "phi3", "bigcode")


def split_model(name: str) -> torch.nn.Module:
    if name in tiny.ARCHITECTURES:
        return tiny.plain_model(name)
    size = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = {
        "bloom": lambda: tf.BloomConfig(vocab_size=97, hidden_size=32, n_layer=2, n_head=4),
        "falcon": lambda: tf.FalconConfig(**size, multi_query=True),
        "phi3": lambda: tf.Phi3Config(**size, intermediate_size=48, num_key_value_heads=2, pad_token_id=0),
        "bigcode": lambda: tf.GPTBigCodeConfig(vocab_size=97, n_embd=32, n_layer=2, n_head=4),
    }[name]()
    config.eos_token_id = config.bos_token_id = None
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()


@pytest.mark.parametrize("name", dict.fromkeys([*tiny.ARCHITECTURES, *SPLIT]))
def test_its_weights_are_drawn_and_put_back(name: str) -> None:
    """Hooked and plain agree on the random weights, whatever is split, and everything is as before afterwards."""
    model = mediate.load(split_model(name))
    own, state = {key: weight.clone() for key, weight in model.weights.items()}, torch.get_rng_state()
    clean = forward(model, model.probe.ids).logits
    with random_twin(model, seed=3) as twin:
        drawn = {key: weight.clone() for key, weight in twin.weights.items()}
        hooked = forward(twin, model.probe.ids).logits
        matrices = [key for key in own if own[key].ndim > 1]
        assert not any(torch.equal(drawn[key], own[key]) for key in matrices)
        # An unhooked model with these weights says the same: what transformer-lens splits was split again.
        fresh = split_model(name)
        fresh.load_state_dict(drawn, strict=False)
        with torch.no_grad():
            torch.testing.assert_close(hooked, fresh(model.probe.ids).logits, atol=1e-5, rtol=1e-4)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(weight, own[key]) for key, weight in model.weights.items())
    assert torch.equal(forward(model, model.probe.ids).logits, clean)
    with random_twin(model, seed=3) as twin:
        assert all(torch.equal(weight, drawn[key]) for key, weight in twin.weights.items())
    with random_twin(model, seed=4) as twin:
        assert not torch.equal(twin.weights[matrices[0]], drawn[matrices[0]])


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_they_are_drawn_as_transformers_draws_them(architecture: str) -> None:
    """Same spread, matrix by matrix, as a model made from the configuration; among them GPT-2's scaled projections."""
    model = mediate.load(tiny.plain_model(architecture))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = tf.AutoModelForCausalLM.from_config(model.plain.config)
    with random_twin(model) as twin, torch.no_grad():
        for name, weight in fresh.named_parameters():
            if weight.ndim > 1:
                assert float(twin.weights[name].std()) == pytest.approx(float(weight.std()), rel=0.15), name
            else:
                assert torch.equal(twin.weights[name], weight), name


def test_an_error_inside_puts_them_back_too() -> None:
    model = mediate.load(tiny.plain_model("llama"))
    own = {key: weight.clone() for key, weight in model.weights.items()}
    with pytest.raises(KeyboardInterrupt), random_twin(model):
        raise KeyboardInterrupt
    assert all(torch.equal(weight, own[key]) for key, weight in model.weights.items())


def test_weights_that_a_file_holds_are_read_from_it_and_others_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No copy of what the model's own file has: only a weight that was changed since goes to the temporary file."""
    tiny.plain_model("llama").save_pretrained(tmp_path)
    model = mediate.load(tmp_path)
    written: list[int] = []
    real = room.tempfile.TemporaryFile

    def counted(**options):
        written.append(1)
        return real(**options)

    monkeypatch.setattr(room.tempfile, "TemporaryFile", counted)
    with random_twin(model):
        pass
    assert not written
    changed = model.weights["model.norm.weight"]
    changed.fill_(2.0)
    own = {key: weight.clone() for key, weight in model.weights.items()}
    with random_twin(model):
        assert not torch.equal(changed, own["model.norm.weight"])
    assert written == [1]
    assert all(torch.equal(weight, own[key]) for key, weight in model.weights.items())


def test_weights_that_do_not_come_back_are_an_error_and_nothing_less(monkeypatch: pytest.MonkeyPatch) -> None:
    model = mediate.load(tiny.plain_model("llama"))
    monkeypatch.setattr(room, "_kept", lambda model, files: lambda: None)
    with pytest.raises(InputError, match=r"could not be put back .* load it again"), random_twin(model):
        pass


def test_no_room_for_them_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = mediate.load(tiny.plain_model("llama"))
    own = {key: weight.clone() for key, weight in model.weights.items()}

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room.tempfile, "TemporaryFile", full)
    with pytest.raises(InputError, match=r"no twin with random weights .*No space left"), random_twin(model):
        raise AssertionError("opened")
    assert all(torch.equal(weight, own[key]) for key, weight in model.weights.items())


def test_a_copy_that_is_not_known_is_refused() -> None:
    model = mediate.load(tiny.plain_model("llama"))
    model.bridge.register_parameter("stray", torch.nn.Parameter(torch.zeros(3)))
    with pytest.raises(InputError, match=r"keeps a copy of weights at .*stray"), random_twin(model):
        raise AssertionError("opened")
