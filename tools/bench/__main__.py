"""Measures what the fast ways save, as ratios within one process; run by `make bench`. Nothing here is a test.

Variants of the same work run in turn, after one run that does not count. `--short` runs all of it in half a minute on a
tiny model, to see that it still runs.
"""

import argparse
import resource
from collections.abc import Sequence
from pathlib import Path

import torch

import mediate
from mediate.mediation.kinds.cube import run_contexts
from mediate.models.fetch import fetch
from mediate.models.model import Model
from mediate.passes.keyvalues import prefill
from tests import tiny
from tools.bench.comparing import comparing
from tools.bench.growth import growth
from tools.bench.patching import against_plain_passes, patching, peers, plain_model
from tools.bench.precision import precision
from tools.bench.subjects import an_item, of_length, subject
from tools.bench.timing import Record
from tools.bench.tuning import tuning
from tools.bench.whole import in_forward_passes, items_a_minute, model_load

NAME = "smollm2-135m-instruct"
PARTS = ("patching", "peers", "whole", "precision", "growth", "comparing", "tuning", "gpu")


def main(arguments: list[str] | None = None) -> Record:
    """Runs the parts that are asked for and writes `bench.json` and `growth.png`."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="on a tiny model, one round")
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="where bench.json and growth.png go")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; repeatable")
    choices = parser.parse_args(arguments)
    record = Record(rounds=1 if choices.short else 3)
    parts = choices.only or PARTS
    model = tiny.model("llama") if choices.short else _real()
    print(f"{model!r}, {torch.get_num_threads()} threads, {record.rounds} rounds; medians, ratios with their range")
    if choices.short:
        _short(record, model, parts, choices.out)
    else:
        _long(record, model, parts, choices.out)
    record.value("peak memory of this process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "GiB")
    record.write(choices.out / "bench.json")
    print(f"written: {choices.out / 'bench.json'}")
    return record


def _real() -> Model:
    fetch(NAME)
    return mediate.load(NAME, device="cpu")


def _long(record: Record, model: Model, parts: Sequence[str], out: Path) -> None:
    items = [an_item(model, shots, steps) for shots, steps in ((0, 6), (1, 4), (2, 2))]
    if "patching" in parts:
        for pair in items:
            patching(record, subject(model, pair))
        against_plain_passes(record, subject(model, items[1]))
    if "peers" in parts:
        peers(record, subject(model, items[1]), plain_model(model, fetch(NAME)))
    if "whole" in parts:
        model_load(record, NAME)
        shared_beginning(record, model)
        in_forward_passes(record, model, items[2])
        items_a_minute(record, model, 2)
    if "precision" in parts:
        precision(record, model, NAME, subject(model, items[0]), 60)
    if "growth" in parts:
        growth(record, out, NAME)
    if "comparing" in parts:
        comparing(record)
    if "tuning" in parts:
        tuning(record, NAME, arms=("lora", "sft", "answer-only", "dpo"))
    if "gpu" in parts:
        gpu(record)


def _short(record: Record, model: Model, parts: Sequence[str], out: Path) -> None:
    pair = of_length(model, 40, steps=4)
    if "patching" in parts:
        patching(record, subject(model, pair), 3)
        against_plain_passes(record, subject(model, pair), 3)
    if "peers" in parts:
        peers(record, subject(model, pair), tiny.plain_model("llama"), 2)
    if "whole" in parts:
        in_forward_passes(record, model, pair)
        items_a_minute(record, model, 2)
    if "growth" in parts:
        growth(record, out, "tiny", lengths=(20, 40), layers=(1, 3), pairs=(1, 2))
    if "comparing" in parts:
        comparing(record, runs=3, items=20, layers=4, groups=(10,))
    if "tuning" in parts:
        tuning(record, "tiny", steps=2, batch=2, length=16)
    if "gpu" in parts:
        gpu(record)


def shared_beginning(record: Record, model: Model) -> None:
    """The four contexts of a cube, run whole and with what they begin with run once."""
    pair = an_item(model, 4)

    def four_passes() -> object:
        return prefill(model, torch.tensor([pair.context(h, t) for h in (0, 1) for t in (0, 1)]))

    note = f"{len(pair.context(1, 1))} tokens"
    record.compare("contexts: whole / shared beginning once", four_passes, lambda: run_contexts(model, pair), note=note)


def gpu(record: Record) -> None:
    """The same patches on a GPU, on models of random weights in the shapes of 1B and 7B parameters."""
    if not torch.cuda.is_available():
        record.skip("state, a cell, on a GPU (1B- and 7B-shaped)", "no GPU at hand")
        return
    import transformers

    for name, width, layers, heads in (("1B", 2048, 16, 32), ("7B", 4096, 32, 32)):
        config = transformers.LlamaConfig(
            vocab_size=32000, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=8, max_position_embeddings=4096,
        )  # fmt: skip
        config.eos_token_id = config.bos_token_id = None
        with torch.device("cuda"):
            plain = transformers.AutoModelForCausalLM.from_config(
                config, attn_implementation="eager", dtype=torch.bfloat16
            )
        plain.config.architectures = [type(plain).__name__]
        model = mediate.load(plain.eval(), tokenizer=tiny.tokenizer(), device="cuda", copy=False)
        print(f"{name}-shaped: {model!r}")
        patching(record, subject(model, of_length(model, 128)), 12)
        del model, plain
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
