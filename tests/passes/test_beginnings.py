"""Rows that go on from different places of one sequence are each as they would be alone."""

import pytest
import torch

from mediate.models.side_by_side import can_pad
from mediate.passes.beginnings import GoingOn, grouped_rows, run_beside, run_on_beside
from mediate.passes.forward import forward
from mediate.passes.keyvalues import prefill
from tests import tiny

IDS = tuple(int(each) for each in torch.randint(0, 40, (23,), generator=torch.Generator().manual_seed(1)))
ROWS = (GoingOn(6, (3, 4)), GoingOn(23, (3, 4)), GoingOn(14, (9, 8, 7, 3, 4)), GoingOn(11, (5,)), GoingOn(14, (1, 2)))
ARCHITECTURES = [
    *tiny.ARCHITECTURES,
    "BloomForCausalLM",
    "MptForCausalLM",
    "OPTForCausalLM",
    "MistralForCausalLM (window)",
]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_rows_side_by_side_are_as_each_alone(architecture: str) -> None:
    model = tiny.model(architecture)
    own = prefill(model, torch.tensor([IDS]))[0]
    padded = can_pad(model)
    seen = []
    for group in grouped_rows(model, own, ROWS, padded=padded):
        seen += group
        found = run_beside(model, IDS, own, [ROWS[each] for each in group], last=1)
        more = run_on_beside(model, found, range(len(group)), [7] * len(group))
        for row, number in enumerate(group):
            whole = torch.tensor([[*IDS[: ROWS[number].kept], *ROWS[number].ids]])
            torch.testing.assert_close(found.logits[row, -1], forward(model, whole).logits[0, -1], atol=1e-5, rtol=0)
            longer = torch.cat([whole, torch.tensor([[7]])], dim=1)
            torch.testing.assert_close(more.logits[row, -1], forward(model, longer).logits[0, -1], atol=1e-5, rtol=0)
    assert sorted(seen) == [*range(len(ROWS))]


def test_tokens_are_taken_back_before_others_follow() -> None:
    model = tiny.model("llama")
    own = prefill(model, torch.tensor([IDS]))[0]
    rows = [GoingOn(9, (3, 4, 5)), GoingOn(12, (3, 4, 5))]
    found = run_on_beside(model, run_beside(model, IDS, own, rows, last=3), [1], [8], drop=2)
    whole = torch.tensor([[*IDS[:12], 3, 8]])
    torch.testing.assert_close(found.logits[0, -1], forward(model, whole).logits[0, -1], atol=1e-5, rtol=0)


def test_rows_that_are_not_padded_are_of_one_length() -> None:
    model = tiny.model("llama")
    own = prefill(model, torch.tensor([IDS]))[0]
    for group in grouped_rows(model, own, ROWS, padded=False):
        assert len({ROWS[each].length for each in group}) == 1
    assert [len(group) for group in grouped_rows(model, own, ROWS, padded=True)] == [len(ROWS)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_row_takes_back_as_many_tokens_as_it_will(architecture: str) -> None:
    model = tiny.model(architecture)
    if not can_pad(model):
        pytest.skip("its rows are of one length")
    own = prefill(model, torch.tensor([IDS]))[0]
    rows = [GoingOn(9, (3, 4, 5)), GoingOn(12, (3, 4, 5)), GoingOn(12, (6, 7, 8))]
    ran = run_beside(model, IDS, own, rows, last=3)
    found = run_on_beside(model, ran, [2, 0, 1], [8, 9, 10], drop=[1, 3, 0])
    further = run_on_beside(model, found, [0, 1, 2], [11, 12, 13])
    wholes = [(*IDS[:12], 6, 7, 8), (*IDS[:9], 9), (*IDS[:12], 3, 4, 5, 10)]
    for row, (whole, next_one) in enumerate(zip(wholes, (11, 12, 13), strict=True)):
        for ids, logits in ((whole, found.logits), ((*whole, next_one), further.logits)):
            alone = forward(model, torch.tensor([ids])).logits[0, -1]
            torch.testing.assert_close(logits[row, -1], alone, atol=1e-5, rtol=0)
