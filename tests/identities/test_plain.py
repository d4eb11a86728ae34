"""Everything that mediate measures on a Llama, computed again by the hand-written Llama of `plain`, to 1e-9."""

from collections.abc import Sequence
from functools import cache
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.attribution import Method, attributions
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.kinds.knockout import deletion_effect, knockout_effects
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.kinds.references import shuffled_steps
from mediate.mediation.kinds.relayed import relayed_effects
from mediate.mediation.kinds.state import Direction, state_effects
from mediate.mediation.kinds.step_shapley import step_shapley
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Patch, Reference
from tests import tiny
from tests.identities import draws
from tests.identities.plain import Changes, Edge, Edit, Llama, Pass, Seen, logit_diff, logprob
from tests.plainly import kept

pytestmark = draws.CHECKED
CLOSE = 1e-9
BOTH = USUAL
LLAMA = "llama"
SINGLE = [component for component in Component if component is not Component.PATTERN]
Model = Any


@cache
def by_hand() -> Llama:
    return Llama(tiny.plain_model(LLAMA, "float64").state_dict(), heads=4, kv_heads=2)


def measured() -> Model:
    return draws.model_of(LLAMA, "float64")


def edges(cut: Knockout) -> frozenset[Edge]:
    heads = range(4) if cut.heads is None else cut.heads
    return frozenset(product(cut.layers, heads, cut.readers, cut.keys))


def edit(patch: Patch, source: Pass) -> list[Edit]:
    """A patch with another pass's activations at the same positions."""
    component, layer = patch.site.component.value, patch.site.layer
    value = source.at[component, layer]
    found: list[Edit] = []
    for position, unit in product(patch.positions, [None] if patch.units is None else patch.units):
        if component == "pattern":
            found.append((component, layer, position, unit, value[slice(None) if unit is None else unit, position]))
        else:
            found.append((component, layer, position, unit, value[position if unit is None else (position, unit)]))
    return found


@st.composite
def interventions(draw: Any) -> tuple[torch.Tensor, list[list[Patch]], list[list[Knockout]]]:
    """A few sequences of one length, several patches and knockouts in each, of any site, head, neuron and edge."""
    ids = draw(draws.rows(draw(st.integers(1, 3)), least=2))
    length = ids.shape[1]
    patch = draws.patches(LLAMA, length) | draws.patches(LLAMA, length).map(
        lambda found: Patch(found.site, found.positions, found.units, Reference.MEAN)
    )
    patched = [draws.apart(draw(st.lists(patch, max_size=4))) for _ in ids]
    cut = [draw(st.lists(draws.knockouts(length), max_size=2)) for _ in ids]
    return ids, patched, cut


@draws.examples(40)
@given(case=interventions(), seed=draws.seeds)
def test_logits_and_activations_under_any_interventions(case: Any, seed: int) -> None:
    """Several patches and knockouts at once, other ones in each row, with values of two other sequences."""
    ids, patched, cut = case
    llama, length = by_hand(), ids.shape[1]
    sources = {
        by: llama.run(draws.tokens(seed + number, length).tolist())
        for number, by in enumerate((Reference.SOURCE, Reference.MEAN))
    }
    sites = draws.all_sites(LLAMA)
    values = {(by, site): run.at[site.component, site.layer] for by, run in sources.items() for site in sites}
    rows = [(*one, *other) for one, other in zip(patched, cut, strict=True)]
    found = forward(measured(), ids, interventions=rows, values=values, keep=sites)
    for row, each in enumerate(ids.tolist()):
        changes = Changes(
            [one for patch in patched[row] for one in edit(patch, sources[patch.by])],
            frozenset().union(*(edges(one) for one in cut[row] if one.renormalised)),
            frozenset().union(*(edges(one) for one in cut[row] if not one.renormalised)),
        )
        wanted = llama.run(each, changes)
        torch.testing.assert_close(found.logits[row], wanted.logits, atol=CLOSE, rtol=0)
        # `resid_mid` is written by way of attention's output, which then holds what leads to the written value.
        written = {
            Site(Component.ATTN_OUT, one.site.layer) for one in patched[row] if one.site.component == "resid_mid"
        }
        for site in set(sites) - written:
            torch.testing.assert_close(
                found.kept[site][row], wanted.at[site.component, site.layer], atol=CLOSE, rtol=0, msg=str(site)
            )


