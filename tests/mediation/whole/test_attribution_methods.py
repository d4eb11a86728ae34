"""GradDrop, the QK fix and RelP, each against a computation of its own."""

from functools import partial

import numpy as np
import pytest
import torch

from mediate.mediation.cells import cells_of
from mediate.mediation.kinds.attribution import Method, attributions
from mediate.mediation.kinds.qkfix import key_change, query_change
from mediate.mediation.kinds.state import Direction, chain_activations, placed
from mediate.mediation.outcomes import Outcome, outcome_tensor, read_off
from mediate.mediation.sequences import sequences
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.gradients import Route, gradients
from mediate.passes.interventions import Reference
from mediate.passes.relevance import relevance_rules
from tests import tiny
from tests.mediation.kinds.test_read import contexts
from tests.mediation.kinds.test_state import unhooked
from tests.plainly import kept


def test_graddrop_is_the_slope_with_a_layer_held_fixed() -> None:
    """Pass by pass: central differences of patches while what one layer adds to the stream is written as it was."""
    model, pair = tiny.model("gpt2", "float64"), contexts("gpt2", dtype="float64").pair
    components = [Component.RESID_PRE, Component.RESID_MID, Component.Z, Component.K]
    found = attributions(model, pair, components, Outcome.LOGIT_DIFF, method=Method.GRADDROP)
    run = sequences(model, pair, 1, [Outcome.LOGIT_DIFF])
    added = [Site(each, layer) for each in (Component.ATTN_OUT, Component.MLP_OUT) for layer in range(tiny.LAYERS)]
    clean = forward(model, run.ids, keep=added).kept
    base, source = (chain_activations(model, pair.context(world, world), run.start, components) for world in (1, 0))

    cells = {each: cells_of(model, pair, ["step", "layer"], component=each)[0] for each in components}
    rows = [cell.patches([each], run.start, Reference.SOURCE) for each in components for cell in cells[each]]

    def moved(by: float, held: int) -> np.ndarray:
        there = {site: base[site] + by * (source[site] - base[site]) for site in base}
        # What lies in the held layer reaches the outcome through the held output alone.
        writes = {site: clean[site].repeat(len(rows), 1, 1) for site in added if site.layer == held}
        logits = forward(
            model,
            run.ids.repeat(len(rows), 1),
            writes=writes,
            interventions=rows,
            values=placed(there, run, Reference.SOURCE),
            last=run.readout.last,
        ).logits
        return np.array([read_off(run.readout, each[None], Outcome.LOGIT_DIFF) for each in logits])

    by_layer = [abs(moved(-0.002, held) - moved(0.002, held)) / 0.004 for held in range(tiny.LAYERS)]
    slopes = iter(np.transpose(by_layer).tolist())
    largest = 0.0
    for component in components:
        for cell in cells[component]:
            sizes = next(slopes)
            inside = component in (Component.Z, Component.K)
            wanted = sum(sizes) / (tiny.LAYERS - inside)
            assert not inside or sizes[cell.layers[0]] < 1e-9
            assert found[component].cell(cell) == pytest.approx(wanted, abs=2e-5, rel=1e-4)
            largest = max(largest, wanted)
    assert largest > 0.1
    assert unhooked(model)


