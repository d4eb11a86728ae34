"""The demo: the main job on built-in word problems and SmolLM2-135M-Instruct, which is small enough for any laptop."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mediate.batch.score import score
from mediate.batch.spec import make_spec
from mediate.effects import Results
from mediate.items import few_shot_prompt, generate_pairs
from mediate.models.fetch import fetch
from mediate.models.loading import load
from mediate.models.prompts import Style, Template
from mediate.runs.selfcheck import checked
from mediate.runs.store import Store
from mediate.traces.trace import encode

MODEL = "smollm2-135m-instruct"
# A model of this size copies the worked examples' operations, and answers few problems that need others.
OPERATIONS = "++"
TEMPLATES = ("apples", "shelf")
SHOTS = 6
# The controls take as long as the measurement itself.
CONTROLLED = 1


def run_demo(out: Path, *, pairs: int, seed: int, say: Callable[[str], None]) -> Results:
    """Makes pairs, lets the model solve them with worked examples before it, and measures those that it solves.

    Args:
        out: The run directory.
        pairs: How many pairs to try.
        seed: Of the problems and the bootstrap.
        say: Where a line on each stage goes.
    """
    say(f"model: {MODEL} (fetched and converted on the first run)")
    fetch(MODEL)
    model = checked(load(MODEL))
    tokenizer = model.need_tokenizer()
    made = generate_pairs(
        pairs, steps=OPERATIONS, templates=TEMPLATES, seed=seed, length=lambda text: len(encode(tokenizer, text))
    )
    say(
        f"pairs: {len(made)} word problems of {len(OPERATIONS)} steps, each with one number changed in its source world"
    )
    spec = make_spec(
        template=Template(
            Style.COMPLETION,
            few_shot_prompt(seed=seed, shots=SHOTS, steps=OPERATIONS, templates=TEMPLATES),
            f"{SHOTS} worked examples",
        ),
        stop=("\n\n", "Q:"),
        max_new_tokens=64,
        solved_only=True,
        control_pairs=CONTROLLED,
        seed=seed,
    )
    # Every problem is an independent draw, so each is a group of its own.
    return score(model, [replace(pair, group=pair.id) for pair in made], spec, out=out, store=Store(), progress=True)
