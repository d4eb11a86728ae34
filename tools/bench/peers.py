"""The same patches written with two other libraries."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

import mediate
from mediate.models.model import Model
from tests import tiny
from tools.bench.bench import NAME, Bench, Setting
from tools.bench.patching import sampled
from tools.bench.subjects import Subject, an_item, of_length, subject
from tools.bench.timing import Record


def measure(record: Record, setting: Setting) -> None:
    """On one item."""
    model = setting.model
    if setting.short:
        peers(record, subject(model, of_length(model, 40, steps=4)), tiny.plain_model("llama"), 2)
    else:
        peers(record, subject(model, an_item(model, 1, 4)), plain_model(model, mediate.fetch(NAME)))


PEERS = Bench("peers", measure, minutes=5)


def peers(record: Record, subject: Subject, plain: Any, count: int = 8) -> None:
    """The same patches written with nnsight and with pyvene, on the transformers model that they take."""
    numbers, branches, found = sampled(subject, count), subject.branches, {}

    def swept() -> None:
        found["y"] = subject.swept(branches)[1]

    with torch.no_grad():
        states = plain(subject.other.ids, output_hidden_states=True).hidden_states
    for name, make in (("nnsight", nnsight_loop), ("pyvene", pyvene_loop)):
        row = f"state, a cell: {name} / here"
        if find_spec(name) is None:
            record.skip(row, "not installed; it comes with the extra `bench`")
            continue
        loop = make(subject, plain, states, numbers)
        record.compare(row, loop, swept, each=(len(numbers), len(branches)), note=str(subject))
        apart = max(abs(np.array(loop()) - found["y"][numbers]))
        record.value(f"largest difference of {name} and here", float(apart), "nats", on=str(subject))


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
