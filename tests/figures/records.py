"""Results as a run would find them, made up from a seed; no model behind them."""

from dataclasses import replace
from typing import Any

import numpy as np

from mediate.results import Cube, EffectMap, Measured, Reject, Results, Told, total_effect
from mediate.results.contrasts import HIDDEN
from mediate.stats import Estimate

PEOPLE = ("Tom", "Ann", "Raj", "Eva", "Liu", "Ida")
THINGS = ("apples", "coins", "books", "cards", "stones")


def fake_manifest(**changes: Any) -> dict[str, Any]:
    """A manifest with every key that a run writes; `changes` replace top-level ones."""
    manifest = {
        "schema": 1,
        "status": "success",
        "created": "2026-11-21T10:00:00Z",
        "finished": "2026-11-21T10:00:12Z",
        "seconds": 12.3,
        "spec": {
            "pairs": "pairs.jsonl",
            "model": "smollm2-135m-instruct",
            "template": "none",
            "answer_cue": "\nThe answer is",
            "outcomes": ["logit_diff", "logprob_diff"],
            "maps": ["read:step,layer"],
            "seed": 0,
            "min_te": 0.1,
            "level": 0.95,
        },
        "model": {
            "name": "smollm2-135m-instruct",
            "fingerprint": "sha256:b179c9523d0e6a0f",
            "architecture": "LlamaForCausalLM",
            "layers": 30,
            "heads": 9,
            "kv_heads": 3,
            "d_model": 576,
            "parameters": 134515008,
            "dtype": "float32",
            "device": "cpu",
            "source": "cache/smollm2-135m-instruct.gguf",
            "checks": [
                {"name": "logits equal transformers'", "site": "", "error": 2.1e-5, "tolerance": 1e-4, "passed": True},
                {"name": "patching by itself", "site": "k", "error": 0.0, "tolerance": 0.0, "passed": True},
            ],
            "refused_sites": {"pattern": "flash attention keeps no pattern"},
        },
        "versions": {
            "mediate": "0.1.0",
            "numerics": "1",
            "torch": "2.10.0",
            "transformers": "5.9.0",
            "transformer_lens": "4.3.0",
            "python": "3.11.9",
        },
        "counts": {"given": 15, "measured": 12, "rejected": 3, "by_reason": {"not_solved": 2, "equal_answers": 1}},
        "prompt_example": "Q: Tom has 3 apples and buys 4 more. He then gives 2 away. How many are left?\nA:",
    }
    return manifest | changes


