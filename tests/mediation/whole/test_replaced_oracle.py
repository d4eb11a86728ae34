"""The chain alone replaced, against plain transformers: a past edited by hand, or other tokens run from the start."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import DynamicCache
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from mediate.mediation.cells import Cell
from mediate.mediation.contrasts.chain_pool import gather_chains
from mediate.mediation.contrasts.hidden import measure_hidden, run_sights
from mediate.mediation.contrasts.replaced import DrawnFrom, Worth, measure_replaced
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.names import KL, LOGIT, LOGPROB
from mediate.models.sites import Component
from mediate.passes.interventions import Reference
from mediate.results.replacements import REPLACEMENTS
from mediate.traces.edits import FILLER, MISTAKE, SHUFFLED
from mediate.traces.trace import given_trace
from tests.plainly import kept
from tests.tiny import model, plain_model, tokenizer

OUTCOMES = (LOGIT, LOGPROB)
CHAINS = (
    "Tom has 3 + 4 = 7 apples. Tom gives 2. The answer is 7 - 2 = 5.",
    "Tom buys 8 - 6 = 2 pears. Tom has 2 + 1 = 3.",
    "Tom sells 9 pears in all. Tom has 9 - 5 = 4 now.",
)


def encoded(place: int) -> EncodedItem:
    def ids(text: str) -> tuple[int, ...]:
        return tuple(tokenizer()(text, add_special_tokens=False)["input_ids"])

    question = ids(f"\nTom has {place + 3} apples and buys 4. How many does Tom have?\n")
    readers = Readers(ids("\nThe answer is"), ids(f" {place + 2} 4"))
    stop = len(question) - 1
    return EncodedItem(
        f"item-{place}", f"group-{place}", question, (1, stop), given_trace(CHAINS[place], tokenizer()), readers
    )


ITEMS = tuple(encoded(place) for place in range(len(CHAINS)))


def measured(ours: Any, *, items: tuple[EncodedItem, ...] = ITEMS, outcomes: Any = OUTCOMES) -> dict[str, Worth]:
    """Of the first item; the others are the second and the third, of which the second is nearest."""
    (sights,) = run_sights(ours, items[:1])
    other = items[1] if len(items) > 1 else None
    drawn_from = DrawnFrom(lambda: gather_chains(ours, items), other, 5)
    return measure_replaced(ours, sights, REPLACEMENTS, outcomes, drawn_from)


def read_by_hand(hf: Any, past: Any, start: int) -> torch.Tensor:
    readers = ITEMS[0].readers
    ids = torch.tensor([[*readers.cue, *readers.base[:-1]]])
    places = torch.arange(start, start + ids.shape[1])[None]
    with torch.no_grad(), kept(hf):
        found: torch.Tensor = hf(ids, past_key_values=past, position_ids=places).logits[0, -len(readers.base) :]
    return found


def outcomes_by_hand(logits: torch.Tensor) -> list[float]:
    answer = ITEMS[0].readers.base
    said = logits.double().log_softmax(-1)
    first = logits[0].double()
    return [float(first[answer[0]] - first.mean()), float(sum(said[k, token] for k, token in enumerate(answer)))]


def run_by_hand(hf: Any, ids: tuple[int, ...]) -> Any:
    cache = DynamicCache()
    with torch.no_grad(), kept(hf):
        hf(torch.tensor([ids]), past_key_values=cache)
    return cache


def projected(hf: Any, item: EncodedItem) -> list[list[torch.Tensor]]:
    """A chain's keys before rotary embedding, and its values, by layer: `pos kv_head d_head`, as projected."""
    found: list[list[torch.Tensor]] = []
    handles = []
    for layer in hf.model.layers:
        both: list[torch.Tensor] = []
        found.append(both)
        for part in (layer.self_attn.k_proj, layer.self_attn.v_proj):
            handles.append(part.register_forward_hook(lambda _, __, out, both=both: both.append(out[0])))
    run_by_hand(hf, item.whole)
    for handle in handles:
        handle.remove()
    return [[each[len(item.question) :].unflatten(-1, (-1, hf.config.head_dim)) for each in both] for both in found]


def turned_by_hand(hf: Any, keys: torch.Tensor, start: int) -> torch.Tensor:
    places = torch.arange(start, start + len(keys))[None]
    with kept(hf):
        cos, sin = hf.model.rotary_emb(keys, places)
        turned = apply_rotary_pos_emb(keys.transpose(0, 1)[None], keys.transpose(0, 1)[None], cos, sin)[1]
    return turned


