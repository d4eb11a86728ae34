"""Scores of traces beside a plain pass, in time and memory; writing together and steered beside writing as it is.

The memory of a large vocabulary is measured in a process of its own: peak memory cannot be taken back.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from mediate.distill.rsd import ToWrite, write_together
from mediate.distill.speculative import SpeculativeRule
from mediate.distill.vocabularies import shared_tokens
from mediate.models.decoding import Decoding
from mediate.models.generation import generate
from mediate.models.model import Model
from mediate.models.prompts import NONE, question_ids
from mediate.models.steered import steer
from mediate.models.steering_vector import SteeringVector
from mediate.passes.token_scores import ToScore, token_scores
from mediate.passes.unhooked import leanly
from tools.bench.bench import Bench, Setting
from tools.bench.growth import forget_peak, held
from tools.bench.subjects import of_length
from tools.bench.timing import Record, seconds

# Of the trace whose scores are timed; of the sequence and vocabulary whose scores must not be held at once.
TOKENS, LONG, VOCABULARY = 1024, 8192, 150_000
TEACHER, STUDENT, ROWS, MOST = "reference-1.2m", "reference-0.1m", 64, 64
STEERED_ROWS = 8


def run(record: Record, setting: Setting) -> None:
    """Scores of one trace, the memory of a long one under a large vocabulary, and traces that two models write."""
    pair = of_length(setting.model, 24 if setting.short else TOKENS)
    row = ToScore(pair.whole, len(pair.question))
    record.compare(
        "scores of each token / one plain forward pass",
        partial(token_scores, setting.model, [row]),
        partial(_plain, setting.model, row.ids),
        note=f"{len(row.ids)} tokens",
    )
    tokens, vocabulary = (256, 5000) if setting.short else (LONG, VOCABULARY)
    on = f"{tokens:,} tokens, {vocabulary:,} entries"
    found = _apart(tokens=tokens, vocabulary=vocabulary)
    record.value("scores of each token: peak above the body's pass", found["scores"], "GiB", on=on)
    record.value("all logits at once: peak above the body's pass", found["whole"], "GiB", on=on)
    _together(record, 4 if setting.short else ROWS)
    _steered(record, setting.model, 4 if setting.short else MOST)


DISTILLING = Bench("distilling", run, minutes=2)


def _plain(model: Model, ids: tuple[int, ...]) -> None:
    with torch.no_grad():
        model.plain(torch.tensor([ids], device=model.device), use_cache=False)


def _together(record: Record, rows: int) -> None:
    """Accepted tokens a second, and the time of a token beside what it takes each model to write one alone."""
    import mediate

    teacher, student = (mediate.load(name, device="cpu") for name in (TEACHER, STUDENT))
    questions = [pair.base.question for pair in mediate.modular_pairs(rows, steps=(4, 4))]
    prompts = [tuple(question_ids(student.need_tokenizer(), NONE, each)) for each in questions]
    traces = [ToWrite(each, each, (0, number), MOST) for number, each in enumerate(prompts)]
    shared, rule = shared_tokens(teacher, student), SpeculativeRule()
    decoding = Decoding(MOST, temperature=rule.temperature, top_p=rule.top_p, batch_size=rows)
    ratios, rates = [], []
    for turn in range(record.rounds + 1):
        wrote: list[Any] = []
        took = seconds(partial(_extend, wrote, write_together, (teacher, student), traces, shared, rule))
        accepted = sum(draw > 0 for each in wrote for draw in each.draws)
        a_token = took / sum(len(each.tokens) for each in wrote)
        alone = 0.0
        for model in (teacher, student):
            said: list[Any] = []
            spent = seconds(partial(_extend, said, generate, model, prompts, decoding))
            alone += spent / sum(len(each.ids) for each in said)
        if turn:  # the first does not count
            ratios.append(a_token / alone)
            rates.append(accepted / took)
    on = f"{TEACHER} and {STUDENT}, {rows} traces side by side"
    record.value("a token written together / written by the one and by the other alone", ratios, "times", on=on)
    record.value("accepted tokens a second", rates, "", on=on)


def _steered(record: Record, model: Model, tokens: int) -> None:
    """The time of a token that a steered model writes, beside one of its base; a small alpha, so that both write on."""
    opening = torch.arange(0, model.facts.d_vocab, 20)  # one token in twenty
    direction = torch.randn(model.facts.d_model, generator=torch.Generator().manual_seed(0))
    own = {name: getattr(model.facts, name) for name in ("name", "fingerprint", "tokenizer", "dtype")}
    steered = steer(model, SteeringVector(direction, model.facts.layers // 2, opening, own), 1e-3)
    prompts = [of_length(model, 24, seed=seed).question for seed in range(STEERED_ROWS)]
    decoding = Decoding(tokens, batch_size=STEERED_ROWS)
    ratios = []
    for turn in range(record.rounds + 1):
        a_token = []
        for each in (steered, model) if turn % 2 else (model, steered):
            said: list[Any] = []
            spent = seconds(partial(_extend, said, generate, each, prompts, decoding))
            a_token.append((each is steered, spent / sum(len(wrote.ids) for wrote in said)))
        if turn:  # the first does not count
            ratios.append(dict(a_token)[True] / dict(a_token)[False])
    record.value(
        "a token written steered / as the model is", ratios, "times", on=f"{STEERED_ROWS} rows, {tokens} tokens"
    )


def _extend(said: list[Any], write: Callable[..., list[Any]], *given: Any) -> None:
    said.extend(write(*given))


def _apart(**choices: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tools.bench.distilling", json.dumps(choices)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


def measure(tokens: int, vocabulary: int) -> dict[str, float]:
    """Peaks of a small body with a large vocabulary, above that of the body's own pass, in GiB."""
    from transformers import LlamaConfig, LlamaForCausalLM

    import mediate
    from tests import tiny

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=tokens,
        tie_word_embeddings=True,
    )
    model = mediate.load(LlamaForCausalLM(config).eval(), tokenizer=tiny.tokenizer(), device="cpu")
    ids = torch.randint(0, vocabulary, (tokens,), generator=torch.Generator().manual_seed(0))
    row = ToScore(tuple(ids.tolist()), 1)

    def body() -> None:
        with torch.no_grad(), leanly(model):
            model.plain.base_model(ids[None], use_cache=False)

    def whole() -> None:
        with torch.no_grad(), leanly(model):
            model.plain(ids[None], use_cache=False).logits.log_softmax(dim=-1)

    work = {"body": body, "scores": lambda: token_scores(model, [row]), "whole": whole}
    token_scores(model, [ToScore(row.ids[:9], 1)])  # tries on the probe whether the network parts
    peaks = {}
    for name, do in work.items():
        forget_peak()
        before = held("VmRSS")
        do()
        peaks[name] = held("VmHWM") - before
    return {name: peak - peaks["body"] for name, peak in peaks.items()}


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
