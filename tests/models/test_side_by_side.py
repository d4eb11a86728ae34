"""Chains written side by side are those written alone, wherever tokens are placed; padding is never in a sequence."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

from mediate.errors import InputError
from mediate.models import generation
from mediate.models.following import followed
from mediate.models.generation import Decoding, generate
from mediate.models.loading import load_unchecked as load
from mediate.models.model import Model
from mediate.models.side_by_side import SHARED_FROM, Prefix, Rows, batches, can_pad, written_anew
from tests import tiny
from tests.models import architectures

NEW = 10
# By length: much behind the shared beginning and little, so that the padding is shorter than it and longer.
RESTS = (1, 3, 9, 4 * SHARED_FROM)


def prompts() -> list[list[int]]:
    """Prompts of unequal length that begin alike."""
    generator = torch.Generator().manual_seed(5)
    beginning, *rests = (
        torch.randint(0, len(tiny.words()), (count,), generator=generator).tolist()
        for count in (SHARED_FROM + 4, *RESTS)
    )
    return [beginning + rest for rest in rests]


@cache
def hooked(name: str) -> Model:
    plain = tiny.plain_model(name) if name in tiny.ARCHITECTURES else architectures.plain_model(name)
    return load(plain, tokenizer=tiny.tokenizer(), device="cpu")


def greedy(plain: Any, prompt: list[int]) -> list[int]:
    """What a plain model writes, each token from a pass over all that stands before it."""
    ids = list(prompt)
    for _ in range(NEW):
        with torch.no_grad():
            ids.append(int(plain(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return ids[len(prompt) :]


# Their attention, or their rotary embedding, depends on what stands in front.
UNPADDED = {"phi3, longrope", "llama4, scaled by place"}


@pytest.mark.parametrize("name", [*tiny.ARCHITECTURES, *architectures.NAMES])
def test_side_by_side_behind_a_shared_beginning_as_alone(name: str) -> None:
    model = hooked(name)
    together = generate(model, prompts(), Decoding(max_new_tokens=NEW))
    if name == "phi3, longrope":  # whose past is turned by other factors than its present, as transformers has it
        assert together == [generate(model, [prompt], Decoding(max_new_tokens=NEW))[0] for prompt in prompts()]
    else:
        assert [list(each.ids) for each in together] == [greedy(model.plain, prompt) for prompt in prompts()]
    assert len({each.ids for each in together}) > len(RESTS) // 2
    assert can_pad(model) == (name not in UNPADDED)


@pytest.mark.parametrize("name", [*tiny.ARCHITECTURES, *architectures.NAMES])
def test_prompts_that_begin_like_one_another_are_as_alone(name: str) -> None:
    """Beginnings of one prompt, the same again, and others that part from it late; beside prompts of their own."""
    model, given = hooked(name), prompts()
    longest = given[-1]
    given += [longest[:60], longest[:-1], longest, [*longest[:50], *given[1][-6:]], [*longest[:40], 5, 6]]
    assert sum(leader != number for number, (leader, _) in enumerate(followed(given, 20))) == 5
    together = generate(model, given, Decoding(max_new_tokens=4))
    alone = [generate(model, [prompt], Decoding(max_new_tokens=4))[0] for prompt in given]
    assert together == alone


@pytest.mark.parametrize("name", ["llama", "mistral, window", "mpt", "gpt-neo, local"])
def test_a_model_that_cannot_be_padded_writes_prompts_of_one_length_together(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = hooked(name)
    wanted = generate(model, prompts(), Decoding(max_new_tokens=NEW))
    monkeypatch.setattr(generation, "can_pad", lambda _: False)
    passes: list[torch.Size] = []
    given = [*prompts(), *prompts()[::-1]]
    with model.plain.register_forward_pre_hook(
        lambda _, __, kwargs: passes.append(kwargs["input_ids"].shape), with_kwargs=True
    ):
        found = generate(model, given, Decoding(max_new_tokens=NEW))
    assert found == [*wanted, *wanted[::-1]]
    assert {shape for shape in passes if shape[1] > 1} == {(2, len(prompt)) for prompt in prompts()}


@pytest.mark.parametrize("fault", ["no mask", "a mask of the other end"])
def test_padding_that_is_read_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an architecture would that heeds no mask."""
    arguments = Rows.arguments

    def spoilt(rows: Rows, model: Model) -> dict[str, Any]:
        mask = torch.ones_like(rows.mask) if fault == "no mask" else rows.mask.flip(1)
        return arguments(replace(rows, mask=mask), model)

    assert can_pad(hooked("llama"))
    monkeypatch.setattr(Rows, "arguments", spoilt)
    assert not can_pad(hooked("llama"))


