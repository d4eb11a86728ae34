"""State effects, knockouts and ablations: against the cube, against plain transformers, and against one another."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from mediate.errors import InputError, ItemError
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.cube import measure_cube
from mediate.mediation.kinds.knockout import deletion_effect, knockout_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.kinds.references import norm_matched_noise, shuffled_steps
from mediate.mediation.kinds.relayed import relayed_effects
from mediate.mediation.kinds.state import Direction, state_effects
from mediate.mediation.maps import check_offered, measure_map, parse_map
from mediate.mediation.outcomes import USUAL, Outcome, read_off
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.hooks import bridge_hooks
from mediate.passes.interventions import Knockout, Patch, Reference
from tests import tiny
from tests.mediation.kinds.test_read import BASE, LONGER, SOURCE, contexts
from tests.plainly import kept

BOTH = USUAL
LAYERS = tuple(range(tiny.LAYERS))
KV = (Component.K, Component.V)


def pair_of(architecture: str, base=BASE, source=SOURCE) -> EncodedPair:
    return contexts(architecture, base, source).pair


def whole(pair: EncodedPair, layers=LAYERS) -> Cell:
    return Cell(tuple(range(len(pair.traces[1].ids))), layers)


def exchanged(pair: EncodedPair) -> EncodedPair:
    """The same pair with the names of its worlds exchanged."""
    readers = replace(pair.readers, base=pair.readers.source, source=pair.readers.base)
    return replace(pair, questions=pair.questions[::-1], traces=pair.traces[::-1], readers=readers)


def unhooked(model) -> bool:
    return not any(point.fwd_hooks or point.bwd_hooks for point in model.bridge.hook_dict.values())


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_all_keys_and_values_of_the_chain_are_the_total_indirect_effect(architecture: str) -> None:
    model, cell = tiny.model(architecture), contexts(architecture)
    y = measure_cube(model, cell, BOTH)
    noising, denoising = (
        state_effects(model, cell.pair, KV, [whole(cell.pair)], BOTH, each)[:, 0] for each in Direction
    )
    np.testing.assert_allclose(noising, y[:, 1, 1, 1] - y[:, 1, 0, 0], atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(denoising, y[:, 0, 1, 1] - y[:, 0, 0, 0], atol=1e-5, rtol=1e-5)
    assert abs(noising).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ROTARY)
def test_questions_of_different_lengths_are_aligned_by_the_chain(architecture: str) -> None:
    model, cell = tiny.model(architecture), contexts(architecture, LONGER)
    y = measure_cube(model, cell, BOTH)
    effect = state_effects(model, cell.pair, KV, [whole(cell.pair)], BOTH)[:, 0]
    np.testing.assert_allclose(effect, y[:, 1, 1, 1] - y[:, 1, 0, 0], atol=2e-5, rtol=0)
    with pytest.raises(ItemError, match="a pattern's keys are positions"):
        state_effects(model, cell.pair, [Component.PATTERN], [whole(cell.pair)], BOTH)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_swapping_the_worlds_exchanges_the_directions(architecture: str) -> None:
    model, pair = tiny.model(architecture), pair_of(architecture)
    cells, _ = cells_of(model, pair, ["step", "layer"])
    one = state_effects(model, pair, [Component.ATTN_OUT], cells, BOTH, Direction.NOISING)
    other = state_effects(model, exchanged(pair), [Component.ATTN_OUT], cells, BOTH, Direction.DENOISING)
    np.testing.assert_allclose(one, other, atol=1e-6, rtol=0)
    assert abs(one).max() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("component", list(Component))
def test_the_slow_twin_writes_whole_sites(architecture: str, component: Component) -> None:
    """Each cell against a pass in which the whole site is written, other positions with what they hold there."""
    model = tiny.model(architecture, "float64")
    pair = contexts(architecture, dtype="float64").pair
    if component in model.refused:
        with pytest.raises(InputError, match="does not offer"):
            check_offered(model, parse_map(f"state.{component}:layer"))
        return
    cells, _ = cells_of(model, pair, ["step", "layer"], component=component)
    found = state_effects(model, pair, [component], cells, [Outcome.LOGIT_DIFF])[0]
    run, other = sequences(model, pair, 1, [Outcome.LOGIT_DIFF]), sequences(model, pair, 0, [Outcome.LOGIT_DIFF])
    assert run.start == other.start
    sites = [Site(component, layer) for layer in LAYERS]
    own, source = forward(model, run.ids, keep=sites), forward(model, other.ids, keep=sites)
    y = read_off(run.readout, own.logits[:, -run.readout.last :], Outcome.LOGIT_DIFF)
    assert {cell.layers for cell in cells} == {(layer,) for layer in LAYERS}
    for layer in LAYERS:
        effects = [(cell, effect) for cell, effect in zip(cells, found, strict=True) if cell.layers == (layer,)]
        site = Site(component, layer)
        value, new = own.kept[site].repeat(len(effects), *[1] * (own.kept[site].ndim - 1)), source.kept[site]
        for row, (cell, _) in enumerate(effects):
            places = [run.start + position for position in cell.positions]
            if component is Component.PATTERN:
                value[row, :, places] = new[0, :, places]
            else:
                value[row, places] = new[0, places]
        logits = forward(model, run.ids.repeat(len(effects), 1), writes={site: value}).logits[:, -run.readout.last :]
        for row, (_, effect) in enumerate(effects):
            wanted = y - read_off(run.readout, logits[row : row + 1], Outcome.LOGIT_DIFF)
            assert effect == pytest.approx(wanted, abs=1e-10)
    assert abs(found).max() > 1e-4


def test_outputs_of_blocks_as_plain_transformers_has_them() -> None:
    """Residual stream, attention's and MLP's output, patched by plain forward hooks on a Llama that is not bridged."""
    model, plain = tiny.model("llama", "float64"), tiny.plain_model("llama", "float64")
    pair = contexts("llama", dtype="float64").pair
    run = sequences(model, pair, 1, [Outcome.LOGIT_DIFF])
    source = torch.tensor([pair.context(0, 0)])
    for layer, step in product(LAYERS, (0, 1)):
        block = plain.model.layers[layer]
        cell = Cell(tuple(range(*pair.traces[1].step_spans[step])), (layer,))
        places = [run.start + position for position in cell.positions]
        for component, module in (
            (Component.RESID_POST, block),
            (Component.ATTN_OUT, block.self_attn),
            (Component.MLP_OUT, block.mlp),
        ):
            seen: list[torch.Tensor] = []

            def keep(_, __, output, seen=seen):
                seen.append(output[0] if isinstance(output, tuple) else output)

            def patch(_, __, output, seen=seen, places=places):
                value = (output[0] if isinstance(output, tuple) else output).clone()
                value[:, places] = seen[0][:, places]
                return (value, *output[1:]) if isinstance(output, tuple) else value

            with torch.no_grad(), kept(plain):
                handle = module.register_forward_hook(keep)
                plain(source)
                handle.remove()
                before = plain(run.ids).logits[:, -run.readout.last :]
                handle = module.register_forward_hook(patch)
                after = plain(run.ids).logits[:, -run.readout.last :]
                handle.remove()
            wanted = read_off(run.readout, before, Outcome.LOGIT_DIFF) - read_off(
                run.readout, after, Outcome.LOGIT_DIFF
            )
            found = state_effects(model, pair, [component], [cell], [Outcome.LOGIT_DIFF])[0, 0]
            assert found == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_what_the_answer_cannot_see_has_no_effect(architecture: str) -> None:
    """In the last layer the readers look back through keys and values alone, which were made before its output."""
    model, pair = tiny.model(architecture), pair_of(architecture)
    last = whole(pair, LAYERS[-1:])
    for component in (Component.RESID_POST, Component.MLP_OUT, Component.ATTN_OUT, Component.Z, Component.Q):
        assert (state_effects(model, pair, [component], [last], BOTH) == 0).all()
    assert (state_effects(model, pair, KV, [last], BOTH) != 0).any()


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_all_heads_are_the_output_of_attention(architecture: str) -> None:
    model, pair = tiny.model(architecture), pair_of(architecture)
    cells, _ = cells_of(model, pair, ["step", "layer"])
    by_heads, by_output = (
        state_effects(model, pair, [each], cells, BOTH) for each in (Component.Z, Component.ATTN_OUT)
    )
    np.testing.assert_allclose(by_heads, by_output, atol=1e-5, rtol=0)
    assert abs(by_heads).max() > 1e-3


def test_every_head_is_patched_by_its_own_number() -> None:
    """Under grouped queries there are fewer KV heads than heads; a head's effect is that of a write of it alone."""
    model, pair = tiny.model("qwen3"), pair_of("qwen3")
    run, other = sequences(model, pair, 1, BOTH), sequences(model, pair, 0, BOTH)
    for component, heads in ((Component.Z, 4), (Component.Q, 4), (Component.K, 2), (Component.V, 2)):
        axis = "kv_head" if component in KV else "head"
        found = measure_map(
            model, contexts("qwen3"), parse_map(f"state.{component}:layer,{axis}"), Outcome.LOGIT_DIFF, 0.0
        )
        assert found.values.shape == (tiny.LAYERS, heads)
        site = Site(component, 1)
        own, source = forward(model, run.ids, keep=[site]), forward(model, other.ids, keep=[site])
        for head in range(heads):
            value = own.kept[site].clone()
            value[:, run.start : run.stop, head] = source.kept[site][:, run.start : run.stop, head]
            y = [
                read_off(run.readout, logits[:, -run.readout.last :], Outcome.LOGIT_DIFF)
                for logits in (own.logits, forward(model, run.ids, writes={site: value}).logits)
            ]
            assert found.values[1, head] == pytest.approx(y[0] - y[1], abs=1e-5)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_nothing_is_relayed_where_nothing_comes_later(architecture: str) -> None:
    model, cell = tiny.model(architecture), contexts(architecture)
    length = len(cell.pair.traces[1].ids)
    end = [whole(cell.pair, LAYERS[-1:]), Cell((length - 1,), LAYERS), whole(cell.pair)]
    np.testing.assert_allclose(relayed_effects(model, cell, end, Outcome.LOGIT_DIFF), 0, atol=1e-5)
    early = Cell(tuple(range(length - 1)), LAYERS[:1])
    assert abs(relayed_effects(model, cell, [early], Outcome.LOGIT_DIFF)[0]) > 1e-3


