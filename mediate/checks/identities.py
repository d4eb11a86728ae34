"""Identities that any model and pair must satisfy, each as the deviation found; what `mediate check` and the tests run.

Every function takes a hooked model and a pair whose questions and chains are equally long, and returns one number: the
largest deviation from what must be so, or, for what must *not* be so, the size of the difference. Outcomes are logit
differences, in nats.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.checks.claims import Identity, Size
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.kinds.knockout import deletion_effect, knockout_effects
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.state import Direction, other_world, state_effects
from mediate.mediation.kinds.step_shapley import step_shapley
from mediate.mediation.outcomes import Outcome
from mediate.mediation.sequences import Sequences, outcomes_under, sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.pairs.pair import World
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Reference
from mediate.passes.one_pass import one_pass
from mediate.passes.selfcheck import KNOCKED_OUT
from mediate.results.cube import corners, shapley, total_effect

C = Component
Y = Outcome.LOGIT_DIFF
FROM_CACHE, MOVED = "answer read from keys and values", "re-rotated keys"


def self_source(model: Model, pair: EncodedPair) -> float:
    """Effects of putting the base run's own activations back, of every component that the model offers."""
    same = replace(pair, questions=(pair.questions[World.BASE],) * 2, traces=(pair.traces[World.BASE],) * 2)
    run = sequences(model, same, World.BASE, [Y])
    offered = [component for component in Component if component not in model.refused]
    values = other_world(model, same, offered, Direction.NOISING, run)
    chain = _chain(model, pair)
    patches = [chain.patches([component], run.start, Reference.SOURCE) for component in offered]
    y = outcomes_under(model, run, [Y], [(), *patches], values)
    return _apart(y[:, 1:], y[:, :1])


def chain_tokens(model: Model, pair: EncodedPair) -> float:
    """Patching the chain as it enters the first block, against running the base question with the source chain."""
    run = sequences(model, pair, World.BASE, [Y])
    ids = run.ids.clone()
    ids[:, run.start : run.stop] = torch.tensor(pair.traces[World.SOURCE].ids, device=ids.device)
    effect = _untouched(model, run) - _untouched(model, replace(run, ids=ids))
    return _apart(state_effects(model, pair, [C.RESID_PRE], [_chain(model, pair, (0,))], [Y]), effect)


def causal(model: Model, pair: EncodedPair) -> float:
    """Logits before the second step, when every component is patched from there on."""
    logits, clean, place = _patched_late(model, pair)
    return float((logits - clean)[:, :place].abs().max())


def patches_move(model: Model, pair: EncodedPair) -> float:
    """The same patches on the logits after them: how far the component that moves them least does."""
    logits, clean, place = _patched_late(model, pair)
    return float((logits - clean)[:, place:].abs().amax(dim=(1, 2)).min())


def untouched_corners(model: Model, pair: EncodedPair) -> float:
    """Y[1,1,1] and Y[0,0,0], against ordinary passes."""
    y = _cube(model, pair)
    return _apart([y[0, 0, 0], y[1, 1, 1]], [_untouched(model, sequences(model, pair, world, [Y])) for world in World])


def algebra(model: Model, pair: EncodedPair) -> float:
    """TE = NDE + TIE = NIE + TDE, and the Shapley values of the channels sum to TE."""
    y = _cube(model, pair)[None]
    e = corners(y)
    sums = np.stack([e.nde + e.tie, e.nie + e.tde, shapley(y).sum(axis=1)])
    return _apart(sums, total_effect(y))


def keys_and_values(model: Model, pair: EncodedPair) -> float:
    """State effects of all keys and values of the chain, against the cube's Y[d,1,1] - Y[d,0,0]."""
    y, chain = _cube(model, pair), _chain(model, pair)
    found = [state_effects(model, pair, [C.K, C.V], [chain], [Y], each)[0, 0] for each in Direction]
    return _apart(found, [y[each.patched_world, 1, 1] - y[each.patched_world, 0, 0] for each in Direction])


def moved_keys_and_values(model: Model, pair: EncodedPair) -> float:
    """The same with a longer base question, so that the cube turns keys to other positions."""
    longer = (pair.questions[World.SOURCE], pair.questions[World.SOURCE][:2] + pair.questions[World.BASE])
    return keys_and_values(model, replace(pair, questions=longer))


