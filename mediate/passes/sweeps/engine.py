"""Sweeps over any number of branches: planned, paced by what the machine holds and does, and watched."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.gpu import gpus_of
from mediate.models.model import Model
from mediate.passes.interventions import Interventions, Values, first_layer
from mediate.passes.keyvalues import KeyValues
from mediate.passes.memory import free_memory, is_out_of_memory
from mediate.passes.sweeps.pace import known_pace, pace
from mediate.passes.sweeps.planning import group_branches
from mediate.passes.sweeps.sweep import Untouched, begins_at, sweep
from mediate.watch import bar

# What a block costs to run at all, in tokens that it could have taken meanwhile; measured by `pace` beside this file.
OVERHEAD = 45.0
# More tokens side by side than this make a processor of a few cores no quicker, and a GPU hardly.
CPU_TOKENS, GPU_TOKENS = 2048, 32768
# Work from which on the pace is measured first, in token-layers: about half a minute of a small model on two cores.
WORTH_MEASURING = 10**6
# The part of free memory that the activations of a sweep may take.
SHARE = 0.4


def branch_logits(
    model: Model,
    run: Untouched,
    branches: Sequence[Interventions],
    *,
    last: int,
    values: Values | None = None,
    other: KeyValues | None = None,
    tokens: Int[Tensor, " token"] | None = None,
) -> Iterator[tuple[int, Float[Tensor, "row last d_vocab"]]]:
    """Each branch's number and logits, in the order of the least work; see `sweep`.

    A sweep that does not fit into memory is halved, and so are those after it.

    Raises:
        InputError: A single branch does not fit into memory.
    """
    blocks, tokens_of = sizes(model, run, branches)
    work = blocks * tokens_of
    if work.sum() > WORTH_MEASURING and known_pace(model) is None:
        pace(model)
    groups = grouped(model, blocks, tokens_of)[::-1]
    most = max(map(len, groups), default=0)
    with bar(int(work.sum()), "interventions") as step:
        while groups:
            group = groups.pop()
            if len(group) > most:
                groups += [group[most:], group[:most]]
                continue
            try:
                some = [branches[number] for number in group]
                logits = sweep(model, run, some, last=last, values=values, other=other, tokens=tokens)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if len(group) == 1:
                    raise InputError(
                        f"model {model.facts.name!r}: one sequence of {run.length} tokens does not fit into the memory "
                        f"of {model.facts.device}; give a shorter chain, a smaller dtype or another device"
                    ) from error
                most = len(group) // 2
                groups.append(group)
                continue
            yield from zip(group, logits, strict=True)
            step(int(work[group].sum()))


def sizes(
    model: Model, run: Untouched, branches: Sequence[Interventions]
) -> tuple[Int[np.ndarray, " branch"], Int[np.ndarray, " branch"]]:
    """How many blocks and how many tokens each branch takes, from the first that it changes on."""
    blocks = [model.facts.layers - first_layer(each) for each in branches]
    tokens = [(run.length - begins_at(run, each)) * run.rows for each in branches]
    return np.array(blocks, dtype=int), np.array(tokens, dtype=int)


def grouped(model: Model, blocks: Int[np.ndarray, " branch"], tokens: Int[np.ndarray, " branch"]) -> list[list[int]]:
    """The branches of each sweep, by number, as this machine takes them best; see `group_branches`."""
    measured = known_pace(model)
    quickest, overhead = (measured.tokens, measured.overhead) if measured else (quickest_tokens(model), OVERHEAD)
    most = max(1, min(quickest, int(SHARE * free_memory(model) / token_bytes(model))))
    return group_branches(blocks, tokens, most=most, overhead=overhead)


def quickest_tokens(model: Model) -> int:
    """Beside how many tokens a token is about quickest, where nothing was measured."""
    return GPU_TOKENS if gpus_of(model.device) else CPU_TOKENS


def token_bytes(model: Model) -> int:
    """About what one token takes while it goes through a block: stream, projections, and the MLP's three arrays."""
    facts = model.facts
    wide = next((int(each.shape[0]) for name, each in model.plain.named_parameters() if "gate_proj" in name), 0)
    wide = wide or 4 * facts.d_model
    return (8 * facts.d_model + 4 * wide) * torch.finfo(model.dtype).bits // 8
