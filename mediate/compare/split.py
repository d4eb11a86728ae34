"""The 2 x 2 of readers and writers: a change, split into other chains written and chains read otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediate.compare.pairing import Pairing
from mediate.compare.quantities import EFFECT, EFFECTS, SHARE, SHARES, aligned, effect_values, share_numerators
from mediate.compare.runs import NamedRun, by_label
from mediate.compare.settings import Settings
from mediate.stats import Estimate
from mediate.stats.studentised import contrast_of, studentised

# Of the four cells A reads A's, A reads B's, B reads A's, B reads B's (reader first).
CONTRASTS = {
    "total": (-1.0, 0.0, 0.0, 1.0),
    "writes different chains": (-0.5, 0.5, -0.5, 0.5),
    "reads chains differently": (-0.5, -0.5, 0.5, 0.5),
    "interaction": (1.0, -1.0, -1.0, 1.0),
    "writes, read by the first": (-1.0, 1.0, 0.0, 0.0),
    "writes, read by the second": (0.0, 0.0, -1.0, 1.0),
    "reads, written by the first": (-1.0, 0.0, 1.0, 0.0),
    "reads, written by the second": (0.0, -1.0, 0.0, 1.0),
}
# The split itself, and the single orders of exchanging writer and reader.
PARTS, ORDERS = tuple(CONTRASTS)[:4], tuple(CONTRASTS)[4:]


@dataclass(frozen=True, slots=True)
class SplitPart:
    """One part of the change of one quantity from `A reads A's` to `B reads B's`.

    Args:
        outcome: What is read at the answer.
        first: The model A.
        second: The model B.
        kind: `share` or `effect`.
        quantity: Such as `mediated` or `te`.
        part: A key of `CONTRASTS`. The two that are means over both orders (the Shapley value of two) sum to `total`.
        estimate: A share's change is in shares of TE, an effect's in nats.
    """

    outcome: str
    first: str
    second: str
    kind: str
    quantity: str
    part: str
    estimate: Estimate


def find_squares(runs: Sequence[NamedRun], writers: Sequence[str | None]) -> tuple[tuple[int, int, int, int], ...]:
    """The places of the runs of each 2 x 2 that begins with the first run's model: AA, AB, BA, BB, reader first.

    Args:
        runs: What is compared.
        writers: The fingerprint of the writer of each run's chains; None where there are several.
    """
    cells: dict[tuple[str, str | None], int] = {}
    for place, (run, writer) in enumerate(zip(runs, writers, strict=True)):
        cells.setdefault((run.reader.fingerprint, writer), place)
    first = runs[0].reader.fingerprint
    others = dict.fromkeys(run.reader.fingerprint for run in runs if run.reader.fingerprint != first)
    squares = []
    for other in others:
        wanted = [(reader, writer) for reader in (first, other) for writer in (first, other)]
        if all(cell in cells for cell in wanted):
            aa, ab, ba, bb = (cells[cell] for cell in wanted)
            squares.append((aa, ab, ba, bb))
    return tuple(squares)


def split_square(runs: Sequence[NamedRun], pairing: Pairing, outcome: str, how: Settings) -> tuple[SplitPart, ...]:
    """Every part of every quantity of one 2 x 2, from the runs of `find_squares` in their order."""
    cubes = [aligned(run.results.cube(outcome), pairing.items) for run in runs]
    tops, effects = (np.stack([of(cube) for cube in cubes]) for of in (share_numerators, effect_values))
    te, ones = effects[:, 0], np.ones_like(effects[:, 0])
    first, second = runs[0].reader.name, runs[3].reader.name
    if first == second:
        first, second = f"{first} ({runs[0].label})", f"{second} ({runs[3].label})"
    named = [(SHARE, name, tops[:, place], te, how.min_te) for place, name in enumerate(SHARES)]
    named += [(EFFECT, name, effects[:, place], ones, 0.0) for place, name in enumerate(EFFECTS)]
    found = []
    for kind, name, top, bottom, least in named:
        for part, weights in CONTRASTS.items():
            estimate = studentised(
                contrast_of(np.array(weights), top, bottom, pairing.groups),
                min_mean_denominator=least,
                seed=how.seed,
                level=how.level,
                draws=how.draws,
            )
            told = by_label(estimate, runs, outcome)
            found.append(SplitPart(outcome, first, second, kind, name, part, told))
    return tuple(found)