@pytest.mark.parametrize("component", draws.Component)
@draws.examples(3)
@given(data=st.data())
def test_every_kind_of_activation_by_itself(component: Component, data: st.DataObject) -> None:
    """One patch of each component, so that none is left to chance; and it changes what it should."""
    ids = data.draw(draws.rows(2, least=4, most=8))
    patch = data.draw(draws.patches(LLAMA, ids.shape[1] - 1, components=(component,)))
    llama, model = by_hand(), measured()
    other = llama.run(ids[1].tolist())
    values = {(Reference.SOURCE, patch.site): other.at[component, patch.site.layer]}
    found = forward(model, ids[:1], interventions=[[patch]], values=values).logits[0]
    wanted = llama.run(ids[0].tolist(), Changes(edit(patch, other))).logits
    torch.testing.assert_close(found, wanted, atol=CLOSE, rtol=0)
    if patch.positions != (0,):  # a pattern's first row is 1, and a first key or query has nothing to choose from
        assert (wanted - llama.run(ids[0].tolist()).logits).abs().max() > 1e-4


# Effects: the outcome by hand, with and without what is changed.


def outcome(pair: EncodedPair, context: Sequence[int], what: Outcome, changes: Changes | None = None) -> torch.Tensor:
    """Y of a context followed by the readers; changes are at the context's positions and the readers' as counted on."""
    llama, readers = by_hand(), pair.readers
    before = [*context, *readers.cue]
    if what is Outcome.LOGIT_DIFF:
        shared = readers.shared
        logits = llama.run([*before, *readers.base[:shared]], changes).logits
        return logit_diff(logits, len(logits) - 1, readers.base[shared], readers.source[shared])
    base, source = (
        logprob(llama.run([*before, *answer[:-1]], changes).logits, len(before) - 1, answer)
        for answer in (readers.base, readers.source)
    )
    return base - source


def chain_of(pair: EncodedPair, h: int, t: int) -> tuple[Pass, int]:
    """Question h followed by chain t, and where the chain begins."""
    return by_hand().run(pair.context(h, t)), len(pair.questions[h])


def replaced(components: Sequence[Component], cell: Cell, start: int, value: Any) -> list[Edit]:
    """The edits that put `value(component, layer)`, an activation at the chain's positions, into a cell."""
    found: list[Edit] = []
    for component, layer, position in product(components, cell.layers, cell.positions):
        new = value(component, layer)
        for unit in [None] if cell.units is None else cell.units:
            if component is Component.PATTERN:
                vector = new[slice(None) if unit is None else unit, position]
            else:
                vector = new[position if unit is None else (position, unit)]
            found.append((component.value, layer, start + position, unit, vector))
    return found


def part(run: Pass, start: int, component: Component, layer: int) -> torch.Tensor:
    value = run.at[component.value, layer]
    return value[:, start:] if component is Component.PATTERN else value[start:]


@st.composite
def state_cases(draw: Any) -> tuple[EncodedPair, list[Component], list[Cell], Direction]:
    pair = draw(draws.pairs(equal_questions=draw(st.booleans())))
    equal = len(pair.questions[0]) == len(pair.questions[1])
    first = draw(st.sampled_from(draws.offered(LLAMA) if equal else SINGLE))
    heads = BY_HEAD if first in BY_HEAD else BY_KV_HEAD if first in BY_KV_HEAD else {first}
    partners = [each for each in SINGLE if each in heads and each is not first]
    components = [first, *draw(st.lists(st.sampled_from(partners), max_size=1) if partners else st.just([]))]
    count = draws.units_of(LLAMA, first)
    cells = draw(st.lists(draws.cells(pair, count), min_size=1, max_size=3))
    return pair, components, cells, draw(st.sampled_from(Direction))


