"""Two checkpoints crossed: against plain transformers, against slow twins, and where a planted change shows."""

import copy
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from transformers import DynamicCache

import mediate
from mediate.errors import InputError
from mediate.items.pair import Item, Pair
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.crossing import Crossed, check_crossable, crossed_cube, facing, run_crossed
from mediate.mediation.crossing_maps import crossed_map, crossed_reads, crossed_states, parse_crossed_map
from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.mediation.sequences import sequences
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component, Site
from mediate.runs.forward import forward
from mediate.runs.passes import one_pass
from mediate.traces.trace import given_trace
from tests import tiny
from tests.mediation.test_reads import BASE, SOURCE

BOTH = tuple(Outcome)
LAYERS = tuple(range(tiny.LAYERS))
KV = (Component.K, Component.V)


@cache
def plain_pair(architecture: str, dtype: str = "float32", norms: bool = True):
    """The original and the tuned model in plain transformers: the second is the first with every weight moved a bit."""
    original = tiny.plain_model(architecture, dtype)
    tuned = copy.deepcopy(original)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in tuned.parameters():
            if norms or weight.ndim > 1:
                noise = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
                weight.add_(0.1 * noise.to(weight.dtype))
    return original, tuned


def hooked(plain):
    return mediate.load(plain, tokenizer=tiny.tokenizer(), device="cpu")


@cache
def models(architecture: str, dtype: str = "float32", norms: bool = True):
    return tuple(hooked(each) for each in plain_pair(architecture, dtype, norms))


def encoded(model, base=BASE, source=SOURCE) -> EncodedPair:
    pair = Pair("a", "g", *(Item(question, answer, cot) for question, cot, answer in (base, source)))
    chains = (given_trace(each[1], tiny.tokenizer()) for each in (source, base))
    return encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains)


def crossed(architecture: str, dtype: str = "float32", norms: bool = True) -> Crossed:
    both = models(architecture, dtype, norms)
    return run_crossed(*both, encoded(both[0]))


def edited(architecture: str, edit, dtype: str = "float32") -> Crossed:
    """The original beside a copy in which `edit` has changed one thing."""
    tuned = tiny.plain_model(architecture, dtype)
    with torch.no_grad():
        edit(tuned)
    original = tiny.model(architecture, dtype)
    return run_crossed(original, hooked(tuned), encoded(original))


def whole(pair: EncodedPair, layers=LAYERS) -> Cell:
    return Cell(tuple(range(len(pair.traces[1].ids))), layers)


def blocks(plain):
    body = next(getattr(plain, name) for name in ("model", "transformer", "gpt_neox") if hasattr(plain, name))
    return body.h if hasattr(body, "h") else body.layers


# The oracle: plain transformers and hand-made caches; it shares no code with mediate.


