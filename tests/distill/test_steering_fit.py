"""Fitting a steering vector: a planted direction is found, thoughts are cut as written, and too little is refused."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

import mediate
from mediate.distill.steering_fit import check_counts, difference, opening_tokens, thoughts_of, unopened
from mediate.errors import InputError
from mediate.models.steering_vector import SteeringVector
from mediate.passes.forward import forward
from mediate.traces.thoughts import WORDED_THOUGHTS, ThoughtKind
from tests import tiny

E, R, T = ThoughtKind
QUESTION = "Tom has 3 apples. How many apples does Tom have?"
CHAIN = "Tom has 3. so then 3 + 4 = 7. Tom has 7 apples."


def kind(text: str) -> str:
    """`so` looks back, `now` changes course."""
    return "reflection" if "so" in text else "transition" if "now" in text else "execution"


def items(count: int = 6) -> list[mediate.Item]:
    """Chains whose next thought follows from the word before the full stop: `boxes`, or `pears`."""
    drawn = np.random.default_rng(0)
    found = []
    for number in range(count):
        said = ["Tom buys 3 boxes."]
        for place in range(6):
            looks_back = bool(drawn.integers(2)) if place > 1 else bool(place)
            said[-1] = said[-1].replace("boxes" if looks_back else "pears", "pears" if looks_back else "boxes")
            said.append("so Tom has 3 boxes." if looks_back else "Tom gives 3 boxes.")
        found.append(mediate.Item(QUESTION, "3", " ".join(said), id=f"item {number}"))
    return found


def planted(noise: float = 0.02) -> tuple[Any, torch.Tensor]:
    """One block whose attention adds a direction to what a full stop holds, by the words that came before it.

    Queries and keys are 0, so that every earlier position counts alike; values take in one channel, which `boxes` and
    `pears` hold with opposite signs, and give out one direction.
    """
    ids = tiny.tokenizer().get_vocab()
    generator = torch.Generator().manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(ids),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    config.eos_token_id = config.bos_token_id = None
    plain = LlamaForCausalLM(config).eval()
    direction = torch.randn(32, generator=generator)
    direction[0] = 0.0
    direction /= direction.norm()
    with torch.no_grad():
        for name, weight in plain.named_parameters():
            if weight.ndim > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator) * noise)
            if "embed" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator))
                weight[:, 0] = 0.0
                weight[ids[" boxes"], 0], weight[ids[" pears"], 0] = 20.0, -20.0
        attention = plain.model.layers[0].self_attn
        attention.q_proj.weight.zero_()
        attention.k_proj.weight.zero_()
        attention.v_proj.weight[0] = torch.eye(32)[0]
        attention.o_proj.weight[:, 0] = 10 * direction
    return mediate.load(plain, tokenizer=tiny.tokenizer(), device="cpu"), direction


def fitted(model: Any, given: Any, **options: Any) -> SteeringVector:
    return mediate.fit_steering(model, given, **({"layer": 0, "opens": ".", "kind": kind, "progress": False} | options))


def test_a_planted_direction_is_found() -> None:
    model, direction = planted()
    vector = fitted(model, items(12))
    assert float(torch.cosine_similarity(vector.direction, direction, dim=0)) > 0.99
    assert vector.facts["halves"]["cosine"] > 0.99
    assert vector.facts["halves"]["seed"] == 0
    assert abs(float(torch.cosine_similarity(vector.random(0).direction, direction, dim=0))) < 0.6


def test_it_is_the_difference_of_means_of_plain_states() -> None:
    """Of pairs, the bases; in batches of unequal length as each chain alone."""
    model = tiny.model("llama")
    given = items()
    vector = fitted(model, given, layer=1)
    states: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    counts: Counter[str] = Counter()
    for item in given:
        ids = mediate.prepare(model, item, store=False).tokens
        with torch.no_grad():
            hidden = tiny.plain_model("llama")(torch.tensor([ids.whole]), output_hidden_states=True).hidden_states[2][0]
        thoughts = str(item.cot).split(". ")[1:]
        places = [at for at in range(len(ids.question), len(ids.whole)) if ids.whole[at] == 1][: len(thoughts)]
        for place, text in zip(places, thoughts, strict=True):
            states["so" not in text].append(hidden[place])
            counts[kind(text)] += 1
    wanted = torch.stack(states[True]).mean(dim=0) - torch.stack(states[False]).mean(dim=0)
    torch.testing.assert_close(vector.direction, wanted, atol=1e-5, rtol=1e-4)
    assert vector.facts["counts"] == {
        "execution": counts["execution"],
        "reflection": counts["reflection"],
        "transition": 0,
    }
    assert vector.facts["formula"] == "mean(execution) - mean(reflection and transition)"
    assert vector.facts["norms"]["execution"] == pytest.approx(
        float(torch.stack(states[True]).mean(dim=0).norm()), rel=1e-4
    )
    assert vector.model["fingerprint"] == model.facts.fingerprint
    assert vector.layer == 1
    assert vector.opening.tolist() == [1]
    twins = [mediate.Pair(each.id, each.id, each, mediate.Item(QUESTION, "4", each.cot)) for each in given]
    assert fitted(model, twins, layer=1).digest == vector.digest


def test_thoughts_are_cut_at_opening_tokens() -> None:
    """The first is opened by the prompt's last token or by none; nothing stands behind the last full stop."""
    model = tiny.model("llama")
    found = thoughts_of(
        mediate.prepare(model, mediate.Item(QUESTION, "7", CHAIN), store=False), frozenset({1}), ".", kind
    )
    assert [(each.text, each.kind) for each in found] == [(" so then 3 + 4 = 7", R), (" Tom has 7 apples", E)]
    item = mediate.prepare(model, mediate.Item(QUESTION, "7", CHAIN), store=False)
    assert item.tokens.question[-1] == 0  # the line break after the question
    (whole,) = thoughts_of(item, frozenset({0}), "\n", kind)
    assert whole.text == CHAIN
    assert whole.place == len(item.tokens.question) - 1


