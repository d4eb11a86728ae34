"""Direct paths: against transformer-lens' own, and against plain transformers with hooks made by hand."""

import numpy as np
import pytest
import torch

from mediate.errors import InputError
from mediate.mediation.cells import Cell
from mediate.mediation.kinds.paths import Paths, Receiver, path_effects
from mediate.mediation.kinds.state import Direction, chain_activations, state_effects
from mediate.mediation.outcomes import USUAL, Outcome, read_off
from mediate.mediation.sequences import sequences
from mediate.models.sites import Component, Site
from tests import tiny
from tests.mediation.kinds.test_read import contexts
from tests.mediation.kinds.test_state import unhooked
from tests.plainly import kept

Y = Outcome.LOGIT_DIFF
LAST = tiny.LAYERS - 1


@pytest.mark.parametrize("receiver", ["q", "k", "v"])
def test_transformer_lens_own_direct_path(receiver: str) -> None:
    """`patching.get_act_patch_direct_path`, which has head to head, without grouped queries."""
    from transformer_lens.patching import get_act_patch_direct_path

    model, pair = tiny.model("gpt2", "float64"), contexts("gpt2", dtype="float64").pair
    run, source = (sequences(model, pair, world, [Y]) for world in (1, 0))
    wanted = lambda name: name.endswith("hook_z")  # noqa: E731
    _, own = model.bridge.run_with_cache(run.ids, names_filter=wanted)
    _, other = model.bridge.run_with_cache(source.ids, names_filter=wanted)
    # Theirs takes all positions; only the chain's are to differ.
    mixed = {name: own[name].clone() for name in (f"blocks.{layer}.attn.hook_z" for layer in range(tiny.LAYERS))}
    for name, value in mixed.items():
        value[:, run.start : run.stop] = other[name][:, run.start : run.stop]
    theirs = get_act_patch_direct_path(
        model.bridge,
        run.ids,
        mixed,
        own,
        lambda logits: torch.tensor(read_off(run.readout, logits[:, -run.readout.last :], Y)),
        src_layer=0,
        src_head=1,
        component=receiver,
        verbose=False,
    )
    clean = read_off(run.readout, model.bridge(run.ids, return_type="logits")[:, -run.readout.last :], Y)
    sender = Cell(tuple(range(run.stop - run.start)), (0,), (1,))
    for layer in range(1, tiny.LAYERS):
        for head in range(4):
            into = [Receiver(Component(receiver), (layer,), (head,))]
            ours = path_effects(model, pair, Paths(Component.Z, into), [sender], [Y])[0, 0]
            assert ours == pytest.approx(clean - float(theirs[layer, head]), abs=1e-6)
    assert abs(clean - theirs[1:]).max() > (1e-3 if receiver != "q" else 1e-5)
    assert unhooked(model)


