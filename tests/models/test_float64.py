"""A model in float64 is in float64 throughout, however it is run; models of other dtypes are as they were."""

import copy

import pytest
import torch
from torch.overrides import _get_current_function_mode_stack

import mediate
from mediate.models.float64 import in_float64, keeps_float64
from mediate.models.generation import Decoding, generate
from mediate.models.loading import load_unchecked as load
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.store import model_spec
from tests import tiny
from tests.plainly import kept, with_past

IDS = torch.arange(1, 41)[None]


def logits(plain) -> torch.Tensor:
    with torch.no_grad():
        return plain(IDS, use_cache=False).logits


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_logits_are_those_of_plain_transformers_that_rounds_nowhere(architecture: str) -> None:
    model, plain = tiny.model(architecture, "float64"), tiny.plain_model(architecture, "float64")
    rounded = logits(plain)
    with kept(plain):
        wanted = logits(plain)
    for found in (logits(model.plain), forward(model, IDS).logits, model.bridge(IDS, return_type="logits")):
        torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)
    # GPT-2 asks for no float32; of the others it would show.
    assert architecture == "gpt2" or (rounded - wanted).abs().max() > 1e-8


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_check_at_load_is_held_to_float64(architecture: str) -> None:
    model = tiny.model(architecture, "float64")
    assert model.rounding == torch.finfo(torch.float64).eps
    errors = [check.error for check in model.checks if check.error < float("inf")]
    assert max(errors) < 1e-12
    assert max(check.tolerance for check in model.checks) < 1e-11
    assert set(model.refused) == set(tiny.model(architecture).refused)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_other_dtypes_are_left_alone(dtype: str) -> None:
    model = tiny.model("llama", dtype)
    assert not keeps_float64(model.plain)
    assert "forward" not in vars(model.plain)
    assert torch.equal(logits(model.plain), logits(tiny.plain_model("llama", dtype)))
    assert model.rounding == max(torch.finfo(each).eps for each in (model.dtype, torch.float32))
    assert "arithmetic" not in model_spec(model)
    with in_float64(model.plain):
        assert torch.ones(1, dtype=torch.float64).float().dtype is torch.float32
    assert model_spec(tiny.model("llama", "float64"))["arithmetic"] == "float64"


def test_nothing_is_left_behind_by_a_pass_that_breaks() -> None:
    model = tiny.model("llama", "float64")

    def broken(value: torch.Tensor, hook: object) -> torch.Tensor:
        assert value.float().dtype is torch.float64
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), model.bridge.hooks([(Site(Component.RESID_POST, 1).hook_name, broken)]):
        forward(model, IDS)
    assert not _get_current_function_mode_stack()
    assert torch.ones(1, dtype=torch.float64).float().dtype is torch.float32
    assert (
        torch.nn.functional.softmax(torch.ones(1, dtype=torch.float64), 0, dtype=torch.float32).dtype is torch.float32
    )


def test_a_copy_runs_on_its_own_weights() -> None:
    plain = load(tiny.plain_model("gpt2", "float64"), device="cpu").plain
    twin = copy.deepcopy(plain)
    before = logits(plain)
    assert keeps_float64(twin)
    with torch.no_grad():
        for weight in twin.parameters():
            weight.zero_()
    assert not logits(twin).any()
    assert torch.equal(logits(plain), before)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_unequal_prompts_side_by_side_are_written_on_as_alone(architecture: str) -> None:
    """Padding at the front is masked with float64's least number, which float32 does not have."""
    prompts, decoding = [[5, 6], [7, 8, 9, 10, 11, 12, 13], [30, 31, 32]], Decoding(max_new_tokens=8)
    model = tiny.model(architecture, "float64")
    together = generate(model, prompts, decoding)
    assert together == [generate(model, [prompt], decoding)[0] for prompt in prompts]
    plain = tiny.plain_model(architecture, "float64")
    for prompt, written in zip(prompts, together, strict=True):
        ids = list(prompt)
        for _ in written.ids:
            with torch.no_grad(), kept(plain):
                ids.append(int(plain(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
        assert list(written.ids) == ids[len(prompt) :]


def test_a_reference_model_writes_in_float64_what_it_writes_in_float32() -> None:
    pairs = mediate.modular_pairs(2, steps=(2, 3), seed=5, with_cot=False)
    written = []
    for dtype in ("float32", "float64"):
        model = mediate.load("reference-0.1m", dtype=dtype, device="cpu")
        questions = [item.question for pair in pairs for item in (pair.base, pair.source)]
        prompts = [model.need_tokenizer()(text + "\n", add_special_tokens=False)["input_ids"] for text in questions]
        assert len({len(prompt) for prompt in prompts}) > 1, "prompts of one length need no padding"
        written.append([each.text for each in generate(model, prompts, Decoding(max_new_tokens=40))])
    assert written[0] == written[1]
    assert all(written[0])


def test_a_past_is_taken_under_the_name_that_the_model_has(recwarn: pytest.WarningsRecorder) -> None:
    from transformers import DynamicCache

    plain, cache = tiny.plain_model("llama", "float64"), DynamicCache()
    with torch.no_grad(), kept(plain):
        plain(IDS[:, :30], **with_past(plain, cache))
        found = plain(IDS[:, 30:], **with_past(plain, cache)).logits
        torch.testing.assert_close(found, logits(plain)[:, 30:], atol=1e-12, rtol=0)
    assert not [each for each in recwarn if issubclass(each.category, FutureWarning)]