def test_a_token_may_hold_more_than_what_opens() -> None:
    """What stands in it before the opening ends the thought before, and what stands behind begins the next."""
    model = tiny.model("llama")
    item = mediate.prepare(model, mediate.Item(QUESTION, "7", "Tom gives 3 pears so Tom has 7 pears."), store=False)
    vocabulary = model.tokenizer.get_vocab()
    opening = frozenset({vocabulary[" gives"]})
    (only,) = thoughts_of(item, opening, "iv", lambda text: ThoughtKind.TRANSITION)
    assert (only.text, only.kind) == ("es 3 pears so Tom has 7 pears.", T)
    assert opening_tokens(model, "iv") == tuple(sorted({vocabulary[" gives"], vocabulary["gives"]}))


def test_chains_that_are_missing_are_written() -> None:
    model = tiny.model("llama")
    asked = [mediate.Item(QUESTION.replace("3", f"{n // 10} + {n % 10}"), "3", id=str(n)) for n in range(40)]
    options: dict[str, Any] = {"temperature": 1.0, "max_new_tokens": 40, "on_bad_item": "skip", "stop": ("\n",)}
    vector = fitted(
        model, asked, opens="a", kind=lambda text: "execution" if len(text) % 2 else "reflection", **options
    )
    chains = vector.facts["chains"]
    assert chains["written_by_the_model"] == chains["read"] > 0
    assert chains["read"] + chains["left_out"] == 40


@pytest.mark.parametrize(("execution", "others"), [(7, 20), (20, 7)])
def test_too_few_thoughts_are_refused(execution: int, others: int) -> None:
    counts = Counter({E: execution, R: others - 3, T: 3})
    with pytest.raises(InputError, match=f"{execution} of execution, {others - 3} of reflection, 3 of transition"):
        check_counts(counts, "\n\n")
    check_counts(Counter({E: 8, R: 0, T: 8}), "\n\n")


def test_what_cannot_be_fitted_is_one_line() -> None:
    model = tiny.model("llama")
    with pytest.raises(InputError, match="too few thoughts"):
        fitted(model, items(1))
    with pytest.raises(InputError, match="layer 3: 'LlamaForCausalLM' has layers 0 to 2"):
        fitted(model, items(), layer=3)
    with pytest.raises(InputError, match=r"no token of .* holds '\\n\\n'"):
        fitted(model, items(), opens=None)
    with pytest.raises(InputError, match="'musing'; there are execution, reflection, transition"):
        fitted(model, items(), kind=lambda text: "musing")
    with pytest.raises(InputError, match="no option 'alpha'"):
        fitted(model, items(), alpha=1.0)
    with pytest.raises(InputError, match="steered already; fit on its base"):
        fitted(mediate.steered(model, fitted(model, items())), items())
    with pytest.raises(InputError, match="load it first"):
        fitted("llama", items())


def test_halves_are_of_chains_and_seeded() -> None:
    drawn = torch.Generator().manual_seed(0)
    streams = [torch.randn(4, 8, generator=drawn) for _ in range(10)]
    executing = [torch.tensor([True, False, True, False])] * 10
    direction, facts = difference(streams, executing, 3)
    dealt = np.random.default_rng(3).permutation(10).tolist()
    one, other = (
        torch.cat([streams[each][::2] for each in half]).mean(dim=0)
        - torch.cat([streams[each][1::2] for each in half]).mean(dim=0)
        for half in (dealt[::2], dealt[1::2])
    )
    assert facts["halves"] == {
        "cosine": pytest.approx(float(torch.cosine_similarity(one, other, dim=0)), abs=1e-6),
        "seed": 3,
    }
    torch.testing.assert_close(
        direction,
        torch.cat([each[::2] for each in streams]).mean(dim=0)
        - torch.cat([each[1::2] for each in streams]).mean(dim=0),
    )
    halves: Any = difference(streams[:1], executing[:1], 0)[1]["halves"]
    assert halves["cosine"] is None
    with pytest.raises(InputError, match="no direction between them"):
        difference([torch.ones(4, 8)], executing[:1], 0)


def test_a_file_and_the_model_that_it_makes(tmp_path: Path) -> None:
    model = tiny.model("llama")
    vector = fitted(model, items(), layer=1)
    vector.save(tmp_path / "v.safetensors")
    one, other = mediate.steered(model, vector, 2.0), mediate.steered(model, tmp_path / "v.safetensors", 2.0)
    ids = torch.tensor([[5, 1, 8, 9]])
    assert torch.equal(forward(one, ids).logits, forward(other, ids).logits)
    assert one.facts.fingerprint == other.facts.fingerprint
    assert WORDED_THOUGHTS.opens == "."


def test_an_opening_of_several_tokens_is_told() -> None:
    """As an empty line is in tokenizers that keep the last white space before a word apart."""
    model = tiny.model("llama")
    item = mediate.prepare(model, mediate.Item(QUESTION, "3", "\n\n".join(["Tom has 3."] * 8)), store=False)
    split = unopened(item, frozenset(), "\n\n")
    with pytest.raises(InputError, match="7 times in several tokens"):
        check_counts(Counter(), "\n\n", split)
    assert unopened(item, frozenset({0}), "\n") == 0
    assert unopened(item, frozenset({1}), ".") == 0
    assert fitted(model, items()).facts["chains"]["openings_of_several_tokens"] == 0