def test_equal_worlds_have_effects_of_exactly_0() -> None:
    same = (SOURCE[0], SOURCE[1], BASE[2])
    model, pair = tiny.model("llama"), pair_of("llama", same)
    cells, _ = cells_of(model, pair, ["position", "layer"])
    for direction in Direction:
        assert (state_effects(model, pair, [Component.RESID_PRE], cells, BOTH, direction) == 0).all()


def test_passes_of_any_size_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    cells, _ = cells_of(model, pair, ["position", "layer"])
    found = []
    for tokens in (1, 150, 10**6):
        monkeypatch.setattr("mediate.passes.sweeps.engine.CPU_TOKENS", tokens)
        found.append(state_effects(model, pair, [Component.RESID_PRE], cells, BOTH))
    np.testing.assert_allclose(found[0], found[1], atol=1e-5, rtol=0)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5, rtol=0)


def test_windows_of_layers_are_replaced_together() -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    cells, coords = cells_of(model, pair, ["layer"], window=2)
    assert [cell.layers for cell in cells] == [(0, 1), (1, 2), (2,)]
    assert [cell.layers for cell in cells_of(model, pair, ["layer"], window=3)[0]] == [(0, 1), (0, 1, 2), (1, 2)]
    assert coords == {"layer": (0, 1, 2)}
    both = state_effects(model, pair, [Component.ATTN_OUT], [whole(pair, (0, 1))], BOTH)
    np.testing.assert_allclose(state_effects(model, pair, [Component.ATTN_OUT], cells, BOTH)[:, :1], both, atol=1e-5)