@draws.examples(20)
@given(case=state_cases())
def test_state_effects(case: Any) -> None:
    """Both directions, questions of equal and of different lengths, one component and two together."""
    pair, components, cells, direction = case
    found = state_effects(measured(), pair, components, cells, BOTH, direction)
    own = direction.patched_world
    other, begins = chain_of(pair, 1 - own, 1 - own)
    start = len(pair.questions[own])
    for (row, what), (column, cell) in product(enumerate(BOTH), enumerate(cells)):
        edits = replaced(components, cell, start, lambda *site: part(other, begins, *site))
        context = pair.context(own, own)
        effect = outcome(pair, context, what) - outcome(pair, context, what, Changes(edits))
        wanted = float(effect if direction is Direction.NOISING else -effect)
        assert found[row, column] == pytest.approx(wanted, abs=CLOSE)


def seen_by_readers(run: Pass, begins: int, cell: Cell, start: int, first: int) -> Seen:
    """What readers see who find another run's keys and values at a cell."""
    heads = range(2) if cell.units is None else cell.units
    return Seen(
        first,
        {
            (name, layer, start + position, head): run.at[name, layer][begins + position, head]
            for name, layer, position, head in product("kv", cell.layers, cell.positions, heads)
        },
    )


@draws.examples(10)
@given(data=st.data())
def test_read_and_relayed_effects(data: st.DataObject) -> None:
    pair = data.draw(draws.pairs(equal_questions=data.draw(st.booleans())))
    cells = data.draw(st.lists(draws.cells(pair, 2), min_size=1, max_size=3))
    contexts = run_contexts(measured(), pair)
    source, begins = chain_of(pair, 0, 0)
    start, end, context = len(pair.questions[1]), len(pair.context(1, 1)), pair.context(1, 1)
    close = CLOSE
    for what in BOTH:
        found = read_effects(measured(), contexts, cells, what)
        relayed = relayed_effects(measured(), contexts, cells, what)
        y = outcome(pair, context, what)
        for column, cell in enumerate(cells):
            read = y - outcome(
                pair, context, what, Changes(seen=seen_by_readers(source, begins, cell, start, first=end))
            )
            assert found[column] == pytest.approx(float(read), abs=close)
            keys_and_values = (Component.K, Component.V)
            edits = replaced(keys_and_values, cell, start, lambda *site: part(source, begins, *site))
            state = y - outcome(pair, context, what, Changes(edits))
            assert relayed[column] == pytest.approx(float(state - read), abs=close)


@draws.examples(10)
@given(data=st.data())
def test_the_cube(data: st.DataObject) -> None:
    """Y[d, t, h]: after question d and chain t, readers see the chain's keys and values as question h made them."""
    pair = data.draw(draws.pairs(equal_questions=data.draw(st.booleans())))
    found = measure_cube(measured(), run_contexts(measured(), pair), BOTH)
    for (row, what), d, t, h in product(enumerate(BOTH), (0, 1), (0, 1), (0, 1)):
        run, begins = chain_of(pair, h, t)
        start, context = len(pair.questions[d]), pair.context(d, t)
        seen = seen_by_readers(run, begins, draws.whole(pair), start, first=len(context))
        wanted = float(outcome(pair, context, what, Changes(seen=seen)))
        assert found[row, d, t, h] == pytest.approx(wanted, abs=CLOSE)


@draws.examples(6)
@given(pair=draws.pairs(most_steps=4), what=st.sampled_from(USUAL))
def test_shapley_values_of_steps(pair: EncodedPair, what: Outcome) -> None:
    found = step_shapley(measured(), run_contexts(measured(), pair), what)
    spans, context = pair.traces[1].step_spans, pair.context(1, 1)
    source, begins = chain_of(pair, 0, 0)

    @cache
    def value(subset: frozenset[int]) -> float:
        positions = tuple(place for step, span in enumerate(spans) if step not in subset for place in range(*span))
        if not positions:
            return float(outcome(pair, context, what, Changes()))
        seen = seen_by_readers(source, begins, Cell(positions, draws.LAYERS), len(pair.questions[1]), len(context))
        return float(outcome(pair, context, what, Changes(seen=seen)))

    steps = range(len(spans))
    for player in steps:
        others = [step for step in steps if step != player]
        subsets = [
            frozenset(step for step, there in zip(others, bits, strict=True) if there)
            for bits in product((False, True), repeat=len(others))
        ]
        wanted = sum(
            (value(subset | {player}) - value(subset)) / (len(spans) * comb(len(others), len(subset)))
            for subset in subsets
        )
        assert found.values[player] == pytest.approx(wanted, abs=CLOSE)


