"""What models write: transformers' own greedy text, draws from the stated distribution, cut where it should be."""

import dataclasses
from collections import Counter
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mediate.errors import InputError
from mediate.models import generation
from mediate.models.generation import Decoding, End, Written, _Stopper, generate
from mediate.models.loading import load_unchecked as load
from mediate.models.model import Model
from mediate.traces.trace import decode, encode
from tests import tiny

PROMPTS = [[5], [7, 8, 9, 10, 11, 12, 13], [30, 31, 32], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9], [7, 8]]
SAMPLED = Decoding(max_new_tokens=12, temperature=1.0, top_p=0.9, seed=3)


def table_model(logits: torch.Tensor) -> Any:
    """A Llama whose next-token logits are a row of a table, chosen by the last token alone."""
    from transformers import LlamaConfig, LlamaForCausalLM

    count = len(logits)
    width = count + count % 2 + 2
    config = LlamaConfig(
        vocab_size=count,
        hidden_size=2 * width,
        intermediate_size=2,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=None,
        tie_word_embeddings=False,
        attn_implementation="eager",
    )
    with torch.random.fork_rng():
        model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        for token in range(count):
            model.model.embed_tokens.weight[token, token] = 1.0
        model.lm_head.weight[:, :count] = logits.T / (2 * width) ** 0.5  # what the norm multiplies a one-hot row by
    return model


@cache
def writing(ids: tuple[int, ...]) -> Model:
    """A model that writes these ids after the first of them, and the last one for ever."""
    tokenizer = tiny.byte_level()
    assert len(set(ids)) == len(ids), "each token has one follower"
    logits = torch.zeros(len(tokenizer), len(tokenizer))
    for one, other in pairwise([*ids, ids[-1]]):
        logits[one, other] = 10.0
    return load(table_model(logits), tokenizer=tokenizer, device="cpu")


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_greedy_is_transformers_own_row_by_row(architecture: str) -> None:
    model, plain = tiny.model(architecture), tiny.plain_model(architecture)
    found = generate(model, PROMPTS, Decoding(max_new_tokens=14, batch_size=4))
    for prompt, written in zip(PROMPTS, found, strict=True):
        out = plain.generate(torch.tensor([prompt]), max_new_tokens=14, do_sample=False, pad_token_id=0)
        assert list(written.ids) == out[0, len(prompt) :].tolist()
        assert written.text == decode(tiny.tokenizer(), written.ids)
        assert written.end is End.LENGTH
    assert len({written.ids for written in found}) == len(PROMPTS)


MEDDLING = {
    "repetition_penalty": 5.0,
    "no_repeat_ngram_size": 2,
    "suppress_tokens": [7, 8, 9],
    "bad_words_ids": [[26]],
    "min_new_tokens": 3,
    "num_beams": 3,
    "do_sample": True,
    "temperature": 0.1,
    "top_k": 2,
    "top_p": 0.2,
    "forced_eos_token_id": 4,
    "max_length": 5,
}


@pytest.mark.parametrize("decoding", [Decoding(max_new_tokens=12), SAMPLED], ids=["greedy", "sampled"])
def test_a_models_own_generation_settings_change_nothing(decoding: Decoding) -> None:
    wanted = generate(tiny.model("llama"), PROMPTS, decoding)
    plain = tiny.plain_model("llama")
    plain.generation_config.update(**MEDDLING)
    model = load(plain, tokenizer=tiny.tokenizer(), device="cpu")
    assert generate(model, PROMPTS, decoding) == wanted
    assert model.plain.generation_config.repetition_penalty == 5.0, "its settings are still its own"


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_sample_is_the_same_in_any_company(architecture: str) -> None:
    model = tiny.model(architecture)
    wanted = [generate(model, [prompt], SAMPLED)[0] for prompt in PROMPTS]
    for size in (2, 5):
        batched = dataclasses.replace(SAMPLED, batch_size=size)
        assert generate(model, PROMPTS, batched) == wanted
        assert generate(model, PROMPTS[::-1], batched) == wanted[::-1]
        assert generate(model, [*PROMPTS, PROMPTS[1]], batched) == [*wanted, wanted[1]]
    other = dataclasses.replace(SAMPLED, seed=4)
    assert generate(model, PROMPTS, other) != wanted


