"""I05: what a measurement leaves behind, also when it fails: nothing.

Compared before and after, bit by bit: logits, hooks of transformer-lens and of torch, stand-ins for blocks, gradients,
flags of training and of gradients, weights' versions, the tokenizer, the configuration, and the global generators of
torch and numpy.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch

from mediate.errors import InputError
from mediate.mediation import branching
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds import attribution, cube, knockout
from mediate.mediation.kinds import read as reads
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.attribution import Method, attribution_map, attributions
from mediate.mediation.kinds.cube import Contexts, measure_cube, run_contexts
from mediate.mediation.kinds.knockout import deletion_effect, knockout_effects
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.kinds.state import state_effects
from mediate.mediation.kinds.step_shapley import step_shapley
from mediate.mediation.maps import measure_map, parse_map
from mediate.mediation.outcomes import Outcome
from mediate.models import generation
from mediate.models.generation import Decoding, generate
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes import attention, hooks
from mediate.passes import forward as forward_module
from mediate.passes import gradients as gradients_module
from mediate.passes import one_pass as one_pass_module
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Patch, Reference
from mediate.passes.keyvalues import prefill, stacked
from mediate.passes.one_pass import one_pass
from mediate.passes.readers import read
from tests import tiny
from tests.identities import draws

Y = [Outcome.LOGIT_DIFF]
KV = [Component.K, Component.V]
PAIR = draws.pair_from(draws.Shape((2, 2), (2, 2), 2, (2, 2), 1), 11)
PROMPTS = [[3, 4, 5, 6], [7, 8]]
WHOLE = draws.whole(PAIR)
IDS = draws.tokens(0, 2, 9)


class BrokenError(Exception):
    """What is thrown into a measurement."""


@cache
def contexts(architecture: str) -> Contexts:
    return run_contexts(tiny.model(architecture), PAIR)


MEASUREMENTS: dict[str, Callable[[Model], Any]] = {
    "forward, kept": lambda model: forward(
        model, IDS, keep=draws.all_sites("llama", Component.Z, Component.RESID_POST)
    ),
    "forward, patched": lambda model: forward(model, IDS, interventions=[[PATCH], []], values=values()),
    "forward, knocked out": lambda model: forward(model, IDS, interventions=[[Knockout((5,), (2,), (1,))], []]),
    "forward, written": lambda model: forward(model, IDS, writes={Site(Component.MLP_OUT, 1): torch.ones(2, 9, 32)}),
    "contexts": lambda model: run_contexts(model, PAIR),
    "cube": lambda model: measure_cube(model, contexts(architecture_of(model))),
    "read": lambda model: read_effects(model, contexts(architecture_of(model)), [WHOLE], Y[0]),
    "state": lambda model: state_effects(model, PAIR, KV, [WHOLE], Y),
    "knockout": lambda model: knockout_effects(model, PAIR, [WHOLE], Y),
    "zeroed": lambda model: knockout_effects(model, PAIR, [WHOLE], Y, renormalised=False),
    "deletion": lambda model: deletion_effect(model, PAIR, Y),
    "ablation": lambda model: ablation_effects(
        model, PAIR, [Component.MLP_OUT], [WHOLE], Y, Reference.NOISE, Material(seed=1)
    ),
    "attribution": lambda model: attributions(model, PAIR, [Component.Z], Y[0]),
    "integrated": lambda model: attributions(model, PAIR, [Component.Z], Y[0], method=Method.IG, steps=2),
    "dropped": lambda model: attributions(model, PAIR, [Component.Z], Y[0], method=Method.GRADDROP),
    "fixed": lambda model: attributions(model, PAIR, [Component.Q], Y[0], method=Method.QKFIX),
    "relevance": lambda model: attributions(model, PAIR, [Component.Z], Y[0], method=Method.RELP),
    "attribution map": lambda model: attribution_map(
        model, PAIR, attributions(model, PAIR, [Component.V], Y[0])[Component.V], ["step", "layer"], Y[0]
    ),
    "shapley": lambda model: step_shapley(model, contexts(architecture_of(model)), Y[0]),
    "relayed": lambda model: measure_map(model, contexts(architecture_of(model)), parse_map("relayed:step"), Y[0], 1.0),
    "step graph": lambda model: measure_map(
        model, contexts(architecture_of(model)), parse_map("step_graph.read:step,result"), Y[0], 1.0
    ),
    "generation": lambda model: generate(model, PROMPTS, Decoding(max_new_tokens=4, temperature=1.0, stop=("zz",))),
    "resumed": lambda model: one_pass(model, torch.ones(2, 9, 32), first=2),
    "read from a cache": lambda model: read(
        model, IDS[:, 6:], stacked([[each] for each in prefill(model, IDS[:, :6])]), last=3
    ),
}
PATCH = Patch(Site(Component.RESID_POST, 1), (3, 4))


def architecture_of(model: Model) -> str:
    return next(name for name in tiny.ARCHITECTURES if tiny.model(name) is model)


@cache
def values() -> dict[tuple[Reference, Site], torch.Tensor]:
    return {(Reference.SOURCE, PATCH.site): torch.ones(9, 32)}


def snapshot(model: Model) -> dict[str, Any]:
    """Everything that a measurement might leave changed."""
    bridge, plain = model.bridge, model.plain
    logits = forward(model, IDS).logits
    return {
        "logits": logits.numpy().tobytes(),
        "hooks": sum(len(point.fwd_hooks) + len(point.bwd_hooks) for point in bridge.hook_dict.values()),
        "torch hooks": [
            tuple(len(getattr(module, name)) for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks"))
            for module in bridge.modules()
        ],
        "stand-ins": [sorted(name for name in vars(module) if name == "forward") for module in bridge.modules()],
        "gradients": [weight.grad is None for weight in plain.parameters()],
        "wanted gradients": [weight.requires_grad for weight in plain.parameters()],
        "weights": [weight._version for weight in plain.parameters()],
        "training": [module.training for module in bridge.modules()],
        "grad mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()),
        "settings": (
            plain.config._attn_implementation,
            plain.config.to_dict(),
            id(plain.generation_config),
            plain.generation_config.to_dict(),
        ),
        "tokenizer": (model.tokenizer.padding_side, model.tokenizer.pad_token_id, model.tokenizer.truncation_side),
        "torch generator": torch.get_rng_state().numpy().tobytes(),
        "numpy generator": np.random.get_state()[1].tobytes() + bytes([np.random.get_state()[2] % 256]),
    }


def assert_untouched(model: Model, before: dict[str, Any]) -> None:
    after = snapshot(model)
    assert [what for what in before if before[what] != after[what]] == []
    assert before["hooks"] == 0
    assert all(before["gradients"])
    assert not any(before["training"])


@pytest.mark.parametrize("name", MEASUREMENTS)
@pytest.mark.parametrize("architecture", ["gemma3"])
def test_a_measurement_leaves_nothing_behind(architecture: str, name: str) -> None:
    """I05 (B), after success."""
    model = tiny.model(architecture)
    contexts(architecture)
    before = snapshot(model)
    MEASUREMENTS[name](model)
    assert_untouched(model, before)


class Fuse:
    """Raises at its `after`-th call and passes the others on."""

    def __init__(self, real: Any, after: int, error: type[BaseException]) -> None:
        self.real, self.left, self.error, self.blown = real, after, error, False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.left == 0:
            self.blown = True
            raise self.error
        self.left -= 1
        return self.real(*args, **kwargs)


@pytest.mark.parametrize("after", [0, 1, 4])
@pytest.mark.parametrize("name", MEASUREMENTS)
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_failure_within_a_block_leaves_nothing_behind(architecture: str, name: str, after: int) -> None:
    """I05 (B): the model itself fails, in the middle of a pass with its hooks in place, in the first pass or a later
    one, by an error or by Ctrl-C."""
    model = tiny.model(architecture)
    contexts(architecture)
    mlp = {"llama": "model.layers.1.mlp", "gpt2": "transformer.h.1.mlp"}[architecture]
    kind = type(original(model, mlp))
    error = KeyboardInterrupt if after == 1 else BrokenError
    before = snapshot(model)
    fuse = Fuse(kind.forward, after, error)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "forward", lambda *args, **kwargs: fuse(*args, **kwargs))
        try:
            MEASUREMENTS[name](model)
        except error:
            assert fuse.blown
        else:
            assert after
            assert not fuse.blown
    assert_untouched(model, before)


def original(model: Model, path: str) -> Any:
    """The transformers module at a place of the plain model, without the bridge around it."""
    found = model.plain.get_submodule(path)
    while hasattr(found, "original_component"):
        found = found.original_component
    return found


READ_OFF = {
    "cube": cube, "read": reads, "state": branching, "knockout": branching, "zeroed": branching,
    "ablation": branching,
    "shapley": reads, "relayed": branching, "deletion": knockout, "attribution map": branching,
    "integrated": branching,
}  # fmt: skip


@pytest.mark.parametrize("name", READ_OFF)
@pytest.mark.parametrize("after", [0, 1])
def test_an_outcome_that_raises_leaves_nothing_behind(name: str, after: int) -> None:
    """I05 (B): the outcome fails after the pass, at the first cell or a later one."""
    model = tiny.model("qwen3")
    contexts("qwen3")
    before = snapshot(model)
    module = READ_OFF[name]
    # The cells of a cube are all read off at once.
    name_there = "read_off" if hasattr(module, "read_off") else "read_off_all"
    fuse = Fuse(getattr(module, name_there), after, BrokenError)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name_there, fuse)
        try:
            MEASUREMENTS[name](model)
        except BrokenError:
            assert fuse.blown
        else:
            assert after
    assert_untouched(model, before)
    assert fuse.blown or after


@pytest.mark.parametrize("name", ["attribution", "integrated", "dropped", "fixed", "relevance", "attribution map"])
def test_an_outcome_that_raises_before_its_gradient_leaves_nothing_behind(name: str) -> None:
    """I05 (B): between the forward and the backward pass, with the graph alive."""
    model = tiny.model("llama")
    before = snapshot(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attribution, "outcome_tensor", Fuse(None, 0, BrokenError))
        with pytest.raises(BrokenError):
            MEASUREMENTS[name](model)
    assert_untouched(model, before)


HOOKS = {
    "forward, kept": (forward_module, "_keep"),
    "forward, patched": (hooks, "put_in_place"),
    "forward, written": (hooks, "check_like"),
    "forward, knocked out": (hooks, "_fitting"),
    "state": (hooks, "put_in_place"),
    "ablation": (hooks, "put_in_place"),
    "zeroed": (hooks, "_fitting"),
    "knockout": (attention, "_without"),
    "attribution": (one_pass_module, "_counted"),
    "integrated": (one_pass_module, "_counted"),
}


@pytest.mark.parametrize("error", [BrokenError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_raises_leaves_nothing_behind(name: str, error: type[BaseException]) -> None:
    """I05 (B): the exception comes from inside a hook, whatever its kind."""
    model, (module, function) = tiny.model("llama"), HOOKS[name]
    before = snapshot(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, function, Fuse(None, 0, error))
        with pytest.raises(error):
            MEASUREMENTS[name](model)
    assert_untouched(model, before)


def outside(pair: EncodedPair = PAIR) -> Cell:
    return Cell((len(pair.traces[1].ids),), (0,))


NOWHERE = Site(Component.Z, 7)
BAD = {
    "a position outside the chain": lambda model: state_effects(model, PAIR, KV, [WHOLE, outside()], Y),
    "a position outside, read": lambda model: read_effects(model, contexts("llama"), [WHOLE, outside()], Y[0]),
    "a position outside, knocked out": lambda model: knockout_effects(model, PAIR, [WHOLE, outside()], Y),
    "a position outside, ablated": lambda model: ablation_effects(
        model, PAIR, [Component.Z], [WHOLE, outside()], Y, Reference.ZERO
    ),
    "a position outside the sequence": lambda model: forward(
        model, IDS, interventions=[[replace(PATCH, positions=(9,))], []], values=values()
    ),
    "a head that does not exist": lambda model: state_effects(
        model, PAIR, [Component.Z], [replace(WHOLE, units=(4,))], Y
    ),
    "a KV head that does not exist": lambda model: read_effects(
        model, contexts("llama"), [replace(WHOLE, units=(2,))], Y[0]
    ),
    "a head that does not exist, knocked out": lambda model: knockout_effects(
        model, PAIR, [replace(WHOLE, units=(9,))], Y
    ),
    "a neuron that does not exist": lambda model: state_effects(
        model, PAIR, [Component.MLP_POST], [replace(WHOLE, units=(48,))], Y
    ),
    "all keys": lambda model: forward(model, IDS, interventions=[[], [Knockout((4,), (0, 1, 2, 3, 4), (2,))]]),
    "a hook that does not exist": lambda model: forward(model, IDS, keep=[NOWHERE]),
    "a write that does not exist": lambda model: forward(model, IDS, writes={NOWHERE: torch.zeros(2, 9, 4, 8)}),
    "a gradient that does not exist": lambda model: gradients_module.gradients(
        model, IDS, [NOWHERE], lambda logits: logits.sum(), last=1
    ),
    "a value of another shape": lambda model: forward(model, IDS, writes={PATCH.site: torch.zeros(2, 9, 31)}),
    "a value that is not a number": lambda model: forward(
        model, IDS, interventions=[[], [PATCH]], values={(Reference.SOURCE, PATCH.site): torch.full((9, 32), torch.nan)}
    ),
    "no value": lambda model: forward(model, IDS, interventions=[[PATCH], []], values={}),
    "patterns estimated": lambda model: attributions(model, PAIR, [Component.PATTERN], Y[0]),
    "chains that cannot be aligned": lambda model: state_effects(model, ragged(), KV, [Cell((0,), (0,))], Y),
    "no other pairs": lambda model: ablation_effects(model, PAIR, [Component.Z], [WHOLE], Y, Reference.MEAN),
    "a prompt too long": lambda model: generate(model, [[1] * 250], Decoding(max_new_tokens=20)),
    "an empty prompt": lambda model: generate(model, [[1], []], Decoding(max_new_tokens=2)),
    "senseless permutations": lambda model: step_shapley(model, contexts("llama"), Y[0], tolerance=0.0),
}


def ragged() -> EncodedPair:
    return replace(PAIR, traces=(draws.trace((1, 2, 3), (1, 2)), PAIR.traces[1]))


@pytest.mark.parametrize("name", BAD)
def test_a_refusal_leaves_nothing_behind(name: str) -> None:
    """I05 (B): bad input, found before a pass, within one, or after it."""
    model = tiny.model("llama")
    contexts("llama")
    before = snapshot(model)
    with pytest.raises(InputError):
        BAD[name](model)
    assert_untouched(model, before)


@pytest.mark.parametrize("function", ["decode", "_trimmed", "eos_ids"])
def test_generation_that_fails_leaves_its_settings(function: str) -> None:
    """I05 (B): the model's own generation settings are hidden while it writes, and back after a failure of decoding,
    of the stops or of the noise."""
    model = tiny.model("llama")
    before = snapshot(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, function, Fuse(None, 0, BrokenError))
        with pytest.raises(BrokenError):
            MEASUREMENTS["generation"](model)
    assert_untouched(model, before)


def test_a_snapshot_notices() -> None:
    """Each kind of remains that the tests above look for is seen when it is there."""
    model = tiny.model("llama")
    before = snapshot(model)
    weight, block = next(model.plain.parameters()), model.bridge.blocks[0]
    point = model.bridge.hook_dict["blocks.0.hook_resid_pre"]

    def hook(value: torch.Tensor, hook: Any) -> torch.Tensor:
        return value

    def noticed(change: Callable[[], Any], undo: Callable[[], Any]) -> set[str]:
        change()
        try:
            after = snapshot(model)
            return {what for what in before if before[what] != after[what]}
        finally:
            undo()

    own, side, state_ = model.plain.generation_config, model.tokenizer.padding_side, torch.get_rng_state()
    numbers = np.random.get_state()
    found = noticed(lambda: point.add_hook(hook), lambda: point.remove_hooks())
    assert "hooks" in found
    found = noticed(lambda: setattr(weight, "grad", torch.zeros_like(weight)), lambda: setattr(weight, "grad", None))
    assert found == {"gradients"}
    same = block.forward
    found = noticed(partial(object.__setattr__, block, "forward", same), partial(object.__delattr__, block, "forward"))
    assert "stand-ins" in found
    other = type(own)()
    found = noticed(
        lambda: setattr(model.plain, "generation_config", other), lambda: setattr(model.plain, "generation_config", own)
    )
    assert "settings" in found
    other_side = "left" if side == "right" else "right"
    found = noticed(
        lambda: setattr(model.tokenizer, "padding_side", other_side),
        lambda: setattr(model.tokenizer, "padding_side", side),
    )
    assert found == {"tokenizer"}
    assert noticed(lambda: torch.rand(1), lambda: torch.set_rng_state(state_)) == {"torch generator"}
    assert noticed(lambda: np.random.rand(1), lambda: np.random.set_state(numbers)) == {"numpy generator"}
    assert noticed(lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True)) == {"grad mode"}
    assert noticed(model.bridge.train, model.bridge.eval) == {"training"}
    assert_untouched(model, before)


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_pythons_own_generator_is_not_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """I05: its state cannot be compared here, as the tests' type checks draw from it."""
    contexts("llama")
    for function in ("seed", "random", "randint", "randrange", "choice", "choices", "sample", "shuffle", "gauss"):
        monkeypatch.setattr(random, function, Fuse(None, 0, BrokenError))
    MEASUREMENTS[name](tiny.model("llama"))
