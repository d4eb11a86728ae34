"""How far the twin's states are off the distribution: by hand from plain runs, and what does not count."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.mediation.kinds.cube import run_contexts
from mediate.mediation.twin_states import NOTHING_ELSE, gather_chains, off_distribution
from mediate.passes.keyvalues import prefill
from mediate.results.kinds import Direction
from tests import tiny


def pair(name: str, a: int, b: int) -> mediate.Pair:
    def item(first: int) -> mediate.Item:
        total = first + b
        question = f"Tom has {first} apples and buys {b}. How many apples?"
        return mediate.Item(question, f"{total}", f"Tom has {first} + {b} = {total}. Tom has {total} in all.")

    return mediate.Pair(name, name, item(a), item(a - 1))


PAIRS = [pair("a", 3, 4), pair("b", 5, 2), pair("c", 2, 6)]


def values_of(model: Any, ids: tuple[int, ...], start: int) -> np.ndarray:
    """Layer, position and all KV heads' values."""
    run = prefill(model, torch.tensor([list(ids)]))[0]
    return run.values[:, :, start:].transpose(1, 2).flatten(2).double().numpy()


@pytest.mark.parametrize("direction", list(Direction))
def test_it_is_the_median_ratio_of_nearest_distances(direction: Direction) -> None:
    model = tiny.model("llama")
    tokens = [mediate.prepare(model, each, store=False).tokens for each in PAIRS]
    found = off_distribution(run_contexts(model, tokens[0]), gather_chains(model, tokens), direction)
    here = direction.patched_world
    put = values_of(model, tokens[0].context(1 - here, 1 - here), len(tokens[0].questions[1 - here]))
    others = [values_of(model, each.whole, len(each.question)) for each in tokens[1:]]
    elsewhere = np.concatenate(others, axis=1)
    ratios = []
    for layer in range(1, len(put)):  # values of the first layer are the token's alone, and have twins
        away = np.linalg.norm(put[layer][:, None] - elsewhere[layer][None], axis=2).min(axis=1)
        between = np.linalg.norm(elsewhere[layer][:, None] - elsewhere[layer][None], axis=2)
        np.fill_diagonal(between, np.inf)
        ratios.append(np.median(away) / np.median(between.min(axis=1)))
    assert found.distance == pytest.approx(np.median(ratios), rel=1e-4)
    assert found.norm_ratio == pytest.approx(1, abs=0.2)
    assert (found.direction, found.reason) == (str(direction), "")


def test_a_twin_that_is_the_same_moves_no_norm() -> None:
    model = tiny.model("llama")
    tokens = mediate.prepare(model, PAIRS[0], store=False).tokens
    same = replace(tokens, questions=(tokens.question,) * 2, traces=(tokens.trace,) * 2)
    found = off_distribution(run_contexts(model, same), gather_chains(model, [same]), Direction.NOISING)
    assert found.norm_ratio == pytest.approx(1, abs=1e-6)
    assert (np.isnan(found.distance), found.reason) == (True, NOTHING_ELSE)


def test_without_chains_there_is_the_reason_why() -> None:
    model = tiny.model("llama")
    contexts = run_contexts(model, mediate.prepare(model, PAIRS[0], store=False).tokens)
    found = off_distribution(contexts, InputError("keys cannot be turned"), Direction.NOISING)
    assert found.reason == "keys cannot be turned"
    assert found.norm_ratio > 0


def test_a_run_has_it_beside_its_state_maps_from_the_store_too(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.scoring import placed_twins as module

    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    model, quick = tiny.model("llama"), {"control_pairs": 0, "progress": False}
    maps = ["state.z:step", "state.v.denoising:step"]
    first = mediate.score(model, PAIRS, maps=maps, out=tmp_path / "run", **quick).results.off
    assert [(each.item, each.direction) for each in first][:2] == [("a", "noising"), ("a", "denoising")]
    assert mediate.open(tmp_path / "run").results.off == first
    assert not mediate.score(model, PAIRS, maps=["read:step"], **quick).results.off
    monkeypatch.setattr(module, "off_distribution", None)
    again = mediate.score(model, PAIRS, maps=maps, **quick)
    assert again.results.off == first
    assert "Off the distribution: the source&#39;s states" in again.to_html(tmp_path / "page.html").read_text("utf-8")