def test_a_prefix_that_is_not_the_prompts_own_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Prefix.rows
    monkeypatch.setattr(Prefix, "rows", lambda prefix, pads: rows(prefix, [0 for _ in pads]))
    assert not can_pad(hooked("mistral, window"))


def test_padding_stands_in_front_and_takes_the_beginnings_place() -> None:
    model, given = hooked("llama"), prompts()
    prefix = Prefix.of(model, given)
    assert prefix.length == SHARED_FROM + 4
    rows = Rows.of(given, prefix)
    width = max(map(len, given))
    for row, prompt in enumerate(given):
        pad = width - len(prompt)
        assert rows.ids[row].tolist() == [0] * pad + prompt
        assert rows.mask[row].tolist() == [0] * pad + [1] * len(prompt)
        for layer, (keys, _) in zip(rows.cache.layers, prefix.layers, strict=True):
            assert layer.keys.shape[2] == prefix.length
            kept = max(0, prefix.length - pad)
            assert torch.equal(layer.keys[row, :, prefix.length - kept :], keys[0, :, :kept])
            assert not layer.keys[row, :, : prefix.length - kept].any()


def test_only_chains_that_could_be_wrong_are_written_anew() -> None:
    anew = {name for name in (*tiny.ARCHITECTURES, *architectures.NAMES) if written_anew(hooked(name))}
    assert anew == {*UNPADDED, "mpt", "gpt-neo, local"}


def test_batches() -> None:
    lengths = [3, 3, 4, 3, 9, 9]
    order = [0, 1, 3, 2, 4, 5]
    assert list(batches(order, lengths, 4, padded=True)) == [[0, 1, 3, 2], [4, 5]]
    assert list(batches(order, lengths, 4, padded=False)) == [[0, 1, 3], [2], [4, 5]]
    assert list(batches(order, lengths, 2, padded=False)) == [[0, 1], [3], [2], [4, 5]]
    assert list(batches([], [], 2, padded=True)) == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("decoding", [Decoding(max_new_tokens=4), Decoding(max_new_tokens=4, temperature=1.0)])
def test_logits_that_are_not_numbers_are_no_token(bad: float, decoding: Decoding) -> None:
    model = load(tiny.plain_model("llama"), tokenizer=tiny.tokenizer(), device="cpu")

    def spoil(_: Any, __: Any, out: Any) -> None:
        out.logits[-1, -1, 3] = bad

    generate(model, [[5], [6, 7]], decoding)
    with (
        model.plain.register_forward_hook(spoil),
        pytest.raises(InputError, match=r"^model 'LlamaForCausalLM': in float32 its logits are not numbers; [^\n]*$"),
    ):
        generate(model, [[5], [6, 7]], decoding)


def test_a_logit_of_minus_infinity_is_a_token_that_is_never_written() -> None:
    model = load(tiny.plain_model("llama"), tokenizer=tiny.tokenizer(), device="cpu")
    (free,) = generate(model, [[5]], Decoding(max_new_tokens=8))
    banned = free.ids[0]

    def spoil(_: Any, __: Any, out: Any) -> None:
        out.logits[..., banned] = -torch.inf

    with model.plain.register_forward_hook(spoil):
        (found,) = generate(model, [[5]], Decoding(max_new_tokens=8))
    assert banned not in found.ids
    assert len(found.ids) == 8