def test_global_generators_stay_where_they_are() -> None:
    model = tiny.model("llama")
    torch.manual_seed(1)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    first = generate(model, PROMPTS, SAMPLED)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
    torch.manual_seed(2)
    assert generate(model, PROMPTS, SAMPLED) == first


VOCABULARY = 6


@cache
def dice() -> Model:
    """Six words; what comes next depends on the last one alone."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({letter: number for number, letter in enumerate("abcdef")}, unk_token="f"))
    words.decoder = decoders.Fuse()
    logits = torch.randn(VOCABULARY, VOCABULARY, generator=torch.Generator().manual_seed(2))
    return load(table_model(logits), tokenizer=PreTrainedTokenizerFast(tokenizer_object=words), device="cpu")


def nucleus(probabilities: np.ndarray, top_p: float) -> np.ndarray:
    """The smallest set of most likely tokens that holds at least `top_p`, with its probabilities made to sum to 1."""
    kept, total = np.zeros_like(probabilities), 0.0
    for token in sorted(range(len(probabilities)), key=lambda token: -probabilities[token]):
        if total >= top_p:
            break
        kept[token] = probabilities[token]
        total += probabilities[token]
    return kept / kept.sum()


@cache
def drawn(temperature: float, top_p: float) -> Counter[tuple[int, ...]]:
    """5,400 pairs of tokens after prompts that end in the same word, with many seeds."""
    prompts = [[*start, 0] for start in product(range(VOCABULARY), repeat=3)]
    found: Counter[tuple[int, ...]] = Counter()
    for seed in range(25):
        decoding = Decoding(2, (), temperature, top_p, seed, batch_size=len(prompts))
        found.update(written.ids for written in generate(dice(), prompts, decoding))
    return found


def expected(temperature: float, top_p: float) -> np.ndarray:
    """The probability of each pair, from a plain forward pass."""
    with torch.no_grad():
        rows = dice().plain(input_ids=torch.arange(VOCABULARY)[:, None]).logits[:, -1].double()
    steps = [nucleus(row, top_p) for row in (rows / temperature).softmax(-1).numpy()]
    return np.stack([steps[0][token] * steps[token] for token in range(VOCABULARY)])


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.7, 1.0), (1.0, 0.7), (2.0, 0.9)])
def test_samples_follow_the_softmax(temperature: float, top_p: float) -> None:
    found, wanted = drawn(temperature, top_p), expected(temperature, top_p)
    assert {pair for pair in found if wanted[pair] == 0} == set(), "outside the nucleus"
    cells = [pair for pair in product(range(VOCABULARY), repeat=2) if wanted[pair] > 0]
    assert (top_p < 1) == (len(cells) < VOCABULARY**2)
    counts = [found[pair] for pair in cells]
    assert stats.chisquare(counts, [wanted[pair] * 5400 for pair in cells]).pvalue > 0.001
    colder = expected(temperature * 0.7, 1.0)
    scaled = np.array([colder[pair] for pair in cells])
    assert stats.chisquare(counts, scaled / scaled.sum() * 5400).pvalue < 1e-6, "another distribution would pass too"


TEXT = "Tom has 3 apples.🙂 He\nis"


@pytest.mark.parametrize(
    ("stops", "before", "text"),
    [
        ((), TEXT, TEXT),
        (("never",), TEXT, TEXT),
        (("\n",), "Tom has 3 apples.🙂 He", "Tom has 3 apples.🙂 He"),
        ((" has 3",), "Tom", "Tom"),
        (("m has",), "To", ""),  # Tom is one token, and half of it is the stop's
        (("🙂",), "Tom has 3 apples.", "Tom has 3 apples."),
        ((".🙂 H",), "Tom has 3 apples", "Tom has 3 apples"),
        (("🙂 He", " 3"), "Tom has", "Tom has"),
        (("never", "He"), "Tom has 3 apples.🙂 ", "Tom has 3 apples.🙂"),
        (("pples",), "Tom has 3 a", "Tom has 3"),
        (("Tom",), "", ""),
        (("T",), "", ""),
    ],
)
def test_writing_stops_at_the_last_token_before_the_stop(stops: tuple[str, ...], before: str, text: str) -> None:
    tokenizer = tiny.byte_level()
    ids = encode(tokenizer, TEXT)
    first = next(token for token in range(len(tokenizer)) if token not in ids)
    model = writing((first, *ids))
    (found,) = generate(model, [[first]], Decoding(max_new_tokens=len(ids), stop=stops))
    assert (found.text, found.end) == (text, End.LENGTH if text == TEXT else End.STOP)
    assert list(found.ids) == ids[: len(found.ids)]
    assert decode(tokenizer, found.ids) == found.text
    assert len(before) >= len(decode(tokenizer, ids[: len(found.ids)]))
    assert before == TEXT or len(before) < len(decode(tokenizer, ids[: len(found.ids) + 1])), "a token too few"


def test_a_stop_ends_the_writing_and_not_only_the_text() -> None:
    tokenizer = tiny.byte_level()
    ids = encode(tokenizer, TEXT)
    first = next(token for token in range(len(tokenizer)) if token not in ids)
    model = writing((first, *ids))
    passes: list[int] = []
    with model.plain.register_forward_hook(lambda *_: passes.append(1)):
        generate(model, [[first]], Decoding(max_new_tokens=60, stop=(" 3",)))
    assert len(passes) == len(encode(tokenizer, "Tom has 3"))


@pytest.mark.parametrize("named_by", ["tokenizer", "model", "a list of the model"])
def test_eos_ends_a_row_and_is_not_part_of_it(named_by: str) -> None:
    tokenizer = tiny.byte_level()
    ids = encode(tokenizer, "Tom has 3")
    end = tokenizer.eos_token_id if named_by == "tokenizer" else encode(tokenizer, "!")[0]
    first = encode(tokenizer, "?")[0]
    model = writing((first, *ids, end))
    model.plain.generation_config.eos_token_id = {"model": end, "a list of the model": [end, first]}.get(named_by)
    wanted = Written(tuple(ids), "Tom has 3", End.EOS)
    # The rows begin at different places, so that they end at different times.
    prompts = [[first], [first, *ids[:-1]], [first, ids[0]]]
    rest = [Written(tuple(ids[n:]), decode(tokenizer, ids[n:]), End.EOS) for n in (len(ids) - 1, 1)]
    assert generate(model, prompts, Decoding(max_new_tokens=20)) == [wanted, *rest]
    (stopped,) = generate(model, [[first]], Decoding(max_new_tokens=20, stop=(" 3",)))
    assert (stopped.text, stopped.end) == ("Tom has", End.STOP)
    (short,) = generate(model, [[first]], Decoding(max_new_tokens=len(ids)))
    assert short == dataclasses.replace(wanted, end=End.LENGTH)


def test_a_stop_in_the_prompt_does_not_count() -> None:
    tokenizer = tiny.byte_level()
    ids = encode(tokenizer, "Tom has 3 apples")
    model = writing(tuple(ids))
    (found,) = generate(model, [ids[:2]], Decoding(max_new_tokens=len(ids) - 2, stop=("Tom", " has")))
    assert found == Written(tuple(ids[2:]), decode(tokenizer, ids[2:]), End.LENGTH)


@pytest.mark.parametrize("tokenizer", [tiny.byte_level, lambda: tiny.sentencepiece_like("llama2")], ids=["bytes", "sp"])
@given(before=st.text("Tom has3.\n🙂é", max_size=8), stop=st.text("Tom has3.\n🙂é", min_size=1, max_size=12))
@settings(deadline=None, max_examples=60)
def test_the_stopper_sees_a_stop_when_its_last_token_comes(tokenizer: Any, before: str, stop: str) -> None:
    tokens = tokenizer()
    ids = encode(tokens, before + stop + " x")
    stopper = _Stopper(tokens, ("never", stop))
    for count in range(1, len(ids) + 1):
        seen = stopper.sees(ids[:count])
        assert seen == (stop in decode(tokens, ids[:count]))
        if seen:
            break


def test_prompts_that_do_not_fit() -> None:
    model, decoding = tiny.model("llama"), Decoding(max_new_tokens=6)
    assert len(generate(model, [[1] * 250], decoding)[0].ids) == 6
    for prompts in ([[1], [1] * 251], [[1] * 256], [[1] * 400], [[]]):
        with pytest.raises(InputError, match=r"do not fit the context of 256; shorten the prompt or lower max_new"):
            generate(model, prompts, decoding)
    assert generate(model, [], decoding) == []


def test_a_model_without_tokenizer_cannot_write() -> None:
    model = load(tiny.plain_model("llama"), device="cpu")
    with pytest.raises(InputError, match="has no tokenizer"):
        generate(model, [[1]], Decoding(max_new_tokens=4))


@pytest.mark.parametrize(
    "fields",
    [
        {"max_new_tokens": 0},
        {"batch_size": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": float("nan")},
        {"seed": -1},
        {"stop": ("a", "")},
    ],
)
def test_choices_that_mean_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Decoding(**fields)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("decoding", [Decoding(max_new_tokens=9), SAMPLED], ids=["greedy", "sampled"])
def test_prompts_with_seeds_and_lengths_of_their_own_are_written_together(
    architecture: str, decoding: Decoding
) -> None:
    model = tiny.model(architecture)
    prompts = [*PROMPTS, PROMPTS[1]]
    each = [
        dataclasses.replace(decoding, seed=seed, max_new_tokens=most)
        for seed, most in zip((3, 4, 5, 6, 7, 8), (2, 9, 1, 12, 5, 7), strict=True)
    ]
    found = generate(model, prompts, each)
    assert found == [generate(model, [prompt], one)[0] for prompt, one in zip(prompts, each, strict=True)]
    assert [len(one.ids) for one in found] == [2, 9, 1, 12, 5, 7]


def test_a_row_leaves_the_batch_where_it_ends() -> None:
    model, rows = tiny.model("llama"), list[int]()
    each = [Decoding(max_new_tokens=most) for most in (1, 2, 2, 5, 3)]
    with model.plain.register_forward_pre_hook(
        lambda _, __, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    ):
        generate(model, [[5, 6], [7, 8], [9, 5], [6, 5], [8, 6]], each)
    assert rows[-5:] == [5, 4, 2, 1, 1]


def test_what_is_written_together_differs_in_seed_and_length_alone() -> None:
    with pytest.raises(ValueError, match="in seeds and numbers of tokens alone"):
        generate(tiny.model("llama"), [[5], [6]], [Decoding(4), Decoding(4, temperature=1.0)])


def test_small_models_write_many_texts_side_by_side_and_large_ones_as_many_as_memory_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, decoding, prompts = tiny.model("llama"), Decoding(max_new_tokens=2), [[5, 6]] * 40
    batches = list[int]()
    with model.plain.register_forward_pre_hook(
        lambda _, __, kwargs: batches.append(kwargs["input_ids"].shape[0]), with_kwargs=True
    ):
        wanted = generate(model, prompts, decoding)
        assert max(batches) == len(prompts)
        batches.clear()
        monkeypatch.setattr(generation, "ROWS_BYTES", 1)
        assert generate(model, prompts, decoding) == wanted
        assert max(batches) == generation.ROWS
        batches.clear()
        assert generate(model, prompts, dataclasses.replace(decoding, batch_size=3)) == wanted
        assert max(batches) == 3