@draws.examples(24)
@given(data=st.data())
def test_knockouts_and_deletion(data: st.DataObject) -> None:
    """Some readers, some keys, some heads; masked before the softmax, or zeroed after it; and the chain left out."""
    pair = data.draw(draws.pairs(equal_questions=data.draw(st.booleans())))
    cells = data.draw(st.lists(draws.cells(pair, 4), min_size=1, max_size=2))
    renormalised = data.draw(st.booleans())
    context, end = pair.context(1, 1), len(pair.context(1, 1))
    deleted = deletion_effect(measured(), pair, BOTH)
    for row, what in enumerate(BOTH):
        answers = (pair.readers.base, pair.readers.source)
        count = len(pair.readers.cue) + (
            pair.readers.shared if what is Outcome.LOGIT_DIFF else max(map(len, answers)) - 1
        )
        readers = data.draw(st.none() | draws.some(count))
        found = knockout_effects(measured(), pair, cells, [what], readers=readers, renormalised=renormalised)[0]
        y = outcome(pair, context, what)
        for column, cell in enumerate(cells):
            cut = Knockout(
                tuple(end + reader for reader in (range(count) if readers is None else readers)),
                tuple(len(pair.questions[1]) + position for position in cell.positions),
                cell.layers,
                cell.units,
            )
            changes = Changes(masked=edges(cut)) if renormalised else Changes(zeroed=edges(cut))
            assert found[column] == pytest.approx(float(y - outcome(pair, context, what, changes)), abs=CLOSE)
        assert deleted[row] == pytest.approx(float(y - outcome(pair, pair.questions[1], what)), abs=CLOSE)


@draws.examples(16)
@given(data=st.data())
def test_ablations(data: st.DataObject) -> None:
    """Every reference that is not random; noise has a test of its own norm."""
    pair = data.draw(draws.pairs())
    others = [data.draw(draws.pairs(most_steps=2)) for _ in range(2)]
    by = data.draw(st.sampled_from([each for each in Reference if each not in (Reference.SOURCE, Reference.NOISE)]))
    if by is Reference.SHUFFLED and len(pair.traces[1].step_spans) < 2:
        by = Reference.FILLER
    component = data.draw(st.sampled_from(SINGLE))
    cells = [data.draw(draws.cells(pair, draws.units_of(LLAMA, component)))]
    found = ablation_effects(measured(), pair, [component], cells, BOTH, by, Material(others, 5, 3))
    start, length, question = len(pair.questions[1]), len(pair.traces[1].ids), pair.questions[1]

    def reference(kind: Component, layer: int) -> torch.Tensor:
        own = part(by_hand().run(pair.context(1, 1)), start, kind, layer)
        if by is Reference.ZERO:
            return torch.zeros_like(own)
        if by in (Reference.MEAN, Reference.RESAMPLE):
            chains = [part(*chain_of(each, 1, 1), kind, layer) for each in others]
            if by is Reference.RESAMPLE:
                return torch.stack([chains[0][place % len(chains[0])] for place in range(length)])
            every = [vector for chain in chains for vector in chain]
            return torch.stack([sum(every) / len(every)] * length)
        chain = [5] * length
        if by is Reference.SHUFFLED:
            chain = [pair.traces[1].ids[place] for place in shuffled_steps(pair, 3)]
        return part(by_hand().run([*question, *chain]), start, kind, layer)

    edits = replaced([component], cells[0], start, reference)
    for row, what in enumerate(BOTH):
        y, without = (outcome(pair, pair.context(1, 1), what, each) for each in (None, Changes(edits)))
        assert found.effects[row, 0] == pytest.approx(float(y - without), abs=CLOSE)
    own = chain_of(pair, 1, 1)[0]
    norms: dict[tuple[int, int], list[float]] = {}
    for name, layer, position, unit, new in edits:
        there = own.at[name, layer][position if unit is None else (position, unit)]
        sizes = norms.setdefault((layer, position), [0.0, 0.0])
        sizes[0] += float(new.square().sum())
        sizes[1] += float(there.square().sum())
    ratios = [
        [(new / there) ** 0.5 for (at, _), (new, there) in norms.items() if at == layer] for layer in cells[0].layers
    ]
    assert found.norm_ratio[0] == pytest.approx(np.mean([np.mean(each) for each in ratios]), rel=1e-5)