def reads(model: Model, pair: EncodedPair) -> float:
    """The read effect of the whole chain and the sum of its steps' Shapley values, against TIE."""
    contexts = run_contexts(model, pair)
    y = measure_cube(model, contexts, [Y])[0]
    whole = read_effects(model, contexts, [_chain(model, pair)], Y)[0]
    return _apart([whole, step_shapley(model, contexts, Y).values.sum()], y[1, 1, 1] - y[1, 0, 0])


def interaction(model: Model, pair: EncodedPair) -> float:
    """Y11 - Y10 - Y01 + Y00, by which TE and NDE + NIE differ."""
    return float(abs(corners(_cube(model, pair)[None]).interaction[0]))


def unread_contents(model: Model, pair: EncodedPair) -> float:
    """Logits of the readers when the chain's tokens change, and no reader may attend to the chain in any layer."""
    return _heard(model, pair, sequences(model, pair, World.BASE, [Y]).readers)


def contents_through_others(model: Model, pair: EncodedPair) -> float:
    """The same when only the last reader may not: the others tell it."""
    return _heard(model, pair, sequences(model, pair, World.BASE, [Y]).readers[-1:])


def rows_sum(model: Model, pair: EncodedPair) -> float:
    """How far a row of attention is from a sum of 1, under a knockout."""
    return max(float((pattern.sum(dim=-1) - 1).abs().max()) for pattern in _patterns(model, pair))


def hidden_attention(model: Model, pair: EncodedPair) -> float:
    """The largest attention to the future, or of a reader to the chain, under a knockout."""
    run = sequences(model, pair, World.BASE, [Y])
    return max(
        float(torch.maximum(pattern.triu(1).max(), pattern[:, :, run.stop :, run.start : run.stop].max()))
        for pattern in _patterns(model, pair)
    )


def knockout_less_zeroed(model: Model, pair: EncodedPair) -> float:
    """Knocking the chain out, less zeroing the pattern there."""
    cell = [_chain(model, pair)]
    zeroed = knockout_effects(model, pair, cell, [Y], renormalised=False)
    return _apart(knockout_effects(model, pair, cell, [Y]), zeroed)


def knockout_less_deletion(model: Model, pair: EncodedPair) -> float:
    """Knocking the chain out, less deleting it."""
    return _apart(knockout_effects(model, pair, [_chain(model, pair)], [Y])[:, 0], deletion_effect(model, pair, [Y]))


def left_behind(model: Model, pair: EncodedPair) -> float:
    """Hooks that are still there after one of them raised, and how far logits then are from what they were."""
    ids = sequences(model, pair, World.BASE, [Y]).ids
    points = model.bridge.hook_dict.values()
    before, there = forward(model, ids).logits, sum(bool(each.fwd_hooks or each.bwd_hooks) for each in points)

    def spoil(value: torch.Tensor, hook: Any) -> torch.Tensor:
        return value * 2

    def break_off(value: torch.Tensor, hook: Any) -> torch.Tensor:
        raise ArithmeticError("on purpose")

    names = [Site(C.RESID_PRE, layer).hook_name for layer in (0, model.facts.layers - 1)]
    try:
        with torch.no_grad():
            one_pass(model, ids, hooks=list(zip(names, (spoil, break_off), strict=True)))
    except ArithmeticError:
        # transformer-lens has hooks of its own on some families.
        hooks = sum(bool(each.fwd_hooks or each.bwd_hooks) for each in points) - there
        return hooks + float((forward(model, ids).logits - before).abs().max())
    return float("inf")


