"""Replacements of the chain alone on the reference reasoners: which would have misled, and by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mediate.mediation.names import LOGIT, Outcome
from mediate.models.shipped import RUNGS, After
from mediate.report import Scores
from mediate.report.comparison.words import points, points_interval
from mediate.report.words import DASH, share_words
from mediate.results import MIN_TE, Cube, corners
from mediate.results.sensitivity import effects_of
from mediate.stats import Estimate, paired_ratio_difference
from tools.findings.finding import SEED, Finding, basis, markdown
from tools.findings.levels import DIGITS, OUTCOMES, make, opened, share_of, size_of, twins

# Twins put every decorative chain below 10 % and all others above 99 %. These bounds are from before the first look at
# what replacements do.
LITTLE, MUCH = 0.2, 0.8
READ_OFF = {outcome: OUTCOMES[outcome] for outcome in (LOGIT, DIGITS)}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a replacement says of one chain's worth, beside what twins say.

    Args:
        model: Size and state.
        share: Its effect's share of TE.
        twin: The mediated share against twins.
    """

    model: tuple[str, After]
    share: Estimate
    twin: Estimate

    @property
    def misleads(self) -> bool:
        """Whether the whole interval is on the wrong side: above `LITTLE` of a decorative chain, else below `MUCH`."""
        return self.share.low > LITTLE if self._decorative else self.share.high < MUCH

    @property
    def tells(self) -> bool:
        """Whether the whole interval is on the right side: below `LITTLE` of a decorative chain, else above `MUCH`."""
        return self.share.high < LITTLE if self._decorative else self.share.low > MUCH

    @property
    def off(self) -> float:
        """By how much it is off what twins say, as a share: positive of a chain that is said to carry more."""
        return self.share.value - self.twin.value

    @property
    def _decorative(self) -> bool:
        return self.model[1] is After.DECORATIVE


def table(folder: Path) -> str:
    """How often each replacement tells what twins tell, is undecided or misleads; and every share behind that."""
    runs, held = opened(folder), {model: run.shares()["mediated"] for model, run in twins(folder).items()}
    judged = {outcome: _judged(runs, held, outcome) for outcome in READ_OFF}
    names = list(judged[LOGIT])
    summary = []
    for name in names:
        row = [name]
        for outcome, found in judged.items():
            apart = min((_apart(runs, outcome, name, size) for size in _sizes()), key=lambda each: each.low)
            row += [_counts(found[name]), f"{points(apart.value)} {points_interval(apart)}"]
        summary.append([*row, _misled(runs, judged, name)])
    heads = [f"{words}: {each}" for words in READ_OFF.values() for each in ("tells, open, misleads", "least apart")]
    rows = [
        [name, size_of(runs[size, After.BASE]), *_row([judged[outcome][name] for outcome in READ_OFF], size)]
        for name in names
        for size in _sizes()
    ]
    columns = [f"{after}, {words}" for words in READ_OFF.values() for after in After]
    tables = [
        markdown(("in the chain's place", *heads, "misled, and by how much"), summary),
        markdown(("in the chain's place", "parameters", *columns), rows),
    ]
    told = [each.share for found in judged.values() for every in found.values() for each in every]
    more = (
        "Each share is of Y111 less the outcome with the replacement, over TE; hidden is Y111 − Y100. It tells what "
        f"twins tell where its whole interval is below {LITTLE:.0%} of a decorative chain, above {MUCH:.0%} of a "
        f"needed one or a base's; it misleads where the whole interval is above {LITTLE:.0%} of a decorative chain, "
        f"below {MUCH:.0%} of the others; else it is open. Counts are of 12 models; by how much: its share less the "
        "twins', in points. Least apart: needed less decorative, paired, at the size where the interval's lower end is "
        "least."
    ).replace("%", "\N{NO-BREAK SPACE}%")
    return "\n\n".join([*tables, basis(list(runs.values()), told, more)])


def _judged(
    runs: Mapping[tuple[str, After], Scores], held: Mapping[tuple[str, After], Estimate], outcome: Outcome
) -> dict[str, list[Judged]]:
    """Of every replacement, what it says of every model."""
    found: dict[str, list[Judged]] = {}
    for model, run in runs.items():
        cube, effects = _effects(run, outcome)
        for name, values in effects.items():
            found.setdefault(name, []).append(Judged(model, share_of(values, cube), held[model]))
    return found


def _effects(run: Scores, outcome: Outcome) -> tuple[Cube, dict[str, Float[np.ndarray, " item"]]]:
    cube = run.results.cube(outcome.name)
    return cube, effects_of(cube, run.results.replaced)


def _apart(runs: Mapping[tuple[str, After], Scores], outcome: Outcome, name: str, size: str) -> Estimate:
    """By how much the share of a needed chain is above that of a decorative one, over the items that have both."""
    cubes, effects = zip(
        *(_effects(runs[size, after], outcome) for after in (After.DECORATIVE, After.NEEDED)), strict=True
    )
    values, te = np.stack([each[name] for each in effects]), np.stack([corners(cube.y).te for cube in cubes])
    there = np.isfinite(values).all(axis=0)
    groups = [group for group, has in zip(cubes[0].groups, there, strict=True) if has]
    return paired_ratio_difference(values[:, there], te[:, there], groups, min_mean_denominator=MIN_TE, seed=SEED)


def _counts(found: Sequence[Judged]) -> str:
    tells, misleads = sum(each.tells for each in found), sum(each.misleads for each in found)
    return f"{tells}, {len(found) - tells - misleads}, {misleads}"


def _misled(
    runs: Mapping[tuple[str, After], Scores], judged: Mapping[Outcome, Mapping[str, Sequence[Judged]]], name: str
) -> str:
    """Every model that a replacement misleads about, an outcome after the other."""
    told = []
    for outcome, words in READ_OFF.items():
        wrong = [each for each in judged[outcome][name] if each.misleads]
        listed = ", ".join(f"{size_of(runs[each.model])} {each.model[1]} {points(each.off)}" for each in wrong)
        if listed:
            told.append(f"{words}: {listed}")
    return "; ".join(told) or DASH


def _row(found: Sequence[Sequence[Judged]], size: str) -> list[str]:
    """The shares of all states of one size, an outcome after the other."""
    shares = [{each.model: each.share for each in one} for one in found]
    return [share_words(one[size, after], 0) for one in shares for after in After]


def _sizes() -> list[str]:
    return [rung.size for rung in RUNGS]


REPLACEMENTS = Finding("replacements", make, table, minutes=0)
