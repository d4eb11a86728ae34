"""How quick this machine takes a model's tokens through its blocks, measured in a moment, once a process."""

import time
from dataclasses import dataclass

import torch

from mediate.models.gpu import wait
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.interventions import Patch, Reference, Values
from mediate.passes.sweeps.sweep import Untouched, sweep, untouched

# Blocks that a trial runs, and tokens of a row of it.
_BLOCKS, _TOKENS = 4, 64
# A trial that takes longer is the last one, in seconds.
_LONG = 0.4
_MOST = 2**16
# A trial is repeated so often at least, and one that is soon over as often as that takes, within the most: on a busy
# machine a short one is mostly waiting.
_REPEATS, _MOST_REPEATS, _SOON = 3, 20, 0.2


@dataclass(frozen=True, slots=True)
class Pace:
    """What a sweep's work takes on this machine.

    Args:
        token_layer: Seconds for a token through one block, beside enough others.
        block: Seconds that running a block takes whatever goes through it.
        tokens: Beside how many tokens a token is quickest.
        sweep: Seconds that a sweep takes beside its blocks: its hooks, and what reads the answer off.
    """

    token_layer: float
    block: float
    tokens: int
    sweep: float = 0.0

    @property
    def overhead(self) -> float:
        """What running a block takes, with its part of the sweep, in tokens that it could have taken meanwhile."""
        return (self.block + self.sweep / _BLOCKS) / self.token_layer


_KNOWN: dict[tuple[str, str, str, int], Pace] = {}


def known_pace(model: Model) -> Pace | None:
    """The pace, if it has been measured."""
    return _KNOWN.get(_key(model))


def pace(model: Model) -> Pace:
    """The pace of a model that passed the self-check of sweeps; measured the first time, which takes about a second.

    Sweeps of more and more rows through the last blocks, until one takes long: the smallest, and one through the last
    block alone, say what a block costs and what a sweep does; the others what a token does.
    """
    key = _key(model)
    if key not in _KNOWN:
        _KNOWN[key] = _measured(model)
    return _KNOWN[key]


def _key(model: Model) -> tuple[str, str, str, int]:
    return model.facts.fingerprint, model.facts.device, model.facts.dtype, torch.get_num_threads()


def _measured(model: Model) -> Pace:
    first = max(0, model.facts.layers - _BLOCKS)
    blocks = model.facts.layers - first
    length = max(2, min(_TOKENS, (model.facts.context or _TOKENS) - 1))
    ids = model.probe.ids[:1, torch.arange(length, device=model.device) % model.probe.ids.shape[1]]
    run = untouched(model, ids, 0, 0)
    _trial(model, run, first, 1)  # what is done for the first time takes longer
    small = _quickest(model, run, first, 1)
    alone = small if blocks == 1 else _quickest(model, run, model.facts.layers - 1, 1)
    # Of a single block nothing tells it from its sweep.
    begun = 0.0 if blocks == 1 else max(0.0, small - max(0.0, small - alone) * blocks / (blocks - 1))
    trials = [(length, (small - begun) / blocks)]
    rows, seconds = 4, small
    while rows * length <= _MOST and seconds <= _LONG:
        seconds = _quickest(model, run, first, rows)
        trials.append((rows * length, max(0.0, seconds - begun) / blocks))
        rows *= 4
    most, best = min(trials, key=lambda each: each[1] / each[0])
    least, quick = trials[0]
    token = (best - quick) / (most - least) if best > quick and most > least else best / most
    # Where a block took no longer than a sweep without it, as waiting has it, a token takes what both did.
    token = token or seconds / (blocks * trials[-1][0])
    return Pace(token, max(0.0, quick - token * least), most, begun)


def _quickest(model: Model, run: Untouched, first: int, rows: int) -> float:
    """The least time of some trials."""
    found: list[float] = []
    while len(found) < _REPEATS or (sum(found) < _SOON and len(found) < _MOST_REPEATS):
        found.append(_trial(model, run, first, rows))
    return min(found)


def _trial(model: Model, run: Untouched, first: int, rows: int) -> float:
    """Seconds of one sweep from block `first` on, over whole rows."""
    site = Site(Component.RESID_PRE, first)
    values: Values = {(Reference.SOURCE, site): run.entering[first][0]}
    branches = [(Patch(site, (0,)),)] * rows
    wait(model.device)
    started = time.perf_counter()
    sweep(
        model,
        run,
        branches,
        last=run.length,
        values=values,
        tokens=torch.zeros(1, dtype=torch.int64, device=model.device),
    )
    wait(model.device)
    return time.perf_counter() - started
