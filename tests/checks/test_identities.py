"""The identities hold on tiny random models, and each of them notices the bug that it is there for."""

from dataclasses import replace
from functools import cache, partial

import pytest
import torch

from mediate.checks import identities
from mediate.checks.claims import Identity, Size, token_pair
from mediate.checks.identities import IDENTITIES
from mediate.checks.run import TINY, TOLERANCE, limits_of
from mediate.checks.tiny import Tiny, tiny_model
from mediate.mediation.cells import Cell
from mediate.mediation.kinds import cube, state
from mediate.models.loading import load_unchecked as load
from mediate.passes import hooks, interventions
from mediate.passes.selfcheck import checked
from mediate.passes.sweeps import sweep
from tests import tiny


@cache
def model(architecture: Tiny, dtype: str):
    return checked(load(tiny_model(architecture, getattr(torch, dtype)), device="cpu", copy=False))


@pytest.mark.parametrize(("architecture", "dtype"), TINY)
@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda each: each.deviation.__name__)
@pytest.mark.parametrize("seed", [0, 1])
def test_identities_hold(identity: Identity, architecture: Tiny, dtype: str, seed: int) -> None:
    hooked = model(architecture, dtype)
    if identity.why_not(hooked):
        assert (architecture, identity.deviation.__name__) == (Tiny.GPT2, "moved_keys_and_values")
        return
    found = identity.deviation(hooked, token_pair(hooked, seed))
    if identity.kind is Size.DIFFERENT:
        assert found > 1e-3
    else:
        assert found <= (0 if identity.kind is Size.EXACT else TOLERANCE[dtype])


def one_early(self: Cell, components, start, by, kept=Cell.patches):
    return kept(self, components, start - 1, by)


def shifted(found, run, by, kept=state.placed):
    return {place: value.roll(1, 0) for place, value in kept(found, run, by).items()}


def unmasked(rows, heads, length, begin=0, kept=hooks.knockout_mask):
    return torch.zeros_like(kept(rows, heads, length, begin))


def worlds_exchanged(hooked, contexts, d, t, h, kept=cube.read_cell):
    return kept(hooked, contexts, d, t, 1 - h)


def leave_a_hook(hooked, ids, hooks):
    hooked.bridge.hook_dict[hooks[0][0]].add_hook(hooks[0][1])
    raise ArithmeticError("on purpose")


@pytest.mark.parametrize(
    ("where", "name", "bug", "noticed"),
    [
        (Cell, "patches", one_early, {"causal", "chain_tokens", "keys_and_values"}),
        (state, "placed", shifted, {"self_source", "chain_tokens", "keys_and_values"}),
        ((hooks, sweep), "knockout_mask", unmasked, {"unread_contents", "hidden_attention", "knockout_less_zeroed"}),
        (identities, "Knockout", partial(interventions.Knockout, renormalised=False), {"rows_sum"}),
        (cube, "read_cell", worlds_exchanged, {"untouched_corners", "keys_and_values"}),
        (identities, "one_pass", leave_a_hook, {"left_behind"}),
        (identities, "one_pass", lambda *_, **__: None, {"left_behind"}),
    ],
)
def test_identities_notice(monkeypatch, where, name: str, bug, noticed: set[str]) -> None:
    hooked = model(Tiny.LLAMA, "float32")
    pair, limits = token_pair(hooked), limits_of(hooked)
    for each in where if isinstance(where, tuple) else (where,):
        monkeypatch.setattr(each, name, bug)
    found = set()
    for identity in IDENTITIES:
        if identity.deviation.__name__ not in noticed:
            continue
        try:
            deviation = identity.deviation(hooked, pair)
        except ValueError:  # an error that names the bug is a notice too
            deviation = float("nan")
        if not (deviation > limits[Size.DIFFERENT] if identity.kind is Size.DIFFERENT else deviation <= 1e-3):
            found.add(identity.deviation.__name__)
    for point in hooked.bridge.hook_dict.values():
        point.remove_hooks()
    assert found == noticed


def test_the_pair_is_of_the_models_own_tokens() -> None:
    hooked = model(Tiny.GPT2, "float64")
    pair = token_pair(hooked, 3)
    assert pair == token_pair(hooked, 3)
    assert pair != token_pair(hooked, 4)
    ids = [*pair.context(0, 0), *pair.context(1, 1), *pair.readers.cue, *pair.readers.base, *pair.readers.source]
    assert max(ids) < hooked.facts.d_vocab
    assert pair.traces[0].step_spans == pair.traces[1].step_spans == ((0, 3), (3, 7))
    assert pair.readers.shared == 1
    assert replace(pair, readers=pair.readers) == pair


@pytest.mark.parametrize("architecture", Tiny)
def test_tiny_models_are_the_same_for_the_same_seed_and_draw_nothing_global(architecture: Tiny) -> None:
    before = torch.random.get_rng_state()
    one, same, other = (tiny_model(architecture, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    weights = [torch.cat([each.flatten() for each in made.parameters()]) for made in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert one.config.num_attention_heads == 4
    if architecture is Tiny.LLAMA:
        assert one.config.num_key_value_heads == 2


@pytest.mark.parametrize("architecture", ["OPTForCausalLM", "GPTJForCausalLM", "SmolLM3ForCausalLM"])
def test_they_hold_where_knockouts_and_turns_are_made_otherwise(architecture: str) -> None:
    """What a model cannot be asked is left out: zeroed patterns, where patterns cannot be written."""
    hooked = tiny.model(architecture, "float64")
    pair = token_pair(hooked, 0)
    asked = [each for each in IDENTITIES if not each.why_not(hooked)]
    assert {"unread_contents", "knockout_less_deletion"} <= {each.deviation.__name__ for each in asked}
    for identity in asked:
        found = identity.deviation(hooked, pair)
        if identity.kind is Size.DIFFERENT:
            assert found > 1e-3, identity.name
        else:
            # GPT-J's angles are in float32.
            assert found <= (0 if identity.kind is Size.EXACT else 1e-6), identity.name