def plain_outcome(plain, pair: EncodedPair, ids: list[int], positions: list[int]) -> float:
    # Without a mask, transformers takes a jump of positions for the start of another packed sequence.
    mask = torch.ones(1, len(ids), dtype=torch.int64)
    with torch.no_grad(), kept(plain):
        logits = plain(
            torch.tensor([ids]), attention_mask=mask, position_ids=torch.tensor([positions]), use_cache=False
        ).logits[0, -1]
    readers = pair.readers
    return float(logits[readers.base[readers.shared]] - logits[readers.source[readers.shared]])


@pytest.mark.parametrize("architecture", [name for name in tiny.ARCHITECTURES if name != "gemma3"])
def test_a_full_knockout_is_the_chain_left_out_with_positions_kept(architecture: str) -> None:
    """Gemma-3 is left out: with the chain gone, its window would reach other tokens."""
    model, plain = tiny.model(architecture, "float64"), tiny.plain_model(architecture, "float64")
    pair = contexts(architecture, dtype="float64").pair
    run = sequences(model, pair, 1, [Outcome.LOGIT_DIFF])
    ids, length = run.ids[0].tolist(), run.ids.shape[1]
    left = [*range(run.start), *run.readers]
    before = plain_outcome(plain, pair, ids, list(range(length)))
    blind = plain_outcome(plain, pair, [ids[place] for place in left], left)
    moved = plain_outcome(plain, pair, [ids[place] for place in left], list(range(len(left))))
    found = knockout_effects(model, pair, [whole(pair)], [Outcome.LOGIT_DIFF])[0, 0]
    deleted = deletion_effect(model, pair, [Outcome.LOGIT_DIFF])[0]
    zeroed = knockout_effects(model, pair, [whole(pair)], [Outcome.LOGIT_DIFF], renormalised=False)[0, 0]
    last = knockout_effects(model, pair, [whole(pair)], [Outcome.LOGIT_DIFF], readers=[len(run.readers) - 1])[0, 0]
    assert found == pytest.approx(before - blind, abs=1e-10)
    assert deleted == pytest.approx(before - moved, abs=1e-10)
    assert min(abs(found - other) for other in (deleted, zeroed, last)) > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_full_knockout_blinds_the_answer_to_what_the_chain_says(architecture: str) -> None:
    model, pair = tiny.model(architecture), pair_of(architecture)
    run = sequences(model, pair, 1, BOTH)
    other = run.ids.clone()
    other[:, run.start : run.stop] = torch.randint(
        0, model.facts.d_vocab, (run.stop - run.start,), generator=torch.Generator().manual_seed(3)
    )
    cut = Knockout(run.readers, tuple(range(run.start, run.stop)), LAYERS)
    y = [outcomes_under(model, replace(run, ids=ids), BOTH, [(cut,)], {}) for ids in (run.ids, other)]
    np.testing.assert_allclose(y[0], y[1], atol=1e-5, rtol=0)
    seen = [outcomes_under(model, replace(run, ids=ids), BOTH, [()], {}) for ids in (run.ids, other)]
    assert abs(seen[0] - seen[1]).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_patterns_stay_causal_and_normalised_under_a_knockout(architecture: str) -> None:
    model, pair = tiny.model(architecture), pair_of(architecture)
    run = sequences(model, pair, 1, [Outcome.LOGIT_DIFF])
    cut = Knockout(run.readers, tuple(range(run.start, run.stop)), LAYERS, (0, 2))
    sites = [Site(Component.PATTERN, layer) for layer in LAYERS]
    for site, pattern in forward(model, run.ids, keep=sites, interventions=[[cut]]).kept.items():
        assert (pattern.triu(1) == 0).all()
        torch.testing.assert_close(pattern.sum(dim=-1), torch.ones(pattern.shape[:-1]), atol=1e-5, rtol=0)
        hidden = pattern[0][:, list(cut.readers)][:, :, run.start : run.stop]
        assert (hidden[[0, 2]] == 0).all(), site
        if architecture != "gemma3":  # its window hides most of the chain from the last readers
            assert (hidden[[1, 3]] > 0).all()