STATE = (
    Identity("its own activation put back has no effect", self_source),
    Identity("the chain's embeddings are its tokens", chain_tokens, components=(C.RESID_PRE,)),
    Identity("nothing before a patch moves", causal, kind=Size.EXACT),
    Identity("everything after a patch moves", patches_move, kind=Size.DIFFERENT),
)
CUBE = (
    Identity("corners are untouched runs", untouched_corners, check=FROM_CACHE),
    Identity("TE = NDE + TIE = NIE + TDE = Shapley sum", algebra, Size.ARITHMETIC, FROM_CACHE),
    Identity("all keys and values are TIE", keys_and_values, check=FROM_CACHE, components=(C.K, C.V)),
    Identity("the same at other positions", moved_keys_and_values, check=MOVED, components=(C.K, C.V)),
    Identity("all reads are TIE, shared out over steps", reads, check=FROM_CACHE),
    Identity("NDE + NIE is not TE", interaction, check=FROM_CACHE, kind=Size.DIFFERENT),
)
KNOCKOUTS = (
    Identity("a chain that is not read may say anything", unread_contents, check=KNOCKED_OUT),
    Identity("rows of attention sum to 1", rows_sum, Size.SHARES, check=KNOCKED_OUT, components=(C.PATTERN,)),
    Identity(
        "no attention to what is hidden", hidden_attention, kind=Size.EXACT, check=KNOCKED_OUT, components=(C.PATTERN,)
    ),
    Identity("knockout is not a zeroed pattern", knockout_less_zeroed, Size.DIFFERENT, KNOCKED_OUT, (C.PATTERN,)),
    Identity("knockout is not deletion", knockout_less_deletion, check=KNOCKED_OUT, kind=Size.DIFFERENT),
    Identity("all readers are not the last one", contents_through_others, check=KNOCKED_OUT, kind=Size.DIFFERENT),
)
AFTERWARDS = (Identity("no hook stays after an error", left_behind, kind=Size.EXACT, components=(C.RESID_PRE,)),)
IDENTITIES = (*STATE, *CUBE, *KNOCKOUTS, *AFTERWARDS)


def _chain(model: Model, pair: EncodedPair, layers: tuple[int, ...] | None = None) -> Cell:
    return Cell(tuple(range(len(pair.traces[World.BASE].ids))), layers or tuple(range(model.facts.layers)))


def _cube(model: Model, pair: EncodedPair) -> Float[np.ndarray, "2 2 2"]:
    y: Float[np.ndarray, "2 2 2"] = measure_cube(model, run_contexts(model, pair), [Y])[0]
    return y


def _untouched(model: Model, run: Sequences) -> float:
    return float(outcomes_under(model, run, [Y], [()], {})[0, 0])


def _apart(found: Any, wanted: Any) -> float:
    return float(np.abs(np.asarray(found) - np.asarray(wanted)).max())


def _patched_late(model: Model, pair: EncodedPair) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Logits with each component patched in all layers from the second step on, a row each; without; and where."""
    run = sequences(model, pair, World.BASE, [Y])
    begin, _ = pair.traces[World.BASE].step_spans[1]
    offered = [component for component in Component if component not in model.refused]
    late = replace(_chain(model, pair), positions=tuple(range(begin, len(pair.traces[World.BASE].ids))))
    patches = [late.patches([component], run.start, Reference.SOURCE) for component in offered]
    ids = run.ids.repeat(len(offered), 1)
    values = other_world(model, pair, offered, Direction.NOISING, run)
    logits = forward(model, ids, patches, values).logits
    return logits, forward(model, ids).logits, run.start + begin


def _heard(model: Model, pair: EncodedPair, readers: tuple[int, ...]) -> float:
    """How far the last readers' logits move with the chain's tokens when those readers may not attend to it."""
    run = sequences(model, pair, World.BASE, [Y])
    keys = tuple(range(run.start, run.stop))
    drawn = np.random.default_rng(1).integers(0, model.facts.d_vocab, size=len(keys))
    ids = run.ids[:1].repeat(2, 1)
    ids[1, run.start : run.stop] = torch.from_numpy(drawn).to(ids)
    cut = Knockout(readers, keys, tuple(range(model.facts.layers)))
    logits = forward(model, ids, [[cut], [cut]], last=len(readers)).logits
    return float((logits[1] - logits[0]).abs().max())


def _patterns(model: Model, pair: EncodedPair) -> list[torch.Tensor]:
    """Each layer's patterns when no reader may attend to the chain."""
    run = sequences(model, pair, World.BASE, [Y])
    layers = tuple(range(model.facts.layers))
    cut = Knockout(run.readers, tuple(range(run.start, run.stop)), layers)
    sites = [Site(C.PATTERN, layer) for layer in layers]
    return list(forward(model, run.ids[:1], [[cut]], keep=sites).kept.values())
