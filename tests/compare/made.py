"""Runs made up with known shares, so that what a comparison must find is known; no model behind them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mediate.results import Cube, EffectMap, Measured, Reject, Results, Told

OUTCOME = "logit_diff"
A, B = "model-a", "model-b"


def manifest(
    model: str, *, layers: int = 4, parameters: int = 1_000_000, writer: str | None = None, **changes: Any
) -> dict[str, Any]:
    """A manifest with what a comparison reads; the fingerprint is the model's name."""
    found: dict[str, Any] = {
        "schema": 1,
        "status": "success",
        "created": "2026-11-21T10:00:00Z",
        "spec": {
            "template": "none",
            "template_text": "",
            "answer_cue": "\nThe answer is",
            "outcomes": [OUTCOME],
            "seed": 0,
            "min_te": 0.1,
            "level": 0.95,
            "solved_only": False,
        },
        "model": {
            "name": model,
            "fingerprint": f"print of {model}",
            "layers": layers,
            "parameters": parameters,
            "dtype": "float32",
        },
        "versions": {"mediate": "0.1.0", "numerics": "1"},
        "pairs": "fingerprint of the pairs",
        "counts": {"given": 0},
    }
    if writer is not None:
        found["writer"] = {"name": writer, "fingerprint": f"print of {writer}", "retokenised": 0}
    return found | changes


def world(number: int, author: str, steps: int, *, written: bool, base: bool, words: int = 2) -> Told:
    """A world whose chain is its author's own, with so many steps of so many tokens."""
    amount = number + 3 + base
    ends = [" is"] * (words - 1) + [".\n"]
    tokens = tuple(f"{author} {amount} at {step}{end}" for step in range(steps) for end in ends)
    numbers = tuple(step for step in range(steps) for _ in ends)
    return Told(f"Tom has {amount} apples and eats 2.", str(amount - 2), tokens, numbers, None, written)


def item(
    number: int, author: str, *, groups: int = 8, steps: int = 2, written: bool = True, words: int = 2
) -> Measured:
    """One item; chains of one author are the same in every run."""
    worlds = (world(number, author, steps, written=written, base=base, words=words) for base in (True, False))
    return Measured(f"i{number:04d}", f"g{number % groups}", *worlds)


def cube(
    items: Sequence[Measured], shares: Sequence[float], *, te: float = 5.0, noise: float = 0.2, seed: int = 0
) -> Cube:
    """Additive channels whose shares of the set's TE are exactly `shares` (direct, text, latent), which sum to 1.

    Without interaction TIE is text and latent, so the mediated share is 1 less the direct one. Items' total effects are
    the same for every seed of the noise.
    """
    count = len(items)
    each = te * (1 + 0.3 * np.sin(np.arange(count)))
    each *= te / each.mean()
    drawn = np.random.default_rng(seed).normal(0, noise, (count, 3))
    drawn -= drawn.mean(axis=0)
    drawn -= drawn.mean(axis=1, keepdims=True)  # the items' own total effects stay as they are
    channels = each[:, None] * np.asarray(shares) + drawn
    d, t, h = np.meshgrid((0, 1), (0, 1), (0, 1), indexing="ij")
    y = np.einsum("ic,cdth->idth", channels, np.stack([d, t, h]).astype(float)) - 1.0
    return Cube(y, tuple(one.id for one in items), tuple(one.group for one in items), OUTCOME)


def maps(
    items: Sequence[Measured], of: Cube, profile: np.ndarray, *, seed: int = 0, noise: float = 0.02
) -> tuple[EffectMap, ...]:
    """Read maps whose cells are the item's TE times `profile` (step x layer), and noise."""
    rng = np.random.default_rng(seed + 100)
    te = of.y[:, 1, 1, 1] - of.y[:, 0, 0, 0]
    found = []
    for row, one in enumerate(items):
        steps = max(one.base.steps) + 1
        shape = (steps, profile.shape[1])
        values = te[row] * profile[:steps] + rng.normal(0, noise, shape)
        coords = {"step": tuple(range(steps)), "layer": tuple(range(shape[1]))}
        found.append(EffectMap(values, ("step", "layer"), coords, one.id, one.group, "read", OUTCOME, float(te[row])))
    return tuple(found)


def run(
    model: str = A,
    shares: Sequence[float] = (0.1, 0.8, 0.1),
    *,
    count: int = 24,
    groups: int = 8,
    writer: str | None = None,
    given: bool = False,
    layers: int = 4,
    profile: np.ndarray | None = None,
    seed: int = 0,
    te: float = 5.0,
    steps: int = 2,
    words: int = 2,
    **changes: Any,
) -> Results:
    """A run of a model that reads its own chains, those of `writer`, or given ones."""
    author = "someone" if given else writer or model
    items = tuple(
        item(number, author, groups=groups, steps=steps, written=writer is None and not given, words=words)
        for number in range(count)
    )
    found = cube(items, shares, te=te, seed=seed)
    drawn = () if profile is None else maps(items, found, profile, seed=seed)
    return Results(manifest(model, layers=layers, writer=writer, **changes), items, (found,), drawn)


def without(results: Results, *names: str, rejected: str = "") -> Results:
    """The run without some items; with a code, they are among its rejects."""
    from mediate.results.cube import select

    kept = [one.id for one in results.items if one.id not in names]
    rejects = tuple(Reject(name, rejected, f"{rejected} it is") for name in names) if rejected else ()
    return replace(
        results,
        items=tuple(one for one in results.items if one.id in kept),
        cubes=tuple(select(each, kept) for each in results.cubes),
        maps=tuple(each for each in results.maps if each.item in kept),
        rejects=(*results.rejects, *rejects),
    )