def test_one_key_or_query_replaced_is_a_softmax_computed_anew() -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (2, 3, 6, 6)
    future = torch.ones(6, 6, dtype=torch.bool).triu(1)
    for size in (1.0, 1000.0):  # the second saturates every row
        scores, changed, gradient = (size * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in "abc")
        scores, changed = (each.masked_fill(future, torch.finfo(torch.float32).min) for each in (scores, changed))
        before = scores.softmax(dim=-1)
        keys = []
        for key in range(6):
            new = scores.clone()
            new[..., key] = changed[..., key]
            keys.append(((new.softmax(dim=-1) - before) * gradient).sum(dim=(-1, -2)))
        torch.testing.assert_close(
            key_change(scores, changed, gradient), torch.stack(keys, dim=-1), atol=1e-9, rtol=1e-9
        )
        queries = ((changed.softmax(dim=-1) - before) * gradient).sum(dim=-1)
        torch.testing.assert_close(query_change(scores, changed, gradient), queries, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("component", [Component.Q, Component.K])
@pytest.mark.parametrize("direction", list(Direction))
def test_the_qk_fix_takes_the_patterns_of_real_patches(
    architecture: str, component: Component, direction: Direction
) -> None:
    """Patch one query or key in one layer for real, keep that layer's pattern, and weight its change."""
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    found = attributions(model, pair, [component], Outcome.LOGPROB_DIFF, direction, method=Method.QKFIX)[component]
    world = direction.patched_world
    run = sequences(model, pair, world, [Outcome.LOGPROB_DIFF])
    other = chain_activations(model, pair.context(1 - world, 1 - world), run.start, [component])
    values = placed(other, run, Reference.SOURCE)
    patterns = [Site(Component.PATTERN, layer) for layer in range(tiny.LAYERS)]
    slope = gradients(
        model,
        run.ids,
        patterns,
        partial(outcome_tensor, run.readout, outcome=Outcome.LOGPROB_DIFF),
        last=run.readout.last,
    )
    before = forward(model, run.ids, keep=patterns).kept
    sign = -1 if direction is Direction.NOISING else 1
    cells, _ = cells_of(
        model, pair, ["position", "layer", "kv_head" if component is Component.K else "head"], component=component
    )
    wanted = []
    for layer, here in enumerate(patterns):  # the cells of a layer are rows of one pass
        rows = [
            cell.patches([component], run.start, Reference.SOURCE)
            for cell in cells
            if cell.layers == (layer,)
            for _ in run.ids
        ]
        ids = run.ids.repeat(len(rows) // len(run.ids), 1)
        after = forward(model, ids, keep=[here], interventions=rows, values=values).kept[here]
        changed = (after.reshape(-1, *before[here].shape) - before[here]) * slope[here]
        wanted += [sign * float(each.sum()) for each in changed]
    cells = sorted(cells, key=lambda cell: cell.layers)
    assert len(cells) == len(wanted)
    np.testing.assert_allclose([found.cell(cell) for cell in cells], wanted, atol=1e-9 * max(1, np.abs(wanted).max()))
    assert np.abs(wanted).max() > 1e-2
    linear = attributions(model, pair, [component], Outcome.LOGPROB_DIFF, direction)[component]
    assert not np.allclose([linear.cell(cell) for cell in cells], wanted, atol=1e-3)


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3"])
def test_relevance_is_conserved_where_there_are_no_biases(architecture: str) -> None:
    """Under the rules the outcome is linear in the embeddings: value times gradient sums to the outcome itself."""
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    run = sequences(model, pair, 1, [Outcome.LOGIT_DIFF])
    sites = [Site(Component.RESID_PRE, layer) for layer in range(tiny.LAYERS)]
    kept = forward(model, run.ids, keep=sites)
    y = read_off(run.readout, kept.logits[:, -run.readout.last :], Outcome.LOGIT_DIFF)
    found = gradients(
        model,
        run.ids,
        sites,
        partial(outcome_tensor, run.readout, outcome=Outcome.LOGIT_DIFF),
        last=run.readout.last,
        route=Route(rules=relevance_rules(model)),
    )
    for site in sites:
        assert float((found[site] * kept.kept[site]).sum()) == pytest.approx(y, rel=1e-9)
    plain = gradients(
        model,
        run.ids,
        sites[:1],
        partial(outcome_tensor, run.readout, outcome=Outcome.LOGIT_DIFF),
        last=run.readout.last,
    )
    assert float((plain[sites[0]] * kept.kept[sites[0]]).sum()) != pytest.approx(y, rel=0.05)
    assert unhooked(model)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_relp_is_plain_transformers_with_its_modules_rewritten(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rules written into transformers' own modules, and differentiated by torch."""
    import transformers.models.gpt2.modeling_gpt2 as gpt2
    import transformers.models.llama.modeling_llama as llama

    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    found = attributions(model, pair, [Component.RESID_PRE, Component.MLP_OUT], Outcome.LOGIT_DIFF, method=Method.RELP)
    run = sequences(model, pair, 1, [Outcome.LOGIT_DIFF])

    def rms(self, x):
        return self.weight * x * (x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon).rsqrt().detach()

    def layer_norm(self, x):
        x = x - x.mean(-1, keepdim=True)
        return self.weight * x * (x.pow(2).mean(-1, keepdim=True) + self.eps).rsqrt().detach() + self.bias

    def gated(self, x):
        gate, up = self.gate_proj(x), self.up_proj(x)
        silu = torch.nn.functional.silu
        half = 0.5 * (gate * (silu(gate) / gate * up).detach() + up * silu(gate).detach())
        return self.down_proj(half)

    def ungated(self, x):
        before = self.c_fc(x)
        return self.c_proj(before * (self.act(before) / before).detach())

    activations = {
        component: [chain_activations(model, pair.context(world, world), run.start, [component]) for world in (1, 0)]
        for component in (Component.RESID_PRE, Component.MLP_OUT)
    }
    softmax = torch.nn.functional.softmax
    monkeypatch.setattr(torch.nn.functional, "softmax", lambda *args, **kwargs: softmax(*args, **kwargs).detach())
    monkeypatch.setattr(llama.LlamaRMSNorm, "forward", rms)
    monkeypatch.setattr(llama.LlamaMLP, "forward", gated)
    monkeypatch.setattr(gpt2.GPT2MLP, "forward", ungated)
    monkeypatch.setattr(torch.nn.LayerNorm, "forward", layer_norm)
    plain = tiny.plain_model(architecture, "float64")
    blocks = plain.model.layers if architecture == "llama" else plain.transformer.h
    seen: dict[tuple[str, int], torch.Tensor] = {}
    for layer, block in enumerate(blocks):
        block.register_forward_pre_hook(lambda _, args, layer=layer: seen.__setitem__(("pre", layer), args[0]))
        block.mlp.register_forward_hook(lambda _, args, out, layer=layer: seen.__setitem__(("mlp", layer), out))
    with kept(plain):
        y = outcome_tensor(run.readout, plain(run.ids).logits[:, -run.readout.last :], Outcome.LOGIT_DIFF)
    slopes = dict(zip(seen, torch.autograd.grad(y, list(seen.values())), strict=True))
    for name, component in (("pre", Component.RESID_PRE), ("mlp", Component.MLP_OUT)):
        base, source = activations[component]
        for layer in range(tiny.LAYERS):
            site = Site(component, layer)
            wanted = ((base[site] - source[site]) * slopes[name, layer][0, run.start : run.stop]).sum(dim=-1)
            np.testing.assert_allclose(found[component].values[0, layer, :, 0], wanted.numpy(), atol=1e-9)
            # The last layer's MLP at the chain's positions is read by nobody.
            assert bool(wanted.abs().max() > 1e-3) is not (name == "mlp" and layer == tiny.LAYERS - 1)
