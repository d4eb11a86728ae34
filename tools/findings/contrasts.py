"""The reference reasoners, before and after fine-tuning, under each contrast: do all tell decorative from needed?"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

import mediate
from mediate.models.shipped import RUNGS, After
from mediate.pairs.pair import Item, Pair
from mediate.report import Scores
from mediate.report.comparison.words import points, points_interval
from mediate.report.words import share_words
from mediate.results import MIN_TE, corners
from mediate.results.contrasts import CONTRASTS, TWIN, Contrast
from mediate.stats import paired_ratio_difference
from mediate.tasks import Hint
from tools.findings.finding import SEED, Finding, basis, markdown, nats, run_of
from tools.findings.ladder import PAIRS

FOLDER = "contrasts"


def make(folder: Path) -> None:
    """Scores every reasoner on the ladder's pairs against their twins, and on their bases by themselves otherwise."""
    pairs = mediate.modular_pairs(PAIRS, seed=SEED, hint=Hint.ANSWER)
    items = [replace(pair.base, id=pair.id, group=pair.group) for pair in pairs]
    for rung in RUNGS:
        for after in After:
            model = mediate.load(rung.name(after))
            for contrast in CONTRASTS:
                given: tuple[Pair, ...] | list[Item] = pairs if contrast is TWIN else items
                out = folder / FOLDER / f"{rung.name(after)}-{contrast}"
                mediate.score(model, given, out=out, against=contrast.name, maps=(), control_pairs=0, seed=SEED)
            print(f"{rung.name(after)}: scored", flush=True)


def table(folder: Path) -> str:
    """Total effect and mediated share of every size and state, a column a contrast."""
    runs = {(rung.size, after, contrast): _run(folder, rung.name(after), contrast)
            for rung in RUNGS for after in After for contrast in CONTRASTS}  # fmt: skip
    told, rows = [], []
    for rung in RUNGS:
        for after in After:
            own = [runs[rung.size, after, contrast] for contrast in CONTRASTS]
            shares = [run.shares()["mediated"] for run in own]
            told += shares
            size = f"{own[0].results.manifest['model']['parameters'] / 1e6:.2f}M"
            cells = [f"{share_words(s, 1)} of {nats(run.effects()['te'])}" for s, run in zip(shares, own, strict=True)]
            rows.append([size, str(after), *cells])
    spread = [f"{run.others()['te_sd'].median():.2f}" for (_, after, each), run in runs.items() if each.name == "other"]
    apart = [f"{each} {_least_apart(runs, each)}" for each in CONTRASTS]
    more = (
        "Each cell is the mediated share and the total effect in nats that it is a share of. Needed less decorative, "
        f"paired, at the size where it is least: {', '.join(apart)}. Median standard deviation of TE between the "
        f"others of an item, in the order of the rows: {', '.join(spread)} nats."
    )
    heads = ("parameters", "after", *(str(each) for each in CONTRASTS))
    return f"{markdown(heads, rows)}\n\n{basis(list(runs.values()), told, more)}"


def _least_apart(runs: Mapping[tuple[str, After, Contrast], Scores], contrast: Contrast) -> str:
    """By how much the mediated share of needed is above that of decorative, at the size where that is least."""
    found = []
    for rung in RUNGS:
        cubes = [runs[rung.size, after, contrast].results.cube() for after in (After.DECORATIVE, After.NEEDED)]
        effects = [corners(cube.y) for cube in cubes]
        tie, te = np.stack([each.tie for each in effects]), np.stack([each.te for each in effects])
        found.append(paired_ratio_difference(tie, te, cubes[0].groups, min_mean_denominator=MIN_TE, seed=SEED))
    least = min(found, key=lambda each: each.value)
    return f"{points(least.value)} {points_interval(least)}"


def _run(folder: Path, model: str, contrast: Contrast) -> Scores:
    return run_of(folder / FOLDER / f"{model}-{contrast}")


HELD_AGAINST = Finding("contrasts", make, table, minutes=5)