@draws.examples(12)
@given(data=st.data())
def test_attribution_is_the_gradient(data: st.DataObject) -> None:
    """Autograd through the hand-written pass; also along the path of integrated gradients."""
    pair = data.draw(draws.pairs(equal_questions=data.draw(st.booleans())))
    what, direction = data.draw(st.sampled_from(USUAL)), data.draw(st.sampled_from(Direction))
    steps = data.draw(st.sampled_from((1, 3)))
    components = [each for each in Component if each not in (Component.PATTERN, Component.MLP_POST)]
    method = Method.ATP if steps == 1 else Method.IG
    found = attributions(measured(), pair, components, what, direction, method=method, steps=steps)
    own, start = direction.patched_world, len(pair.questions[direction.patched_world])
    length, whole = len(pair.traces[1].ids), Cell(tuple(range(len(pair.traces[1].ids))), (0,))
    base, source = ([*chain_of(pair, world, world)] for world in (1, 0))
    here, there = (base, source) if own else (source, base)

    def between(alpha: float) -> Changes:
        enters = [part(*each, Component.RESID_PRE, 0) for each in (here, there)]
        path = enters[0] + alpha * (enters[1] - enters[0])
        return Changes(replaced([Component.RESID_PRE], whole, start, lambda *_: path))

    def gradient(component: Component, layer: int, alpha: float) -> torch.Tensor:
        total = torch.zeros(())
        for context, answers in passes(pair, own, what):
            run = by_hand().run(context, between(alpha) if steps > 1 else None, leaves=[(component.value, layer)])
            y = answers(run.logits)
            (slope,) = torch.autograd.grad(y, run.at[component.value, layer])
            total = total + slope[start : start + length]
        return total

    component, layer = data.draw(st.sampled_from(components)), data.draw(st.sampled_from(draws.LAYERS))
    alphas = [0.0] if steps == 1 else [(step + 0.5) / steps for step in range(steps)]
    slope = sum(gradient(component, layer, alpha) for alpha in alphas) / steps
    difference = part(*base, component, layer) - part(*source, component, layer)
    product_ = (difference * slope).reshape(length, -1, slope.shape[-1]).sum(dim=-1).detach()
    np.testing.assert_allclose(found[component].values[0, layer], product_, atol=CLOSE, rtol=0)
    assert found[component].values.shape[2:] == product_.shape
    if steps > 1:
        exact = state_effects(measured(), pair, [Component.RESID_PRE], [whole], [what], direction)[0, 0]
        estimate = found[Component.RESID_PRE].values[0, 0].sum()
        assert found[component].completeness == pytest.approx(estimate - exact, abs=CLOSE)


def passes(pair: EncodedPair, world: int, what: Outcome) -> list[tuple[list[int], Any]]:
    """The passes that an outcome needs, each with what is read off its logits; Y is their sum."""
    readers, before = pair.readers, [*pair.context(world, world), *pair.readers.cue]
    if what is Outcome.LOGIT_DIFF:
        pick = (readers.base[readers.shared], readers.source[readers.shared])
        return [([*before, *readers.base[: readers.shared]], lambda logits: logit_diff(logits, -1, *pick))]
    first = len(before) - 1
    return [
        ([*before, *readers.base[:-1]], lambda logits: logprob(logits, first, readers.base)),
        ([*before, *readers.source[:-1]], lambda logits: -logprob(logits, first, readers.source)),
    ]


def test_the_pass_by_hand_is_transformers_own() -> None:
    """Without interventions, on the model as transformers runs it; so that nothing above is agreement in error."""
    ids, plain = draws.tokens(1, 1, 40), tiny.plain_model(LLAMA, "float64")
    with torch.no_grad(), kept(plain):
        wanted = plain(ids).logits[0]
    torch.testing.assert_close(by_hand().run(ids[0].tolist()).logits, wanted, atol=CLOSE, rtol=0)
    assert Site(Component.RESID_POST, 2).layer == by_hand().layers - 1
