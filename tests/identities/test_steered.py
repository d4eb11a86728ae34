"""A steered model is a model: every way of running it agrees with its plain passes, and every identity holds on it."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from mediate.checks.claims import token_pair
from mediate.checks.identities import IDENTITIES
from mediate.checks.run import limits_of
from mediate.errors import InputError
from mediate.mediation.kinds.lens import direct_logit_attribution
from mediate.models.model import Model
from mediate.models.random_twin import random_twin
from mediate.models.sites import Component, Site
from mediate.models.steered import steer
from mediate.models.stepping import Stepping
from mediate.passes import gradients as gradients_module
from mediate.passes.beginnings import GoingOn, run_beside
from mediate.passes.forward import forward
from mediate.passes.gradients import dropped_gradients, gradients
from mediate.passes.interventions import Interventions, Knockout, Patch, Reference, Values
from mediate.passes.keyvalues import prefill, stacked
from mediate.passes.loaded import steered
from mediate.passes.one_pass import one_pass
from mediate.passes.readers import read
from mediate.passes.sweeps.sweep import sweep, untouched
from mediate.passes.token_scores import ToScore, token_scores, token_scores_plainly
from tests import tiny
from tests.models.vectors import vector_of

C = Component
LAYER, ALPHA = 1, 1.5
# Opening tokens stand at 2, 6, 9, 13; the two rows part at 10.
IDS = torch.tensor(
    [
        [5, 8, 0, 20, 33, 7, 1, 9, 40, 14, 21, 22, 23, 0, 25],
        [5, 8, 0, 20, 33, 7, 1, 9, 40, 14, 31, 0, 32, 33, 34],
    ]
)
STOP, START = 10, 4


@cache
def steered_model(architecture: str) -> Model:
    base = tiny.model(architecture)
    return steered(base, vector_of(base, LAYER), ALPHA)


def close(found: Tensor, wanted: Tensor) -> None:
    scale = max(1.0, float(wanted.abs().max()))
    torch.testing.assert_close(found, wanted, atol=4e-6 * scale, rtol=0)


def outcome(logits: Tensor) -> Tensor:
    return logits[0, -1, 3] - logits[0, -1, 4]


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_sweeps_are_whole_passes(architecture: str) -> None:
    """Rows join before the steered block, in it and after it; two rows a reading, whose tokens differ at the end."""
    model = steered_model(architecture)
    other = forward(model, IDS.roll(2, dims=1)[:1], keep=[Site(C.RESID_PRE, layer) for layer in range(3)]).kept
    values: Values = {(Reference.SOURCE, site): value[0] for site, value in other.items()}
    branches: list[Interventions] = [
        (Patch(Site(C.RESID_PRE, layer), (place,)),) for layer, place in ((2, 6), (1, 6), (0, 7), (2, 9))
    ]
    branches.append((Knockout((13, 14), (6, 7), (0, 1, 2)),))
    found = sweep(model, untouched(model, IDS, START, STOP), branches, last=3, values=values)
    each = [branch for branch in branches for _ in IDS]
    wanted = forward(model, IDS.repeat(len(branches), 1), each, values, last=3).logits.unflatten(0, (-1, 2))
    close(found, wanted)
    assert ((wanted - forward(model, IDS, last=3).logits).abs().amax(dim=(1, 2, 3)) > 1e-3).sum() >= 4


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_what_is_read_from_a_past_was_steered_there(architecture: str) -> None:
    """The opening stands in the past, at its end, or after it; rows side by side, and a token at a time."""
    model = steered_model(architecture)
    whole = forward(model, IDS[:1]).logits
    for split in (2, 3, 6, 7, 9):
        past = stacked([[prefill(model, IDS[:1, :split])[0]]])
        close(read(model, IDS[:1, split:], past, last=IDS.shape[1] - split), whole[:, split:])
    rows = [GoingOn(7, (9, 0, 25)), GoingOn(3, (33, 1, 9, 40))]
    ids = IDS[0].tolist()
    beside = run_beside(model, ids, prefill(model, IDS[:1])[0], rows, last=1)
    for row, logits in zip(rows, beside.logits, strict=True):
        alone = torch.tensor([(*ids[: row.kept], *row.ids)])
        close(logits[None], forward(model, alone, last=1).logits)
    growing = Stepping(model, [ids[:4], ids[2:4]])
    growing.grow(torch.tensor([0, 1]))
    growing.grow(torch.tensor([33, 8]))
    for row, sequence in enumerate(([*ids[:4], 0, 33], [*ids[2:4], 1, 8])):
        close(growing.logits[[row]], forward(model, torch.tensor([sequence]), last=1).logits[:, 0])


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_scores_of_tokens(architecture: str) -> None:
    """From the body and the head, of padded rows, as from whole passes."""
    model = steered_model(architecture)
    rows = [ToScore(tuple(IDS[0].tolist()), 2), ToScore(tuple(IDS[1, :9].tolist()), 1)]
    for one, other in zip(token_scores(model, rows), token_scores_plainly(model, rows), strict=True):
        close(torch.tensor(one.surprisal), torch.tensor(other.surprisal))
    base = token_scores(tiny.model(architecture), rows)[0].surprisal
    assert abs(base - token_scores(model, rows)[0].surprisal).max() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_gradients_are_of_the_steered_model(monkeypatch: pytest.MonkeyPatch, architecture: str) -> None:
    """Against finite differences; and blocks that are run again on the way back are steered there as before."""
    base = tiny.model(architecture, "float64")
    model = steer(base, vector_of(base, LAYER), ALPHA)
    ids, site = IDS[:1], Site(C.RESID_POST, 0)
    found = gradients(model, ids, [site], outcome, last=1)[site]
    clean = forward(model, ids, keep=[site]).kept[site]
    step = torch.randn(clean.shape, dtype=clean.dtype, generator=torch.Generator().manual_seed(0)) * 1e-5
    ends = [float(outcome(forward(model, ids, writes={site: clean + side * step}).logits)) for side in (1, -1)]
    assert (ends[0] - ends[1]) / 2 == pytest.approx(float((found * step).sum()), rel=1e-4)
    assert (found - gradients(base, ids, [site], outcome, last=1)[site]).abs().max() > 1e-6
    sites = [Site(each, layer) for each in (C.RESID_PRE, C.MLP_OUT) for layer in range(3)]
    held = [gradients(model, ids, sites, outcome, last=1), *dropped_gradients(model, ids, sites, outcome, last=1)]
    monkeypatch.setattr(gradients_module, "LONG", 1)
    again = [gradients(model, ids, sites, outcome, last=1)]
    for each in dropped_gradients(model, ids, sites, outcome, last=1):
        forward(model, IDS.flip(1))  # another pass, while the first one's way back is still to be gone
        again.append(each)
    for before, after in zip(held, again, strict=True):
        assert all(torch.equal(before[each], after[each]) for each in sites)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_model_whose_last_pass_had_gradients_is_steered(architecture: str) -> None:
    """An attention keeps its last pattern, and with gradients that is in a graph, which no copy can be made of."""
    base = tiny.model(architecture)
    wanted = forward(steered_model(architecture), IDS).logits
    with torch.enable_grad():
        base.bridge(IDS)
    assert torch.equal(forward(steer(base, vector_of(base, LAYER), ALPHA), IDS).logits, wanted)
    assert torch.equal(forward(base, IDS).logits, forward(tiny.model(architecture), IDS).logits)


def test_writes_and_steering_have_an_order() -> None:
    """What is written where the block ends replaces what steering added; what is written before it is steered."""
    base = tiny.model("llama")
    model = steer(base, vector_of(base, LAYER), ALPHA)
    post, within = Site(C.RESID_POST, LAYER), Site(C.MLP_OUT, LAYER)
    plain = forward(base, IDS, keep=[post, within]).kept
    added = model.steering.added(LAYER, IDS)  # type: ignore[union-attr]
    close(forward(model, IDS, keep=[post]).kept[post], plain[post] + added)
    close(forward(model, IDS, writes={post: plain[post]}).logits, forward(base, IDS).logits)
    zero = torch.zeros_like(plain[within])
    steered_after = forward(model, IDS, writes={within: zero}, keep=[post]).kept[post]
    close(steered_after, forward(base, IDS, writes={within: zero}, keep=[post]).kept[post] + added)
    assert model.steering is not None
    assert model.steering.added(0, IDS) == 0.0


def test_a_pass_from_a_stream_needs_its_tokens() -> None:
    model = steered_model("llama")
    entering = forward(model, IDS, keep=[Site(C.RESID_PRE, 1)]).kept[Site(C.RESID_PRE, 1)]
    with pytest.raises(InputError, match="without token ids"):
        one_pass(model, entering, first=1)
    later = forward(model, IDS, keep=[Site(C.RESID_PRE, 2)]).kept[Site(C.RESID_PRE, 2)]
    close(one_pass(model, later, first=2), forward(model, IDS).logits)  # nothing is added from there on


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_twin_with_random_weights_is_steered_too(architecture: str) -> None:
    model = steered_model(architecture)
    clean = forward(model, IDS).logits
    with random_twin(model, seed=3) as twin, random_twin(tiny.model(architecture), seed=3) as plain:
        post = Site(C.RESID_POST, LAYER)
        own = forward(plain, IDS, keep=[post]).kept[post]
        wanted = own + model.steering.added(LAYER, IDS)  # type: ignore[union-attr]
        close(forward(twin, IDS).logits, forward(plain, IDS, writes={post: wanted}).logits)
    assert torch.equal(forward(model, IDS).logits, clean)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_every_identity_holds(architecture: str) -> None:
    """Of two chains that open their thoughts at the same places: elsewhere, patching a stream moves no opening."""
    base = tiny.model(architecture)
    pair = token_pair(base)
    source, chain = (trace.ids for trace in pair.traces)
    read_too = {*pair.questions[0], *pair.questions[1], *pair.readers.cue, *pair.readers.base, *pair.readers.source}
    places = [at for at in range(len(chain)) if not {source[at], chain[at]} & read_too][:3]
    opening = {each[at] for each in (source, chain) for at in places}
    assert [at for at in range(len(chain)) if source[at] in opening] == places
    assert [at for at in range(len(chain)) if chain[at] in opening] == places
    model = steered(base, vector_of(base, LAYER, opening=tuple(sorted(opening))), ALPHA)
    limits = limits_of(model)
    wrong = {
        each.name: found
        for each in IDENTITIES
        if not each.why_not(model)
        for found in [each.deviation(model, pair)]
        if (found <= limits[each.kind]) == (each.kind.value == "different")
    }
    assert not wrong


def test_steering_that_is_not_met_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose block is never called as a module says what it said before, and the check at load sees that."""
    from mediate.models import steered as module

    base = tiny.model("llama")
    monkeypatch.setattr(module.Adding, "put_on", lambda self, network, block: None)
    with pytest.raises(InputError, match="its logits are off"):
        steered(base, vector_of(base, LAYER), ALPHA)
    assert replace(base).steering is None


def test_what_no_component_writes_is_no_part_of_a_sum() -> None:
    """Where the answer is read at an opening token, the stream is not what components write, and that is refused."""
    base = tiny.model("llama")
    pair = token_pair(base)
    apart = steered(base, vector_of(base, LAYER, opening=(pair.traces[1].ids[2],)), ALPHA)
    found = direct_logit_attribution(apart, pair)
    assert found.total == pytest.approx(found.y, abs=1e-4)
    last = (*pair.questions[1], *pair.traces[1].ids, *pair.readers.cue, *pair.readers.base[: pair.readers.shared])[-1]
    at = steered(base, vector_of(base, LAYER, opening=(last,)), ALPHA)
    with pytest.raises(InputError, match="cannot be read layer by layer"):
        direct_logit_attribution(at, pair)
