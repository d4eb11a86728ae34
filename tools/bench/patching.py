"""Exact patching against the usual loop: transformer-lens' own, and one plain pass a patch."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from mediate.mediation.cells import cells_of
from mediate.mediation.kinds.cube import run_contexts
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.sequences import outcomes_under
from mediate.passes.interventions import first_layer
from mediate.passes.sweeps.engine import grouped, sizes
from mediate.passes.sweeps.planning import work_of
from mediate.passes.sweeps.sweep import Untouched, begins_at, untouched
from tools.bench.bench import Bench, Setting
from tools.bench.subjects import Subject, Y, an_item, of_length, subject
from tools.bench.timing import Record, seconds

# What a loop of full passes is timed on: a sample of the patches, the same for all.
SAMPLE = 24


def measure(record: Record, setting: Setting) -> None:
    """On three items, short prompts with long chains to long ones with short; and against the slow twin on one."""
    model = setting.model
    if setting.short:
        items, count = [of_length(model, 40, steps=4)], 3
    else:
        items, count = [an_item(model, shots, steps) for shots, steps in ((0, 6), (1, 4), (2, 2))], SAMPLE
    for pair in items:
        patching(record, subject(model, pair), count)
    against_plain_passes(record, subject(model, items[len(items) // 2]), count)


PATCHING = Bench("patching", measure, minutes=12)


def sampled(subject: Subject, count: int) -> list[int]:
    """Some of the patches, by number."""
    return random.Random(0).sample(range(len(subject.places)), min(count, len(subject.places)))


def patching(record: Record, subject: Subject, count: int = SAMPLE, of: str = "") -> None:
    """State effects by layer and position, and read effects by step and layer, a cell at a time and by sweeps.

    Args:
        record: Where the numbers go.
        subject: The item, on its model.
        count: Of the patches that the loop of full passes is timed on.
        of: What is said before the item, where there are several models.
    """
    model, numbers = subject.model, sampled(subject, count)
    branches, found = subject.branches, {}

    def swept() -> None:
        found["here"], found["y"] = subject.swept(branches)

    every, note = (len(numbers), len(branches)), f"{of}{subject}"
    usual = transformer_lens_loop(subject, numbers)
    row = record.compare("state, a cell: generic_activation_patch / here", usual, swept, each=every, note=note)
    apart = max(abs(np.array(usual()) - found["y"][numbers]))
    record.value("largest difference of the two", float(apart), "nats", on=note)
    assert row.fast
    share_of_the_matrix_rate(record, subject, row.fast * len(branches), note)
    shortest = replace(subject.pair, readers=replace(subject.pair.readers, cue=subject.pair.readers.cue[-1:]))
    for cue, pair in (("", subject.pair), (", one-word cue", shortest)):
        contexts = run_contexts(model, pair)
        swaps, _ = cells_of(model, pair, ("step", "layer"))
        record.compare(
            f"read, step x layer, a cell{cue}: generic_activation_patch / here",
            usual,
            partial(read_effects, model, contexts, swaps, Y),
            each=(len(numbers), len(swaps)),
            note=note,
        )
        record.value(f"readers{cue}", len(pair.readers.cue) + pair.readers.shared, on=note)


def transformer_lens_loop(subject: Subject, numbers: list[int]) -> Callable[[], list[float]]:
    """`transformer_lens.patching.generic_activation_patch` over the same layers and positions."""
    import pandas as pd
    from transformer_lens.patching import generic_activation_patch, layer_pos_patch_setter

    bridge = subject.model.bridge
    _, cache = bridge.run_with_cache(subject.other.ids, names_filter=lambda name: name.endswith("hook_resid_pre"))
    index = pd.DataFrame([subject.places[number] for number in numbers], columns=["layer", "pos"])

    def run() -> list[float]:
        with torch.no_grad():
            found = generic_activation_patch(
                bridge,
                subject.run.ids,
                cache,
                lambda logits: torch.tensor(subject.outcome(logits)),
                layer_pos_patch_setter,
                "resid_pre",
                index_df=index,
            )
        return [float(each) for each in found]

    return run


def against_plain_passes(record: Record, subject: Subject, count: int = SAMPLE) -> None:
    """The slow twin: the same patches in plain hooked passes over whole sequences, side by side."""
    numbers, branches = sampled(subject, count), subject.branches

    def slow() -> object:
        patches = [branches[number] for number in numbers]
        return outcomes_under(subject.model, subject.run, [Y], patches, subject.values)

    record.compare(
        "state, a cell: plain hooked passes, side by side / here",
        slow,
        lambda: subject.swept(branches),
        each=(len(numbers), len(branches)),
        note=str(subject),
    )


def share_of_the_matrix_rate(record: Record, subject: Subject, taken: float, on: str) -> None:
    """Operations of the matrix products in sweeps, in a second, over what the machine does of the weights' alone.

    Of the weights' products, and of attention's as well, which are small and so never as quick.
    """
    model = subject.model
    clean = untouched(model, subject.run.ids, subject.run.start, subject.run.stop)
    blocks, tokens = sizes(model, clean, subject.branches)
    groups = grouped(model, blocks, tokens)
    planned = work_of(groups, blocks, tokens)
    weights = [each for each in model.bridge.blocks[0].original_component.parameters() if each.ndim == 2]
    inputs = [torch.randn(planned.most_tokens, each.shape[1]).to(each) for each in weights]

    def products() -> None:
        with torch.no_grad():
            for weight, value in zip(weights, inputs, strict=True):
                torch.nn.functional.linear(value, weight)

    products()
    alone = min(seconds(products) for _ in range(10))
    size = 2 * sum(each.numel() for each in weights)
    limit = size * planned.most_tokens / alone
    work = size * planned.token_layers
    attention = 4 * model.facts.heads * model.facts.d_head * query_keys(subject, groups, clean)
    n = record.rounds
    record.value("weights' products here", work / taken / 1e9, "Gflop/s", on=on, n=n)
    record.value("the same products alone, quickest", limit / 1e9, "Gflop/s", on=on, n=10)
    record.value("rate of the weights' products, of what they reach alone", 100 * work / taken / limit, "%", on=on, n=n)
    both = 100 * (work + attention) / taken / limit
    record.value("rate of these and attention's products, of the same", both, "%", on=on, n=n)


def query_keys(subject: Subject, groups: Sequence[Sequence[int]], clean: Untouched) -> int:
    """Pairs of a query and a key that it sees, over all layers, rows and sweeps."""
    found = 0
    for group in groups:
        branches = [subject.branches[number] for number in group]
        begin = min(begins_at(clean, each) for each in branches)
        seen = sum(range(begin + 1, clean.length + 1))
        found += sum(subject.model.facts.layers - first_layer(each) for each in branches) * clean.rows * seen
    return found