def past_of(plain, ids: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    cache = DynamicCache()
    with torch.no_grad():
        plain(torch.tensor([ids]), past_key_values=cache, use_cache=True)
    return [(layer.keys, layer.values) for layer in cache.layers]


def plain_outcomes(plain, past, start: int, cue: list[int], answers: tuple[list[int], list[int]]) -> list[float]:
    """Both outcomes; `answers` are the source's and the base's."""
    first = next(n for n in range(min(map(len, answers))) if answers[0][n] != answers[1][n])
    logps, diff = [], 0.0
    for world in (0, 1):
        tokens = cue + answers[world]
        cache = DynamicCache([(keys.clone(), values.clone()) for keys, values in past])
        with torch.no_grad():
            position = torch.arange(start, start + len(tokens))[None]
            logits = plain(torch.tensor([tokens]), past_key_values=cache, position_ids=position).logits[0].double()
        rows = logits[len(cue) - 1 : len(cue) - 1 + len(answers[world])]
        logps.append(float(rows.log_softmax(-1)[range(len(answers[world])), answers[world]].sum()))
        diff = float(rows[first, answers[1][first]] - rows[first, answers[0][first]])
    return [diff, logps[1] - logps[0]]


def oracle_cube(plains, question: list[int], chain: list[int], cue: list[int], answers) -> np.ndarray:
    pasts = [past_of(plain, question + chain) for plain in plains]
    n, y = len(question), np.zeros((2, 2, 2, 2))
    for q, c, r in product((0, 1), repeat=3):
        laid = [
            tuple(torch.cat([one[part][:, :, :n], other[part][:, :, n:]], dim=2) for part in (0, 1))
            for one, other in zip(pasts[q], pasts[c], strict=True)
        ]
        y[:, q, c, r] = plain_outcomes(plains[r], laid, n + len(chain), cue, answers)
    return y


def tokens_of(pair: EncodedPair):
    readers = pair.readers
    return (
        list(pair.questions[1]),
        list(pair.traces[1].ids),
        list(readers.cue),
        (list(readers.source), list(readers.base)),
    )


def close(architecture: str) -> float:
    # transformer-lens' GPT-NeoX block rounds to float32 within, whatever the dtype; the others are float64 throughout.
    return 1e-5 if architecture == "neox" else 1e-9


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_cube_is_that_of_plain_transformers(architecture: str) -> None:
    cell = crossed(architecture, "float64")
    wanted = oracle_cube(plain_pair(architecture, "float64"), *tokens_of(cell.pair))
    found = crossed_cube(cell, BOTH)
    np.testing.assert_allclose(found, wanted, atol=close(architecture), rtol=0)
    # Every factor matters, or the comparison would be vacuous.
    for axis in (1, 2, 3):
        assert abs(np.diff(wanted, axis=axis)).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_corners_are_the_two_models_as_they_are(architecture: str) -> None:
    """Y[0,0,0] and Y[1,1,1] against one whole pass of each model."""
    cell = crossed(architecture, "float64")
    y = crossed_cube(cell, BOTH)
    for place, model in enumerate(cell.models):
        run = sequences(model, cell.pair, 1, BOTH)
        logits = forward(model, run.ids, last=run.tokens.last).logits
        plain = [read_off(run.tokens, logits, outcome) for outcome in BOTH]
        np.testing.assert_allclose(y[:, place, place, place], plain, atol=close(architecture), rtol=0)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_same_checkpoint_changes_nothing_at_all(architecture: str) -> None:
    """Loaded twice; bit for bit."""
    one, other = (hooked(tiny.plain_model(architecture)) for _ in range(2))
    cell = run_crossed(one, other, encoded(one))
    y = crossed_cube(cell, BOTH)
    assert (y == y[:, :1, :1, :1]).all()
    for text in ("read:step,layer", "state.resid_pre:step,layer", "state.z:layer,head", "state.mlp_post:layer"):
        for found in crossed_map(cell, parse_crossed_map(text), Outcome.LOGPROB_DIFF, 0.0):
            assert (found.values == 0).all()


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_all_keys_and_values_at_once_are_the_states_effects(architecture: str) -> None:
    cell = crossed(architecture, "float64")
    for place, outcome in enumerate(BOTH):
        y = crossed_cube(cell, BOTH)[place]
        wanted = [y[0, 1, 0] - y[0, 0, 0], y[1, 1, 1] - y[1, 0, 1]]
        found = crossed_reads(cell, [whole(cell.pair)], outcome)[:, 0]
        np.testing.assert_allclose(found, wanted, atol=1e-6 if architecture != "neox" else 1e-5, rtol=0)
        assert abs(found).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_written_keys_and_values_are_those_that_are_read(architecture: str) -> None:
    """Written by hooks at all CoT positions in all layers; norms are equal, for a key norm comes after the hook."""
    cell = crossed(architecture, norms=False)
    found = crossed_states(cell, KV, [whole(cell.pair)], Outcome.LOGIT_DIFF)
    reads = crossed_reads(cell, [whole(cell.pair)], Outcome.LOGIT_DIFF)
    np.testing.assert_allclose(found, reads, atol=2e-5, rtol=0)
    assert abs(found).min() > 1e-3
