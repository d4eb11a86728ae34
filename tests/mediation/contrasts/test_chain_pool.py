"""What is kept of the chains of all items: sums by group, and where the distribution is."""

import numpy as np
import pytest
import torch

from mediate.mediation.contrasts.chain_pool import Chains, before_turning, gather_chains, run_chain
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem
from mediate.traces.trace import Trace
from tests.tiny import model

LENGTHS = (5, 9, 3, 7)
GROUPS = ("one", "one", "two", "three")


def items() -> list[EncodedItem]:
    rng = np.random.default_rng(1)
    found = []
    for number, (length, group) in enumerate(zip(LENGTHS, GROUPS, strict=True)):
        ids = tuple(int(each) for each in rng.integers(1, 40, length))
        question = (1, 2, *(int(each) for each in rng.integers(1, 40, 3 + number)), 1)
        trace = Trace("x" * length, ids, ("x",) * length, (0,) * length)
        found.append(EncodedItem(f"item-{number}", group, question, (1, 4), trace, Readers((1,), (2,))))
    return found


def by_hand(chains: list[np.ndarray], own: int, put: np.ndarray, without: int | None = None) -> float:
    """The distance of `pos layer d` by its definition, one position at a time."""
    there = [(owner, row) for owner, chain in enumerate(chains) for row in chain if owner != own]
    ratios = []
    for layer in range(put.shape[1]):
        points = np.array([row[layer] for _, row in there])
        among = np.linalg.norm(points[:, None] - points[None], axis=2)
        np.fill_diagonal(among, np.inf)
        scale = np.median(among.min(axis=1))
        points = np.array([row[layer] for owner, row in there if owner != without])
        away = [np.linalg.norm(points - row, axis=1).min() for row in put[:, layer]]
        if scale > 0:
            ratios.append(np.median(away) / scale)
    return float(np.median(ratios))


def flat(values: torch.Tensor) -> np.ndarray:
    """`layer kv_head pos d` as `pos layer d_all`."""
    found: np.ndarray = values.permute(2, 0, 1, 3).flatten(2).numpy()
    return found


@pytest.fixture(scope="module")
def gathered() -> Chains:
    return gather_chains(model("llama", "float64"), items())


def test_sums_are_of_each_groups_chains_before_turning(gathered: Chains) -> None:
    ours = model("llama", "float64")
    own = [before_turning(ours, run_chain(ours, each)) for each in items()]
    for group in dict.fromkeys(GROUPS):
        found = gathered.elsewhere(group)
        others = [each for each, name in zip(own, GROUPS, strict=True) if name != group]
        assert found is not None
        assert found.positions == sum(map(len, others))
        torch.testing.assert_close(found.keys, sum(each.keys.sum(dim=2) for each in others), rtol=0, atol=1e-9)
        torch.testing.assert_close(found.values, sum(each.values.sum(dim=2) for each in others), rtol=0, atol=1e-9)


def test_one_group_has_no_chains_elsewhere() -> None:
    assert gather_chains(model("llama", "float64"), items()[:2]).elsewhere("one") is None


def test_distances_are_those_of_the_definition(gathered: Chains) -> None:
    ours = model("llama", "float64")
    own = items()
    chains = [flat(run_chain(ours, each).values) for each in own]
    rng = torch.Generator().manual_seed(0)
    for number, item in enumerate(own):
        shape = run_chain(ours, item).values.shape
        for put in (torch.zeros(*shape[:2], 1, shape[3]).double(), torch.randn(shape, generator=rng).double()):
            assert gathered.distance(item, put) == pytest.approx(by_hand(chains, number, flat(put)), rel=1e-9)
    put = run_chain(ours, own[2]).values
    assert gathered.distance(own[1], put, own[2]) == pytest.approx(by_hand(chains, 1, chains[2], 2), rel=1e-9)
    assert gathered.distance(own[1], put) == 0  # they were drawn themselves


def test_chains_of_the_distribution_are_near_and_others_far(gathered: Chains) -> None:
    item = items()[0]
    own = run_chain(model("llama", "float64"), item).values
    assert 0.5 < gathered.distance(item, own) < 2
    assert gathered.distance(item, 30 * own) > 5


def test_the_order_of_items_does_not_matter_and_the_seed_does() -> None:
    ours = model("llama", "float64")
    first, again, other = (
        gather_chains(ours, given, seed=seed, sample=8)
        for given, seed in ((items(), 0), (items()[::-1], 0), (items(), 1))
    )
    torch.testing.assert_close(first.drawn, again.drawn, rtol=0, atol=1e-12)
    assert first.drawn.shape[1] == 8
    assert not torch.equal(first.owners, other.owners)
    item = items()[3]
    put = run_chain(ours, item).values
    assert first.distance(item, put) == pytest.approx(again.distance(item, put), rel=1e-9)


def test_without_two_positions_elsewhere_there_is_no_distance() -> None:
    ours = model("llama", "float64")
    (item,) = items()[:1]
    alone = gather_chains(ours, [item])
    assert np.isnan(alone.distance(item, run_chain(ours, item).values))


def test_a_layer_whose_positions_have_twins_has_no_scale() -> None:
    ours = model("llama", "float64")
    own = items()
    same = EncodedItem("twin", "four", own[1].question, own[1].hidden, own[1].trace, own[1].readers)
    gathered = gather_chains(ours, [own[1], same, own[0]])
    chains = [flat(run_chain(ours, each).values) for each in (own[0], own[1], same)]
    # All of the others' positions have a twin in every layer: nothing says how far apart they are.
    assert np.isnan(gathered.distance(own[0], run_chain(ours, own[0]).values))
    # Of the first layer, whose values are the token's alone, half have a twin in the second.
    put = run_chain(ours, own[1]).values
    assert np.isfinite(gathered.distance(own[1], put))
    assert gathered.distance(own[1], put) == pytest.approx(by_hand(chains, 1, chains[1]), rel=1e-6)