def fake_chain(person: str, thing: str, numbers: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Tokens of a step-by-step chain, one step a number after the first, and each token's step."""
    tokens: list[str] = []
    steps: list[int] = []
    total = numbers[0]
    for step, number in enumerate(numbers[1:]):
        after = total + number
        words = [f" {person}" if step else person, " has", f" {total}", " +", f" {number}", " =", f" {after}"]
        words += [f" {thing}", ".", "\n"]
        tokens += words
        steps += [step] * len(words)
        total = after
    return tuple(tokens), tuple(steps)


def fake_world(person: str, thing: str, numbers: tuple[int, ...]) -> Told:
    """A world whose chain states the answer in its last step."""
    tokens, steps = fake_chain(person, thing, numbers)
    more = ", then ".join(f"gets {number} more" for number in numbers[1:])
    question = f"{person} has {numbers[0]} {thing}, {more}. How many {thing} has {person} now?"
    answer = str(sum(numbers))
    return Told(question, answer, tokens, steps, states_answer=len(tokens) - 4, written=True, said=answer)


def fake_items(count: int, rng: np.random.Generator) -> tuple[Measured, ...]:
    """Items in groups of the same thing; the chains have three to five steps."""
    items = []
    for number in range(count):
        person, thing = PEOPLE[number % len(PEOPLE)], THINGS[number % len(THINGS)]
        numbers = tuple(int(each) for each in rng.integers(1, 9, size=4 + number % 3))
        base, source = (fake_world(person, thing, (numbers[0] + change, *numbers[1:])) for change in (0, 1))
        if number % 4 == 3:
            base = replace(base, states_answer=None)
        if number == 2:
            source = replace(source, said="9")
        items.append(Measured(f"{thing}-{number:03d}", thing, base, source))
    return tuple(items)


def fake_cube(
    items: tuple[Measured, ...], outcome: str, rng: np.random.Generator, *, scale: float = 6.0, undefined: bool = True
) -> Cube:
    """Mostly text, a little latent, less direct, some interaction; the fifth item's total effect is nearly 0."""
    channels = rng.normal([0.03, 0.9, 0.07], [0.05, 0.25, 0.05], size=(len(items), 3)) * scale
    if undefined and len(items) > 4:
        channels[4] = [0.31, -0.52, 0.23]
    d, t, h = np.meshgrid((0, 1), (0, 1), (0, 1), indexing="ij")
    y = np.einsum("ic,cdth->idth", channels, np.stack([d, t, h]).astype(float)) + rng.normal(
        0, 0.2, (len(items), 1, 1, 1)
    )
    y += 0.3 * (d * t)[None] * rng.normal(size=(len(items), 1, 1, 1))
    if undefined and len(items) > 4:
        y[4] -= 0.0 * d
        y[4, 1, 1, 1] = y[4, 0, 0, 0] + 0.02
    return Cube(y, tuple(item.id for item in items), tuple(item.group for item in items), outcome)


def fake_maps(
    items: tuple[Measured, ...], cube: Cube, rng: np.random.Generator, *, layers: int = 30, kind: str = "read"
) -> tuple[EffectMap, ...]:
    """The last step matters most, in the middle layers."""
    depth = np.exp(-0.5 * ((np.arange(layers) - 0.6 * layers) / (0.12 * layers)) ** 2)
    maps = []
    for item, te in zip(items, total_effect(cube.y), strict=True):
        steps = max(item.base.steps) + 1
        weight = np.exp(-(steps - 1 - np.arange(steps)))
        values = te * 0.4 * weight[:, None] * depth + rng.normal(0, 0.05, (steps, layers))
        coords = {"step": tuple(range(steps)), "layer": tuple(range(layers))}
        maps.append(EffectMap(values, ("step", "layer"), coords, item.id, item.group, kind, cube.outcome, float(te)))
    return tuple(maps)


def fake_rejects() -> tuple[Reject, ...]:
    """Two items that the model did not solve, one that could not be read, one map that was refused."""
    return (
        Reject("cards-013", "not_solved", "the model answers '9' in the base world, not '11'", "pairs.jsonl:14"),
        Reject("books-012", "not_solved", "the model answers '4' in the source world, not '5'", "pairs.jsonl:13"),
        Reject("", "equal_answers", "both answers are '7'; change the question", "pairs.jsonl:15"),
        Reject("coins-001", "steps_differ", "the chains have 3 and 4 steps", "pairs.jsonl:2", "read:step,layer"),
    )


def fake_results(count: int = 12, *, seed: int = 0, layers: int = 30, undefined: bool = True) -> Results:
    """Twelve items in five groups, two outcomes, one read map an item but one, and four rejects."""
    rng = np.random.default_rng(seed)
    items = fake_items(count, rng)
    main = fake_cube(items, "logit_diff", rng, undefined=undefined)
    other = fake_cube(items, "logprob_diff", rng, scale=7.0, undefined=undefined)
    maps = tuple(each for each in fake_maps(items, main, rng, layers=layers) if each.item != "coins-001")
    return Results(fake_manifest(), items, (main, other), maps, fake_rejects())


def fake_item_results(count: int = 12) -> Results:
    """The same items without their source worlds, held against what is hidden; six cells are distinct."""
    results = fake_results(count)
    cubes = []
    for cube, outcome in zip(results.cubes, ("logit", "logprob"), strict=True):
        y = cube.y.copy()
        y[:, :, 0, 1] = y[:, :, 0, 0]
        cubes.append(replace(cube, y=y, outcome=outcome, contrast=HIDDEN))
    items = tuple(replace(item, source=None) for item in results.items)
    maps = tuple(replace(each, kind="knockout", outcome="logit") for each in results.maps)
    return replace(results, items=items, cubes=tuple(cubes), maps=maps)


def estimate(value: float, reach: float = 0.1) -> Estimate:
    reason = "made up" if np.isnan(value + reach) else ""
    return Estimate(value, value - reach, value + reach, 0.95, 40, 20, "made up", 0, reason)


def ragged(steps: list[int], layers: int = 4, groups: int = 2) -> list[EffectMap]:
    rng = np.random.default_rng(1)
    return [
        EffectMap(
            rng.normal(size=(count, layers)),
            ("step", "layer"),
            {"step": tuple(range(count)), "layer": tuple(range(layers))},
            f"item{place}",
            f"group{place % groups}",
            "read",
            "logit_diff",
            1.0,
        )
        for place, count in enumerate(steps)
    ]