def test_a_knockout_may_not_empty_a_row() -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    ids = torch.tensor([pair.context(1, 1)])
    everything = Knockout((4,), tuple(range(ids.shape[1])), (1,))
    with pytest.raises(InputError, match=r"leaves the query at position 4 \(row 0, head 0\) no key"):
        forward(model, ids, interventions=[[everything]])
    assert unhooked(model)
    forward(
        model, ids, interventions=[[replace(everything, keys=tuple(each for each in everything.keys if each != 4))]]
    )


def test_masked_keys_that_are_hidden_anyhow_change_nothing() -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    ids = torch.tensor([pair.context(1, 1)])
    future = Knockout((3,), (5, 6), LAYERS)
    assert torch.equal(forward(model, ids, interventions=[[future]]).logits, forward(model, ids).logits)
    twice = [[Knockout((8,), (2,), LAYERS), Knockout((8,), (2, 3), LAYERS)]]
    once = [[Knockout((8,), (2, 3), LAYERS)]]
    assert torch.equal(forward(model, ids, interventions=twice).logits, forward(model, ids, interventions=once).logits)


@pytest.mark.parametrize("by", [each for each in Reference if each is not Reference.SOURCE])
def test_an_ablation_is_a_write_of_its_reference(by: Reference) -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    others = [pair_of("llama", ("Tom has 7 apples.", "Tom sells 5 apples. Tom has 7 - 5 = 2.", "2"))]
    cells, _ = cells_of(model, pair, ["step", "layer"])
    found = ablation_effects(model, pair, [Component.RESID_PRE], cells, BOTH, by, Material(others, 3, 1))
    assert found.effects.shape == (2, 6)
    assert np.isfinite(found.effects).all()
    assert abs(found.effects).max() > 1e-3
    if by is Reference.ZERO:
        assert (found.norm_ratio == 0).all()
    if by is Reference.NOISE:
        np.testing.assert_allclose(found.norm_ratio, 1, rtol=1e-5)
    if by is Reference.FILLER:  # layer 0 holds the embeddings, so that patching them is running the filler itself
        run = sequences(model, pair, 1, BOTH)
        ids = run.ids.clone()
        ids[:, run.start : run.stop] = 3
        first = ablation_effects(
            model, pair, [Component.RESID_PRE], [whole(pair, (0,))], BOTH, by, Material(filler=3)
        ).effects
        plain = outcomes_under(model, run, BOTH, [()], {}) - outcomes_under(
            model, replace(run, ids=ids), BOTH, [()], {}
        )
        np.testing.assert_allclose(first, plain, atol=1e-5)


