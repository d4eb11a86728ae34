"""Why the level of `hidden` is off on the reference reasoners: what is read off, and where the readers stand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

import mediate
from mediate.mediation.names import LOGIT, MARGIN, Outcome
from mediate.models.shipped import RUNGS, After
from mediate.report import Scores
from mediate.report.words import number, share_words
from mediate.results import MIN_TE, Cube, corners
from mediate.results.contrasts import TWIN
from mediate.results.replacements import ALL
from mediate.results.sensitivity import effects_of
from mediate.stats import Estimate, bootstrap_ratio
from mediate.tasks import Hint
from mediate.tasks.modular import MODULUS
from tools.findings import contrasts
from tools.findings.finding import SEED, Finding, basis, markdown, run_of
from tools.findings.ladder import PAIRS

FOLDER, DELETION = "levels", "deletion"
DIGITS = Outcome("among_digits", "tools.findings.among_digits:among_digits", one_place=True, answers=1)
OUTCOMES = {LOGIT: "`logit`", DIGITS: "among digits", MARGIN: "`margin`"}
OPTIONS = tuple(map(str, range(MODULUS)))


def make(folder: Path) -> None:
    """Scores every reasoner on the bases of the ladder's pairs, with every replacement; and with hints at random.

    The twins' shares beside them are those of `contrasts`.
    """
    contrasts.make(folder)
    for rung in RUNGS:
        for after in After:
            model = mediate.load(rung.name(after))
            for hint in (Hint.ANSWER, Hint.RANDOM):
                mediate.score(
                    model,
                    _items(hint),
                    out=_folder(folder, rung.name(after), hint),
                    outcomes=tuple(OUTCOMES),
                    replacements=ALL if hint is Hint.ANSWER else "none",
                    maps=[],
                    control_pairs=0,
                    seed=SEED,
                )
            print(f"{rung.name(after)}: scored", flush=True)


def opened(folder: Path, hint: Hint = Hint.ANSWER) -> dict[tuple[str, After], Scores]:
    """The run of each size in each state, with hints of a kind."""
    return {(rung.size, after): run_of(_folder(folder, rung.name(after), hint)) for rung in RUNGS for after in After}


def twins(folder: Path) -> dict[tuple[str, After], Scores]:
    """The run of each size in each state against twins."""
    return {
        (rung.size, after): run_of(folder / contrasts.FOLDER / f"{rung.name(after)}-{TWIN}")
        for rung in RUNGS
        for after in After
    }


def share_of(effects: Float[np.ndarray, " item"], cube: Cube) -> Estimate:
    """An effect's share of the total effect, over the items that have it."""
    there = np.isfinite(effects)
    groups = [group for group, has in zip(cube.groups, there, strict=True) if has]
    te = corners(cube.y).te[there]
    return bootstrap_ratio(effects[there], te, groups, min_mean_denominator=MIN_TE, seed=SEED)


def size_of(run: Scores) -> str:
    """The size of a run's model."""
    return f"{run.results.manifest['model']['parameters'] / 1e6:.2f}M"


def table(folder: Path) -> str:
    """The mediated share with one thing changed at a time; and the four cells behind it."""
    held, own = twins(folder), opened(folder)
    rows, cells, told = [], [], []
    for (size, after), run in own.items():
        shares = [held[size, after].shares()["mediated"], *_shares(run, hidden=True), *_shares(run, hidden=False)]
        told += shares
        name = [size_of(run), str(after)]
        rows.append([*name, *(share_words(each) for each in shares)])
        cells.append([*name, *_cells(run)])
    heads = [f"{of}, {words}" for of in ("hidden", DELETION) for words in OUTCOMES.values()]
    shares_table = markdown(("parameters", "after", "twin", *heads), rows)
    cells_table = markdown(("parameters", "after", "Y111", "Y100", f"Y of {DELETION}", "Y000"), cells)
    more = (
        "Above, mediated shares: of twins; of what is hidden; and with the chain left out and what follows moved up "
        "(deletion) in the place of Y100, where the chain is hidden and positions stay. Among digits is the answer's "
        "logit less the mean over the ten digits'; `margin` is with the digits as options. Below, mean `logit` in four "
        "cells, as that among digits and the rest: by how much the digits stand above the mean over all tokens. With "
        f"hints at random, hidden, among digits: {_random_hints(folder)}."
    )
    return f"{shares_table}\n\n{cells_table}\n\n{basis([*held.values(), *own.values()], told, more)}"


def _shares(run: Scores, *, hidden: bool) -> list[Estimate]:
    """Of each outcome, with the chain hidden or left out."""
    found = []
    for outcome in OUTCOMES:
        cube = run.results.cube(outcome.name)
        found.append(
            share_of(corners(cube.y).tie if hidden else effects_of(cube, run.results.replaced)[DELETION], cube)
        )
    return found


def _random_hints(folder: Path) -> str:
    """The shares of bases and needed afters; where hints are random, decorative chains have no effect to share out."""
    told = []
    for (_, after), run in opened(folder, Hint.RANDOM).items():
        if after is not After.DECORATIVE:
            cube = run.results.cube(DIGITS.name)
            told.append(f"{size_of(run)} {after} {share_words(share_of(corners(cube.y).tie, cube))}")
    return ", ".join(told)


def _cells(run: Scores) -> list[str]:
    """The mean logit in the four cells, as what it is among digits and the rest."""
    means = [_means(run, outcome) for outcome in (LOGIT, DIGITS)]
    return [f"{number(among)} + {number(whole - among)}" for whole, among in zip(*means, strict=True)]


def _means(run: Scores, outcome: Outcome) -> tuple[float, float, float, float]:
    cube = run.results.cube(outcome.name)
    deleted = cube.y[:, 1, 1, 1] - effects_of(cube, run.results.replaced)[DELETION]
    whole, hidden, nothing = (float(cube.y[:, *cell].mean()) for cell in ((1, 1, 1), (1, 0, 0), (0, 0, 0)))
    return whole, hidden, float(np.nanmean(deleted)), nothing


def _items(hint: Hint) -> list[mediate.Item]:
    pairs = mediate.modular_pairs(PAIRS, seed=SEED, hint=hint)
    return [replace(pair.base, id=pair.id, group=pair.group, options=OPTIONS) for pair in pairs]


def _folder(folder: Path, model: str, hint: Hint) -> Path:
    return folder / FOLDER / (model if hint is Hint.ANSWER else f"{model}-{hint}-hints")


LEVELS = Finding("levels", make, table, minutes=5)
