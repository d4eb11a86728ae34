"""Keys and values: moved to other positions, laid end to end, read."""

from dataclasses import replace

import pytest
import torch

from mediate.errors import InputError
from mediate.passes.forward import forward
from mediate.passes.keyvalues import KeyValues, moved, prefill, stacked
from mediate.passes.readers import read
from tests import tiny


def tokens(architecture: str, rows: int, length: int) -> torch.Tensor:
    vocabulary = tiny.model(architecture).facts.d_vocab
    return torch.randint(0, vocabulary, (rows, length), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_reading_a_cut_context_equals_the_full_pass(architecture: str) -> None:
    """Also past Gemma-3's window of six, in which a cache with a window would have dropped what is needed."""
    model, ids = tiny.model(architecture), tokens(architecture, 2, 20)
    parts = [[whole.part(0, 5), whole.part(5, 16)] for whole in prefill(model, ids[:, :16])]
    found = read(model, ids[:, 16:], stacked(parts), last=4)
    torch.testing.assert_close(found, forward(model, ids).logits[:, 16:], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", tiny.ROTARY)
@pytest.mark.parametrize("shift", [-7, 3, 90])
def test_moved_keys_are_those_computed_there(architecture: str, shift: int) -> None:
    model, ids = tiny.model(architecture), tokens(architecture, 1, 9)
    here, there = (prefill(model, ids, start=start)[0] for start in (10, 10 + shift))
    assert (here.keys - there.keys).abs().max() > 0.1
    found = moved(model, here, 10 + shift)
    torch.testing.assert_close(found.keys, there.keys, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.values, there.values, atol=1e-4, rtol=0)
    assert found.start == 10 + shift


def test_learned_positions_cannot_be_moved() -> None:
    model = tiny.model("gpt2")
    stretch = prefill(model, tokens("gpt2", 1, 4))[0]
    assert moved(model, stretch, 0) is stretch
    with pytest.raises(InputError, match="positions are not rotary"):
        moved(model, stretch, 1)


def test_length_dependent_rotary_frequencies_are_refused() -> None:
    plain = tiny.plain_model("llama")
    plain.config.rope_parameters = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    import mediate

    model = mediate.load(plain, device="cpu")
    assert not model.check("re-rotated keys").passed
    assert "length of the sequence" in model.check("re-rotated keys").detail


def test_stretches_must_touch() -> None:
    stretch = KeyValues(torch.zeros(1, 1, 3, 2), torch.zeros(1, 1, 3, 2), 0)
    with pytest.raises(ValueError, match="begins at position 0, after one that ends at 3"):
        stacked([[stretch, stretch]])


def test_pasts_of_rows_side_by_side_are_gathered_as_they_would_be_laid_end_to_end() -> None:
    """Stretches of several rows in one past, whole rows and moved ones; the slow twin knows of no rows."""
    model = tiny.model("llama")
    runs = prefill(model, tokens("llama", 3, 12))
    laid = [
        [runs[0].part(0, 5), runs[2].part(5, 11)],
        [runs[1].part(0, 11)],
        [runs[2].part(0, 2), runs[1].part(2, 5), runs[0].part(5, 11)],
    ]
    shifted = [*laid[:2], [runs[2].part(0, 4), moved(model, runs[1].part(5, 12), 4)]]
    for rows in (laid, shifted):
        apart = [[replace(stretch, among=None) for stretch in row] for row in rows]
        for one, other in zip(stacked(rows), stacked(apart), strict=True):
            assert torch.equal(one[0], other[0])
            assert torch.equal(one[1], other[1])
    assert moved(model, runs[1].part(5, 12), 4).among is None
    with pytest.raises(ValueError, match="begins at position 5, after one that ends at 4"):
        stacked([[runs[0].part(0, 4), runs[1].part(5, 8)]] * 2)


def test_reading_leaves_the_given_keys_alone() -> None:
    model, ids = tiny.model("llama"), tokens("llama", 1, 10)
    past = stacked([[prefill(model, ids[:, :6])[0]]])
    before = [(keys.clone(), values.clone()) for keys, values in past]
    first = read(model, ids[:, 6:], past, last=4)
    assert torch.equal(read(model, ids[:, 6:], past, last=4), first)
    assert all(
        torch.equal(a, b) for pair, kept in zip(past, before, strict=True) for a, b in zip(pair, kept, strict=True)
    )
