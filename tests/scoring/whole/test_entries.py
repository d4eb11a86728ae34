"""Entries of the cache that are whole, but not what is asked for: noticed, moved aside and computed again."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mediate.models.decoding import Decoding
from mediate.models.generation import Written
from mediate.pairs.files import PairFile
from mediate.pairs.pair import Item
from mediate.passes.store import Store, data_checksum
from mediate.results import Results
from mediate.results.controls import control_table
from mediate.results.crossing_folder import CrossResults
from mediate.results.cube import cube_table
from mediate.results.maps import effect_table
from mediate.scoring.cross import cross_pairs
from mediate.scoring.cross_spec import make_cross_spec
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.scoring.writing import write as write_chains
from tests import tiny
from tests.scoring.test_cross import PAIRS as CROSSED
from tests.scoring.test_cross import models
from tests.scoring.test_score import pair

CHOICES = {
    "control_pairs": 2,
    "maps": ("read:step,layer", "attribution.resid_pre:layer"),
    "keep": ("resid_post",),
}


def longer(item: Item) -> Item:
    return replace(item, cot=8 * LONG + (item.cot or ""))


# In more than one batch each, so that there are several files of them.
LONG = "Tom has 3 apples and buys 2 apples. "
PAIRS = [pair(1), replace(pair(2), base=longer(pair(2).base), source=longer(pair(2).source))]
PROMPTS = [tuple(range(3, 3 + length)) for length in (5, 6, 40)]
Change = Callable[[list[Path]], None]


def scored(store: Store) -> Results:
    return score(tiny.model("llama"), PAIRS, make_spec(**CHOICES), store=store)


def written(store: Store) -> dict[tuple[int, ...], Written]:
    return write_chains(tiny.model("llama"), PROMPTS, Decoding(6, batch_size=2), store, progress=False)


def crossed(store: Store) -> CrossResults:
    spec = make_cross_spec(maps=["read:step,layer"], worlds=("base", "source"))
    return cross_pairs(models(), PairFile(tuple(CROSSED[:2]), ()), spec, store=store)


def assert_same(found: Results, wanted: Results) -> None:
    for table in (cube_table, effect_table):
        of = (lambda each: each.cubes) if table is cube_table else (lambda each: each.maps)
        one, two = table(of(found)), table(of(wanted))
        assert list(one["item"]) == list(two["item"])
        np.testing.assert_allclose(
            one.select_dtypes("number"), two.select_dtypes("number"), atol=1e-5, rtol=1e-5, equal_nan=True
        )
    np.testing.assert_allclose(
        control_table(found.controls)["effect"], control_table(wanted.controls)["effect"], atol=1e-5, rtol=1e-5
    )
    assert found.rejects == wanted.rejects


def exchange(entries: list[Path]) -> None:
    """Each under the next one's name; there is no other damage."""
    contents = [each.read_bytes() for each in entries]
    for entry, content in zip(entries, contents[1:] + contents[:1], strict=True):
        entry.write_bytes(content)


def rewritten(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    """Entries of other tensors under the right specification, and with a sum that is right."""

    def write(entries: list[Path]) -> None:
        for entry in entries:
            with safe_open(entry, framework="pt") as file:
                spec = file.metadata()["spec"]
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            new = {name: each.contiguous().clone() for name, each in change(tensors).items()}
            save_file(new, entry, metadata={"spec": spec, "sha256": data_checksum(new)})

    return write


def shorter(tensor: torch.Tensor) -> torch.Tensor:
    """One less along the first axis; of a single number, two."""
    return tensor[1:] if tensor.ndim else tensor.repeat(2)


CHANGES: dict[str, Change] = {
    "exchanged": exchange,
    "shorter": rewritten(lambda found: {name: shorter(each) for name, each in found.items()}),
    "of another name": rewritten(lambda found: {f"old {name}": each for name, each in found.items()}),
}


Made = tuple[Path, Results, CrossResults, dict[tuple[int, ...], Written]]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A cache with entries of every kind, and what was found when they were made."""
    root = tmp_path_factory.mktemp("cache")
    store = Store(root)
    return root, scored(store), crossed(store), written(store)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_results_are_the_same(given: Made, change: Change, caplog: pytest.LogCaptureFixture) -> None:
    root, wanted, wanted_crossed, wanted_chains = given
    kinds = {folder.name: sorted(folder.rglob("*.safetensors")) for folder in root.iterdir()}
    assert kinds.keys() == {"outcomes", "traces", "controls", "unlearnt", "acts", "crossings"}
    for entries in kinds.values():
        assert len(entries) > 1
        change(entries)
    store = Store(root)
    with caplog.at_level(logging.WARNING):
        assert_same(scored(store), wanted)
        assert {prompt: each.ids for prompt, each in written(store).items()} == {
            prompt: each.ids for prompt, each in wanted_chains.items()
        }
        again = crossed(store)
    for one, two in zip(again.crossings, wanted_crossed.crossings, strict=True):
        np.testing.assert_allclose(one.y, two.y, atol=1e-5, rtol=1e-5)
    for each, other in zip(again.maps, wanted_crossed.maps, strict=True):
        np.testing.assert_allclose(each.values, other.values, atol=1e-5, rtol=1e-5)
    assert store.counts.corrupt == sum(map(len, kinds.values()))
    assert store.counts.corrupt == len(caplog.records)


def test_controls_of_another_pair_are_none(given: Made) -> None:
    root, wanted, *_ = given
    for entry in (root / "controls").rglob("*.safetensors"):
        with safe_open(entry, framework="pt") as file:
            spec, tensors = file.metadata()["spec"], {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        rows = [row | {"item": "another"} for row in json.loads(bytes(tensors["json"].tolist()))]
        tensors["json"] = torch.tensor(list(json.dumps(rows).encode()), dtype=torch.uint8)
        save_file(tensors, entry, metadata={"spec": spec, "sha256": data_checksum(tensors)})
    store = Store(root)
    assert_same(scored(store), wanted)
    assert store.counts.corrupt == 2
