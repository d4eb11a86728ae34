"""Exact patching against the usual loop: transformer-lens' own, one plain pass a patch, and two other libraries."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from mediate.mediation.branching import branched_outcomes
from mediate.mediation.cells import cells_of
from mediate.mediation.kinds.cube import run_contexts
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.sequences import outcomes_under
from mediate.models.model import Model
from mediate.passes.interventions import first_layer
from mediate.passes.sweeps.engine import plan
from mediate.passes.sweeps.planning import Sweeps
from mediate.passes.sweeps.sweep import Untouched, begins_at, untouched
from tools.bench.subjects import Subject, Y
from tools.bench.timing import Record, seconds

# What a loop of full passes is timed on: a sample of the patches, the same for all.
SAMPLE = 24


def sampled(subject: Subject, count: int) -> list[int]:
    """Some of the patches, by number."""
    return random.Random(0).sample(range(len(subject.places)), min(count, len(subject.places)))


def patching(record: Record, subject: Subject, count: int = SAMPLE) -> None:
    """State effects by layer and position, and read effects by step and layer, a cell at a time and by sweeps."""
    model, numbers = subject.model, sampled(subject, count)
    branches, found = subject.branches, {}

    def swept() -> None:
        found["here"], found["y"] = branched_outcomes(model, subject.run, [Y], branches, subject.values)

    every, note = (len(numbers), len(branches)), str(subject)
    usual = transformer_lens_loop(subject, numbers)
    row = record.compare("state, a cell: generic_activation_patch / sweeps", usual, swept, each=every, note=note)
    apart = max(abs(np.array(usual()) - found["y"][0][numbers]))
    record.value(f"  largest difference of the two, {note}", float(apart), "nats")
    assert row.fast
    share_of_the_matrix_rate(record, subject, row.fast * len(branches))
    shortest = replace(subject.pair, readers=replace(subject.pair.readers, cue=subject.pair.readers.cue[-1:]))
    for pair in (subject.pair, shortest):
        contexts = run_contexts(model, pair)
        swaps, _ = cells_of(model, pair, ("step", "layer"))
        record.compare(
            f"read, a cell, {len(pair.readers.cue) + pair.readers.shared} readers: generic_activation_patch / sweeps",
            usual,
            partial(read_effects, model, contexts, swaps, Y),
            each=(len(numbers), len(swaps)),
            note=f"{note}, {len(swaps)} cells",
        )


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
        "state, a cell: plain hooked passes / sweeps",
        slow,
        lambda: branched_outcomes(subject.model, subject.run, [Y], branches, subject.values),
        each=(len(numbers), len(branches)),
        note=str(subject),
    )


def share_of_the_matrix_rate(record: Record, subject: Subject, taken: float) -> None:
    """Operations of the matrix products in sweeps, in a second, over what the machine does of the weights' alone.

    Of the weights' products, and of attention's as well, which are small and so never as quick.
    """
    model = subject.model
    clean = untouched(model, subject.run.ids, subject.run.start, subject.run.stop)
    planned = plan(model, clean, subject.branches)
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
    attention = 4 * model.facts.heads * model.facts.d_head * query_keys(subject, planned, clean)
    record.value(f"  weights' products in sweeps, {subject}", work / taken / 1e9, "Gflop/s")
    record.value("  the same products alone", limit / 1e9, "Gflop/s")
    record.value(f"  share of that rate, {subject}", work / taken / limit)
    record.value(f"  share of that rate with attention's products, {subject}", (work + attention) / taken / limit)


def query_keys(subject: Subject, planned: Sweeps, clean: Untouched) -> int:
    """Pairs of a query and a key that it sees, over all layers, rows and sweeps."""
    found = 0
    for group in planned.groups:
        branches = [subject.branches[number] for number in group]
        begin = min(begins_at(clean, each) for each in branches)
        seen = sum(range(begin + 1, clean.length + 1))
        found += sum(subject.model.facts.layers - first_layer(each) for each in branches) * clean.rows * seen
    return found


def peers(record: Record, subject: Subject, plain: Any, count: int = 8) -> None:
    """The same patches written with nnsight and with pyvene, on the transformers model that they take."""
    numbers, branches, found = sampled(subject, count), subject.branches, {}

    def swept() -> None:
        found["y"] = branched_outcomes(subject.model, subject.run, [Y], branches, subject.values)[1][0]

    with torch.no_grad():
        states = plain(subject.other.ids, output_hidden_states=True).hidden_states
    for name, make in (("nnsight", nnsight_loop), ("pyvene", pyvene_loop)):
        row = f"state, a cell: {name} / sweeps"
        if find_spec(name) is None:
            record.skip(row, "not installed; it comes with the extra `bench`")
            continue
        loop = make(subject, plain, states, numbers)
        record.compare(row, loop, swept, each=(len(numbers), len(branches)), note=str(subject))
        apart = max(abs(np.array(loop()) - found["y"][numbers]))
        record.value(f"  largest difference of the two, {name}", float(apart), "nats")


def nnsight_loop(subject: Subject, plain: Any, states: Any, numbers: list[int]) -> Callable[[], list[float]]:
    """One trace a patch: what enters block l is what the one before it, or the embedding, puts out."""
    from nnsight import NNsight

    wrapped = NNsight(plain)

    def run() -> list[float]:
        found = []
        for number in numbers:
            layer, position = subject.places[number]
            new = states[layer][0, position]
            with torch.no_grad(), wrapped.trace(subject.run.ids):
                if layer:
                    wrapped.model.layers[layer - 1].output[0][position] = new
                else:
                    wrapped.model.embed_tokens.output[0][position] = new
                logits = wrapped.lm_head.output.save()
            found.append(subject.outcome(logits))
        return found

    return run


def pyvene_loop(subject: Subject, plain: Any, states: Any, numbers: list[int]) -> Callable[[], list[float]]:
    """One intervenable model a layer, given the source's activation."""
    import pyvene as pv

    layers = sorted({subject.places[number][0] for number in numbers})
    made = {
        layer: pv.IntervenableModel(
            pv.IntervenableConfig(
                model_type=type(plain),
                representations=[pv.RepresentationConfig(layer, "block_input", "pos", 1)],
                intervention_types=pv.VanillaIntervention,
            ),
            plain,
        )
        for layer in layers
    }

    def run() -> list[float]:
        found = []
        for number in numbers:
            layer, position = subject.places[number]
            with torch.no_grad():
                _, output = made[layer](
                    {"input_ids": subject.run.ids},
                    [{"input_ids": subject.other.ids}],
                    {"sources->base": ([[[position]]], [[[position]]])},
                )
            found.append(subject.outcome(output.logits))
        return found

    return run


def plain_model(model: Model, path: Any) -> Any:
    """The transformers model that a GGUF file holds, with its own attention."""
    import transformers

    loaded = transformers.AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, attn_implementation="eager", dtype=model.dtype
    )
    return loaded.eval()