def test_ablations_name_what_they_lack() -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    cell = [whole(pair)]
    for by, message in (
        (Reference.MEAN, "mean ablation needs other pairs"),
        (Reference.RESAMPLE, "resample ablation needs other pairs"),
        (Reference.FILLER, "filler token None"),
        (Reference.SOURCE, "is no ablation"),
    ):
        with pytest.raises(InputError, match=message):
            ablation_effects(model, pair, [Component.RESID_PRE], cell, BOTH, by)
    with pytest.raises(InputError, match="a row must sum to 1"):
        ablation_effects(model, pair, [Component.PATTERN], cell, BOTH, Reference.NOISE)


def test_shuffled_steps_keep_every_token() -> None:
    pair = pair_of("llama")
    order = shuffled_steps(pair, seed=0)
    assert sorted(order) == list(range(len(order)))
    assert list(order) != sorted(order)


def test_noise_has_the_norm_that_was_there() -> None:
    value = torch.randn(5, 2, 8, generator=torch.Generator().manual_seed(0))
    noise = norm_matched_noise(value, seed=4)
    torch.testing.assert_close(noise.norm(dim=-1), value.norm(dim=-1))
    assert torch.equal(noise, norm_matched_noise(value, seed=4))
    assert not torch.allclose(noise, norm_matched_noise(value, seed=5))


