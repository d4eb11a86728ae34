"""Why the level of `hidden` is off on the reference reasoners: what is read off, and where the readers stand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

import mediate
from mediate.mediation.names import LOGIT, MARGIN, Outcome
from mediate.models.shipped import RUNGS, After
from mediate.report import Scores
from mediate.report.words import MINUS, number, percent, plural, share_words
from mediate.results import MIN_TE, Cube, corners
from mediate.results.contrasts import TWIN
from mediate.results.replacements import ALL
from mediate.results.sensitivity import effects_of
from mediate.stats import Estimate, bootstrap_ratio, paired_difference
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
        rows.append([*name, *(share_words(each, 0) for each in shares)])
        cells.append([*name, *_cells(run), _by_steps(run)])
    heads = [f"{of}, {words}" for of in ("hidden", DELETION) for words in OUTCOMES.values()]
    shares_table = markdown(("parameters", "after", "twin", *heads), rows)
    in_cells = ("Y111", "Y100", f"Y of {DELETION}", "Y000")
    cells_table = markdown(("parameters", "after", *in_cells, "hidden, `logit`, by steps"), cells)
    more = (
        "Above, mediated shares: of twins; of what is hidden; and with the chain left out and what follows moved up "
        "(deletion) in the place of Y100, where the chain is hidden and positions stay. Among digits is the answer's "
        "logit less the mean over the ten digits'; `margin` is with the digits as options. Below, mean `logit` in four "
        "cells, as that among digits and the rest: by how much the digits stand above the mean over all tokens; "
        "and the share of hidden on `logit` of the items of 2, of 3, of 4 and of 5 steps, n = 10 each. With "
        f"hints at random, hidden, among digits: {_random_hints(folder)}. Hidden beside deletion, paired: "
        f"{'; '.join(_agreeing(own, held, outcome) for outcome in OUTCOMES)}."
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
            told.append(f"{size_of(run)} {after} {share_words(share_of(corners(cube.y).tie, cube), 0)}")
    return ", ".join(told)


def _agreeing(
    own: Mapping[tuple[str, After], Scores], held: Mapping[tuple[str, After], Scores], outcome: Outcome
) -> str:
    """How far hidden's share is off the twins', where it agrees with deletion and where it does not."""
    off: dict[bool, list[float]] = {True: [], False: []}
    for model, run in own.items():
        cube = run.results.cube(outcome.name)
        tie, deleted = corners(cube.y).tie, effects_of(cube, run.results.replaced)[DELETION]
        there = np.isfinite(deleted)
        groups = [group for group, has in zip(cube.groups, there, strict=True) if has]
        apart = paired_difference(deleted[there], tie[there], groups, seed=SEED)
        share = share_of(tie, cube).value - held[model].shares()["mediated"].value
        off[bool(apart.low <= 0 <= apart.high)].append(abs(share))
    same, differing = (_range(off[agree]) for agree in (True, False))
    return f"on {OUTCOMES[outcome]} they agree in {same}, and differ in {differing}"


def _range(off: Sequence[float]) -> str:
    """How many models, and by how much a share of theirs is off, from the least to the most."""
    if not off:
        return "no model"
    least, most = (number(100 * each(off), 1) for each in (min, max))
    return f"{plural(len(off), 'model')}, whose share is {least} to {most} points off the twins'"


def _cells(run: Scores) -> list[str]:
    """The mean logit in the four cells, as what it is among digits and the rest."""
    means = [_means(run, outcome) for outcome in (LOGIT, DIGITS)]
    parts = [(among, whole - among) for whole, among in zip(*means, strict=True)]
    return [f"{number(among)} {'+' if rest >= 0 else MINUS} {number(abs(rest))}" for among, rest in parts]


def _means(run: Scores, outcome: Outcome) -> tuple[float, float, float, float]:
    cube = run.results.cube(outcome.name)
    deleted = cube.y[:, 1, 1, 1] - effects_of(cube, run.results.replaced)[DELETION]
    whole, hidden, nothing = (float(cube.y[:, *cell].mean()) for cell in ((1, 1, 1), (1, 0, 0), (0, 0, 0)))
    return whole, hidden, float(np.nanmean(deleted)), nothing


def _by_steps(run: Scores) -> str:
    """The mediated share on `logit` of items of each number of steps, in order."""
    cube = run.results.cube(LOGIT.name)
    steps, effects = np.array([len(set(item.base.steps)) for item in run.results.items]), corners(cube.y)
    shares = [effects.tie[steps == each].sum() / effects.te[steps == each].sum() for each in np.unique(steps)]
    return ", ".join(percent(share) for share in shares)


def _items(hint: Hint) -> list[mediate.Item]:
    pairs = mediate.modular_pairs(PAIRS, seed=SEED, hint=hint)
    return [replace(pair.base, id=pair.id, group=pair.group, options=OPTIONS) for pair in pairs]


def _folder(folder: Path, model: str, hint: Hint) -> Path:
    return folder / FOLDER / (model if hint is Hint.ANSWER else f"{model}-{hint}-hints")


LEVELS = Finding("levels", make, table, minutes=5)
