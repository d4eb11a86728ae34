"""Measures what the fast paths save, as ratios within one process; run by `make bench`. Nothing here is a test.

Each pair of variants does the same work on SmolLM2-135M-Instruct, in turn, after one run that does not count.
"""

import statistics
import time
from collections.abc import Callable

import torch

from mediate.items import few_shot_prompt, generate_pairs
from mediate.mediation.cells import cells_of
from mediate.mediation.cube import run_contexts
from mediate.mediation.encoding import encode_pair
from mediate.mediation.outcomes import Outcome
from mediate.mediation.reads import read_effects
from mediate.models.fetch import fetch
from mediate.models.loading import load
from mediate.models.prompts import ANSWER_CUE, Style, Template
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


def main() -> None:
    """Runs every comparison."""
    fetch("smollm2-135m-instruct")
    model = checked(load("smollm2-135m-instruct", device="cpu"))
    (pair,) = generate_pairs(1, steps=2, with_cot=True)
    template = Template(Style.COMPLETION, few_shot_prompt(shots=4))
    chains = (given_trace(f" {item.cot}", model.tokenizer) for item in (pair.source, pair.base))
    tokens = encode_pair(model, pair, template, ANSWER_CUE, *chains)
    contexts = run_contexts(model, tokens)
    swaps, _ = cells_of(model, tokens, ("step", "layer"))

    def apart() -> list[object]:
        return [read_effects(model, contexts, [swap], Outcome.LOGIT_DIFF) for swap in swaps]

    def four_passes() -> object:
        ids = torch.tensor([tokens.context(h, t) for h in (0, 1) for t in (0, 1)])
        return prefill(model, ids)

    length = len(tokens.context(1, 1))
    print(f"{model!r}, {length} tokens, {len(swaps)} swaps, {torch.get_num_threads()} threads, {ROUNDS} rounds")
    compare(
        "read map: one swap a pass / side by side",
        apart,
        lambda: read_effects(model, contexts, swaps, Outcome.LOGIT_DIFF),
    )
    compare("contexts: whole / shared beginning run once", four_passes, lambda: run_contexts(model, tokens))


main()