@pytest.mark.parametrize(
    ("patches", "message"),
    [
        ([Patch(Site(Component.Z, 0), (1, 2)), Patch(Site(Component.Z, 0), (2, 3), (1,))], "write position 2"),
        ([Patch(Site(Component.Z, 0), (99,))], "position 99 of a sequence"),
        ([Patch(Site(Component.Z, 0), (1,), (4,))], "head 4; there are 0 to 3"),
        ([Patch(Site(Component.V, 0), (1,), (2,))], "head 2; there are 0 to 1"),
        ([Patch(Site(Component.Z, 9), (1,))], "has layers 0 to 2"),
        ([Patch(Site(Component.Z, 0), (1,), by=Reference.MEAN)], "no mean values"),
        ([Patch(Site(Component.MLP_POST, 0), (1,), (48,))], "unit 48; there are 0 to 47"),
        ([Patch(Site(Component.RESID_PRE, 0), (1,))], r"has shape \(11, 32\)"),
        ([Patch(Site(Component.RESID_POST, 0), (1,))], "is NaN or infinite"),
    ],
)
def test_patches_that_cannot_be_made_are_refused_and_leave_nothing_behind(patches, message: str) -> None:
    model = tiny.model("llama")
    ids = torch.arange(10)[None]
    before = forward(model, ids).logits
    values = {
        (Reference.SOURCE, Site(Component.Z, 0)): torch.zeros(10, 4, 8),
        (Reference.SOURCE, Site(Component.MLP_POST, 0)): torch.zeros(10, 48),
        (Reference.SOURCE, Site(Component.RESID_PRE, 0)): torch.zeros(11, 32),
        (Reference.SOURCE, Site(Component.RESID_POST, 0)): torch.full((10, 32), float("nan")),
    }
    with pytest.raises(InputError, match=message):
        forward(model, ids, interventions=[patches], values=values)
    assert unhooked(model)
    assert torch.equal(forward(model, ids).logits, before)


def test_an_intervention_works_in_transformer_lens_own_calls() -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    ids, other = (torch.tensor([pair.context(world, world)]) for world in (1, 0))
    site = Site(Component.RESID_POST, 1)
    values = {(Reference.SOURCE, site): forward(model, other, keep=[site]).kept[site][0]}
    rows = [[Patch(site, (9, 10))]]
    cuts = [[Knockout((12,), (9,), (2,))]]
    with model.bridge.hooks(fwd_hooks=bridge_hooks(model, rows, values, cuts)):
        theirs = model.bridge(ids, return_type="logits", position_ids=torch.arange(ids.shape[1])[None])
    ours = forward(model, ids, interventions=[(*rows[0], *cuts[0])], values=values).logits
    assert torch.equal(ours, theirs)
    assert not torch.allclose(ours, forward(model, ids).logits, atol=1e-3)


def test_knockouts_alone_are_told_the_length() -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    ids = torch.tensor([pair.context(1, 1)])
    cuts = [[Knockout((12,), (9,), (2,))]]
    hooks = bridge_hooks(model, [[]], {}, cuts, length=ids.shape[1])
    with model.bridge.hooks(fwd_hooks=hooks):
        theirs = model.bridge(ids, return_type="logits", position_ids=torch.arange(ids.shape[1])[None])
    assert torch.equal(forward(model, ids, interventions=cuts).logits, theirs)


def test_what_cannot_be_handed_over_is_refused() -> None:
    with pytest.raises(InputError, match="heads 9; there are 0 to 3"):
        bridge_hooks(tiny.model("llama"), [[]], {}, [[Knockout((5,), (1,), (0,), (9,))]])


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_transformer_lens_own_patching_agrees(architecture: str) -> None:
    """`patching.generic_activation_patch` over layer and position of the residual stream."""
    from transformer_lens.patching import generic_activation_patch, layer_pos_patch_setter

    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    run, other = (sequences(model, pair, world, [Outcome.LOGIT_DIFF]) for world in (1, 0))
    _, cache = model.bridge.run_with_cache(other.ids, names_filter=lambda name: name.endswith("hook_resid_pre"))
    theirs = generic_activation_patch(
        model.bridge,
        run.ids,
        cache,
        lambda logits: torch.tensor(read_off(run.readout, logits[:, -run.readout.last :], Outcome.LOGIT_DIFF)),
        layer_pos_patch_setter,
        "resid_pre",
        index_axis_names=["layer", "pos"],
    )
    cells, _ = cells_of(model, pair, ["position", "layer"])
    found = state_effects(model, pair, [Component.RESID_PRE], cells, [Outcome.LOGIT_DIFF])[0].reshape(-1, tiny.LAYERS)
    y = outcomes_under(model, run, [Outcome.LOGIT_DIFF], [()], {})[0, 0]
    # Theirs are handed out in float32.
    np.testing.assert_allclose(found, y - theirs[:, run.start : run.stop].numpy().T, atol=3e-6, rtol=0)