@pytest.mark.parametrize("component", [Component.Z, Component.MLP_OUT, Component.RESID_PRE, Component.V])
@pytest.mark.parametrize("through_mlps", [False, True])
@pytest.mark.parametrize("direction", list(Direction))
def test_paths_under_grouped_queries(component: Component, through_mlps: bool, direction: Direction) -> None:
    """Plain Llama: what blocks add is held by hooks, and what arrives at some KV heads is put into another run."""
    model, pair = tiny.model("llama", "float64"), contexts("llama", dtype="float64").pair
    plain = tiny.plain_model("llama", "float64")
    cell = Cell((3, 4, 5), (1,), {Component.Z: (2,), Component.V: (1,)}.get(component))
    into = [Receiver(Component.K, (LAST,), (0,)), Receiver(Component.V, (LAST,), (0, 1))]
    found = path_effects(model, pair, Paths(component, into, through_mlps), [cell], [Y], direction)[0, 0]
    world = direction.patched_world
    run = sequences(model, pair, world, [Y])
    other = chain_activations(model, pair.context(1 - world, 1 - world), run.start, [component])[Site(component, 1)]
    places = [run.start + position for position in cell.positions]
    sizes = {Component.Z: 8, Component.V: 8}
    layers = plain.model.layers

    def written(value: torch.Tensor) -> torch.Tensor:
        value = value.clone()
        split = value.unflatten(-1, (-1, sizes[component])) if component in sizes else value
        for place, position in zip(places, cell.positions, strict=True):
            if cell.units is None:
                split[0, place] = other[position]
            else:
                split[0, place, cell.units[0]] = other[position][cell.units[0]]
        return split.flatten(2) if component in sizes else split

    def run_plain(hooks: list) -> torch.Tensor:
        with kept(plain):
            logits = plain(run.ids).logits[:, -run.readout.last :].detach()
        for hook in hooks:
            hook.remove()
        return logits

    seen: dict[str, torch.Tensor] = {}

    def keep(name: str):
        return lambda _, args, out: seen.__setitem__(name, out.detach().clone())

    after = [layer for layer in range(tiny.LAYERS) if layer > 1 or (component is Component.RESID_PRE and layer == 1)]
    held = [(f"attn{layer}", layers[layer].self_attn.o_proj) for layer in after]
    if not through_mlps:
        with_own = component in (Component.Z, Component.V)
        held += [(f"mlp{layer}", layers[layer].mlp) for layer in range(1, tiny.LAYERS) if layer in after or with_own]
    clean = run_plain([module.register_forward_hook(keep(name)) for name, module in held])
    own = dict(seen)
    hooks = [module.register_forward_hook(lambda _, args, out, name=name: own[name]) for name, module in held]
    if component is Component.Z:
        hooks.append(layers[1].self_attn.o_proj.register_forward_pre_hook(lambda _, args: (written(args[0]),)))
    elif component is Component.RESID_PRE:
        hooks.append(layers[1].register_forward_pre_hook(lambda _, args: (written(args[0]), *args[1:])))
    else:
        module = layers[1].mlp if component is Component.MLP_OUT else layers[1].self_attn.v_proj
        hooks.append(module.register_forward_hook(lambda _, args, out: written(out)))
    into_last = layers[LAST].self_attn
    hooks += [getattr(into_last, f"{name}_proj").register_forward_hook(keep(name)) for name in "kv"]
    run_plain(hooks)
    arrived = {name: seen[name] for name in "kv"}

    def receive(name: str, heads: slice):
        def hook(_, args, out):
            out = out.clone()
            out.unflatten(-1, (2, 8))[0, places, heads] = arrived[name].unflatten(-1, (2, 8))[0, places, heads]
            return out

        return hook

    patched = run_plain(
        [
            into_last.k_proj.register_forward_hook(receive("k", slice(0, 1))),
            into_last.v_proj.register_forward_hook(receive("v", slice(0, 2))),
        ]
    )
    y = [read_off(run.readout, logits, Y) for logits in (clean, patched)]
    wanted = y[0] - y[1] if direction is Direction.NOISING else y[1] - y[0]
    assert found == pytest.approx(wanted, abs=1e-10)
    assert abs(wanted) > 1e-4


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_next_to_the_last_layer_the_path_is_all_there_is(architecture: str) -> None:
    """What the chain's MLPs of that layer say is read through keys and values of the last alone."""
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    cells = [Cell((0, 1), (LAST - 1,)), Cell(tuple(range(len(pair.traces[1].ids))), (LAST - 1,))]
    into = [Receiver(each, (LAST,)) for each in (Component.K, Component.V)]
    outcomes = USUAL
    state = state_effects(model, pair, [Component.MLP_OUT], cells, outcomes)
    np.testing.assert_allclose(
        path_effects(model, pair, Paths(Component.MLP_OUT, into), cells, outcomes), state, atol=1e-6
    )
    assert abs(state).max() > 1e-3
    earlier = [Cell(each.positions, (0,)) for each in cells]
    whole = state_effects(model, pair, [Component.MLP_OUT], earlier, outcomes)
    assert abs(path_effects(model, pair, Paths(Component.MLP_OUT, into), earlier, outcomes) - whole).max() > 1e-4


def test_nothing_arrives_where_it_cannot() -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    into = [Receiver(Component.K, (0, 1)), Receiver(Component.V, (1,))]
    assert path_effects(model, pair, Paths(Component.MLP_OUT, into), [Cell((1, 2), (1,))], [Y])[0, 0] == 0
    assert path_effects(model, pair, Paths(Component.RESID_PRE, into), [Cell((1, 2), (1,))], [Y])[0, 0] != 0


def test_what_is_no_path_is_refused() -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    with pytest.raises(InputError, match="begins in one layer"):
        path_effects(model, pair, Paths(Component.Z, [Receiver(Component.K, (2,))]), [Cell((1,), (0, 1))], [Y])
    with pytest.raises(InputError, match="ends in some of q, k, v"):
        path_effects(model, pair, Paths(Component.Z, [Receiver(Component.MLP_OUT, (2,))]), [Cell((1,), (0,))], [Y])
    with pytest.raises(InputError, match="ends in some of q, k, v"):
        path_effects(model, pair, Paths(Component.Z, []), [Cell((1,), (0,))], [Y])


def test_without_sweeps_paths_take_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that failed the self-check never begins a sweep, not even for the run as it is."""
    model, pair = tiny.model("llama"), contexts("llama").pair
    senders, into = [Cell((3, 4), (0,)), Cell((5,), (1,))], [Receiver(Component.V, (LAST,))]
    wanted = path_effects(model, pair, Paths(Component.RESID_PRE, into), senders, [Y])

    def refuse(*_, **__):
        raise AssertionError("a sweep was begun")

    monkeypatch.setattr("mediate.mediation.branching.untouched", refuse)
    found = path_effects(tiny.unswept(model), pair, Paths(Component.RESID_PRE, into), senders, [Y])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert abs(wanted).max() > 1e-3
