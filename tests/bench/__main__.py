"""Measures what the fast paths save, as ratios within one process; run by `make bench`. Nothing here is a test.

Each pair of variants does the same work on SmolLM2-135M-Instruct, in turn, after one run that does not count.
"""

import resource
import statistics
import time
from collections.abc import Callable

import torch

from mediate.items import few_shot_prompt, generate_pairs
from mediate.mediation.attribution import attributions
from mediate.mediation.cells import cells_of
from mediate.mediation.cube import measure_cube, run_contexts
from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.maps import measure_map, parse_map
from mediate.mediation.outcomes import Outcome
from mediate.mediation.reads import read_effects
from mediate.models.fetch import fetch
from mediate.models.loading import load
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component
from mediate.runs.forward import forward
from mediate.runs.keyvalues import prefill
from mediate.runs.selfcheck import checked
from mediate.traces.trace import given_trace

ROUNDS = 3


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(name: str, slow: Callable[[], object], fast: Callable[[], object]) -> None:
    """Prints the medians of two variants, run in turn, and their ratio."""
    slow(), fast()
    times = [(seconds(slow), seconds(fast)) for _ in range(ROUNDS)]
    medians = [statistics.median(column) for column in zip(*times, strict=True)]
    ratios = sorted(a / b for a, b in times)
    spread = f"{statistics.median(ratios):5.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
    print(f"{name:46} {medians[0]:7.2f} s {medians[1]:7.2f} s  ratio {spread}")


def an_item(model: Model, shots: int) -> EncodedPair:
    """A two-step problem after some worked examples."""
    (pair,) = generate_pairs(1, steps=2, with_cot=True)
    template = Template(Style.COMPLETION, few_shot_prompt(shots=shots))
    chains = (given_trace(f" {item.cot}", model.tokenizer) for item in (pair.source, pair.base))
    return encode_pair(model, pair, template, ANSWER_CUE, *chains)


def main() -> None:
    """Runs every comparison."""
    fetch("smollm2-135m-instruct")
    model = checked(load("smollm2-135m-instruct", device="cpu"))
    print(f"{model!r}, {torch.get_num_threads()} threads, {ROUNDS} rounds; medians, ratios with their range")
    against_the_slow_twin(model, an_item(model, 4))
    in_forward_passes(model, an_item(model, 2))
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def against_the_slow_twin(model: Model, tokens: EncodedPair) -> None:
    """What the fast paths save."""
    contexts = run_contexts(model, tokens)
    swaps, _ = cells_of(model, tokens, ("step", "layer"))

    def apart() -> list[object]:
        return [read_effects(model, contexts, [swap], Outcome.LOGIT_DIFF) for swap in swaps]

    def four_passes() -> object:
        ids = torch.tensor([tokens.context(h, t) for h in (0, 1) for t in (0, 1)])
        return prefill(model, ids)

    print(f"an item of {len(tokens.context(1, 1))} tokens, {len(swaps)} swaps: slow twin / fast path")
    compare(
        "read map: one swap a pass / side by side",
        apart,
        lambda: read_effects(model, contexts, swaps, Outcome.LOGIT_DIFF),
    )
    compare("contexts: whole / shared beginning run once", four_passes, lambda: run_contexts(model, tokens))


def in_forward_passes(model: Model, tokens: EncodedPair) -> None:
    """What maps cost, in plain forward passes of the same item."""
    contexts = run_contexts(model, tokens)
    ids = torch.tensor([tokens.context(1, 1) + tokens.readers.cue])

    def passed() -> object:
        return forward(model, ids, last=1)

    print(f"an item of {ids.shape[1]} tokens, {len(tokens.traces[1].ids)} of them CoT: work / one forward pass")
    three = [Component.RESID_PRE, Component.ATTN_OUT, Component.MLP_OUT]
    for name, work in {
        "the cube": lambda: measure_cube(model, run_contexts(model, tokens)),
        "attribution patching, all layers x positions x 3": lambda: attributions(
            model, tokens, three, Outcome.LOGIT_DIFF
        ),
        "read map, step x layer": lambda: measure_map(
            model, contexts, parse_map("read:step,layer"), Outcome.LOGIT_DIFF, 1.0
        ),
        "step graph, read": lambda: measure_map(
            model, contexts, parse_map("step_graph.read:step,result"), Outcome.LOGIT_DIFF, 1.0
        ),
    }.items():
        compare(name, work, passed)


if __name__ == "__main__":
    main()