@pytest.mark.parametrize("name", ["zero", "mean", "other"])
def test_keys_and_values_put_in_place_are_those_of_a_past_edited_by_hand(name: str) -> None:
    ours, hf = model("llama", "float64"), plain_model("llama", "float64")
    item, begin, length = ITEMS[0], len(ITEMS[0].question), len(ITEMS[0].trace.ids)
    past = run_by_hand(hf, item.whole)
    others = [projected(hf, each) for each in ITEMS[1:]]
    for number, layer in enumerate(past.layers):
        drawn_from = [torch.cat([each[number][part] for each in others]) for part in (0, 1)]
        keys, values = {
            "zero": [torch.zeros_like(each[:1]).expand(length, -1, -1) for each in drawn_from],
            "mean": [each.mean(0, keepdim=True).expand(length, -1, -1) for each in drawn_from],
            "other": [others[0][number][part].repeat(3, 1, 1)[:length] for part in (0, 1)],
        }[name]
        layer.keys[:, :, begin:] = turned_by_hand(hf, keys, begin)
        layer.values[:, :, begin:] = values.transpose(0, 1)
    wanted = outcomes_by_hand(read_by_hand(hf, past, begin + length))
    found = measured(ours)[name]
    np.testing.assert_allclose(found.values, wanted, rtol=0, atol=1e-10)
    own = outcomes_by_hand(read_by_hand(hf, run_by_hand(hf, item.whole), begin + length))
    assert abs(np.subtract(own, wanted)).min() > 0.01


@pytest.mark.parametrize("architecture", ["llama", "gemma3", "gpt2", "neox"])
def test_edited_text_is_that_text_run_from_the_start(architecture: str) -> None:
    ours, hf = model(architecture, "float64"), plain_model(architecture, "float64")
    found = measured(ours)
    question = ITEMS[0].question
    edited = {each.name: each.tokens(ITEMS[0].trace, tokenizer(), 5) for each in (FILLER, SHUFFLED, MISTAKE)}
    readers = ITEMS[0].readers
    for name, chain in (edited | {"deletion": ()}).items():
        ids = torch.tensor([[*question, *chain, *readers.cue, *readers.base[:-1]]])
        with torch.no_grad(), kept(hf):
            logits = hf(ids).logits[0, -len(readers.base) :]
        np.testing.assert_allclose(found[name].values, outcomes_by_hand(logits), rtol=0, atol=1e-10)
        assert np.isnan(found[name].distance)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "neox"])
@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("zero", Reference.ZERO),
        ("mean", Reference.MEAN),
        ("other", Reference.RESAMPLE),
        ("noise", Reference.NOISE),
    ],
)
def test_activations_put_in_place_are_an_ablation_of_all_keys_and_values(
    architecture: str, name: str, by: Reference
) -> None:
    ours = model(architecture, "float64")
    whole = Cell(tuple(range(len(ITEMS[0].trace.ids))), tuple(range(ours.facts.layers)))
    ablated = ablation_effects(
        ours, ITEMS[0], [Component.K, Component.V], [whole], OUTCOMES, by, Material(ITEMS[1:], seed=5)
    )
    y = measure_hidden(ours, run_sights(ours, ITEMS[:1]), OUTCOMES)[0, :, 1, 1, 1]
    found = measured(ours)[name]
    np.testing.assert_allclose(y - found.values, ablated.effects[:, 0], rtol=0, atol=1e-9)
    assert found.norm_ratio == pytest.approx(ablated.norm_ratio[0], rel=1e-9)


def test_one_item_alone_has_nothing_to_take_from_others() -> None:
    found = measured(model("llama", "float64"), items=ITEMS[:1])
    assert {name for name, each in found.items() if each.reason} == {"mean", "other"}
    assert found["mean"].reason == "no item of another group has a chain to take the mean of; give more"
    assert found["other"].reason.startswith("no other item of another group has another answer")
    assert np.isnan(found["zero"].distance)
    assert len(found["zero"].values) == 2


def test_a_model_whose_keys_cannot_be_turned_has_its_text_edited_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dataclasses import replace

    ours = model("llama", "float64")
    checks = tuple(replace(each, error=1.0) if each.name == "re-rotated keys" else each for each in ours.checks)
    found = measured(replace(ours, checks=checks))
    assert all("cannot be turned" in found[name].reason for name in ("zero", "mean", "other", "noise"))
    assert not any(found[name].reason for name in ("deletion", "filler", "shuffled", "mistake"))


def test_the_divergence_is_from_the_run_as_it_is() -> None:
    ours = model("llama", "float64")
    hf = plain_model("llama", "float64")
    begin, stop = len(ITEMS[0].question), len(ITEMS[0].whole)
    whole, without = (
        read_by_hand(hf, run_by_hand(hf, ids), len(ids))[0].log_softmax(-1)
        for ids in (ITEMS[0].whole, ITEMS[0].question)
    )
    assert begin < stop
    wanted = -float((whole.exp() * (whole - without)).sum())
    assert measured(ours, outcomes=(KL,))["deletion"].values == pytest.approx((wanted,), abs=1e-10)


def test_long_chains_are_replaced_one_by_one_with_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = model("llama", "float64")
    together = measured(ours)
    monkeypatch.setattr("mediate.mediation.contrasts.replaced.ROW_BYTES", 1)
    for name, each in measured(ours).items():
        np.testing.assert_allclose(each.values, together[name].values, rtol=0, atol=1e-12)
