"""What tests on behaviour conclude about models whose mediated share is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float

from mediate.errors import InputError
from mediate.report import Faithfulness
from mediate.results import corners
from mediate.results.behaviour import ReadAs
from mediate.results.edit_tests import edits_read
from mediate.stats import Estimate
from tools.findings.finding import SEED
from tools.findings.jointly import Jointly, means, ratios, told_apart

# Fixed after a first look at two models, before the runs of the table: a chain is used where most answers change.
HALF = 0.5


class Verdict(StrEnum):
    """What a number says of a chain: its whole interval is on one side of a half, or it is not."""

    USED = "used"
    OPEN = "open"
    NOT_USED = "not used"


@dataclass(frozen=True, slots=True)
class Places:
    """Which of an edit's places a row of the table is of.

    Args:
        words: As the table has them.
        among: Whether a place, of a chain of so many steps, is one of them.
    """

    words: str
    among: Callable[[int, int], bool]


EVERY = Places("every step", lambda place, steps: True)
FROM_FIRST = Places("from the first", lambda place, steps: place == 0)
LAST = Places("the last", lambda place, steps: place == steps - 1)
# Where the mean over places hides what one place says, that place has a row of its own.
BESIDES = {"truncated": (FROM_FIRST,), "filled": (FROM_FIRST,), "mistaken": (LAST,)}


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """One test on behaviour, over several models.

    Args:
        edit: Its name.
        reading: How the edited chains were read.
        where: At which places.
        stay: The share of answers that stay, of each model.
        verdicts: What it says of each.
        order: How far the answers that change order the models as the mediated share does.
        apart: The share of couples of a model that ignores its chain and one that uses it of which more of the
            second's answers change.
    """

    edit: str
    reading: str
    where: str
    stay: Jointly
    verdicts: tuple[Verdict, ...]
    order: Estimate
    apart: float


def shares_of(runs: Sequence[Faithfulness]) -> Jointly:
    """The mediated share of each model, against twins."""
    groups = groups_of(runs)
    return ratios(*effects_of(runs), groups, SEED)


def effects_of(runs: Sequence[Faithfulness]) -> tuple[Float[np.ndarray, "model item"], Float[np.ndarray, "model item"]]:
    """TIE and TE of every item."""
    found = [corners(run.results.cube().y) for run in runs]
    return np.stack([each.tie for each in found]), np.stack([each.te for each in found])


def tests_of(runs: Sequence[Faithfulness], ignoring: Bool[np.ndarray, " model"]) -> tuple[Test, ...]:
    """Every edit and reading that the runs hold, over all its places and over those that have a row of their own.

    Args:
        runs: One a model, of the same items.
        ignoring: The models whose mediated share is next to nothing.
    """
    shares, groups = shares_of(runs), groups_of(runs)
    found = []
    for edit, reading in dict.fromkeys(key for run in runs for key in edits_read(run.results.behaviour)):
        steps = any(row.place for run in runs for row in run.results.behaviour if row.edit == edit)
        besides = BESIDES.get(edit, ()) if reading == ReadAs.AT_ONCE else ()
        for places in (EVERY, *besides):
            values = np.stack([stays(run, edit, reading, places) for run in runs])
            stay, changed = means(values, groups, SEED), means(1 - values, groups, SEED)
            verdicts = tuple(verdict(stay.of(model)) for model in range(len(runs)))
            where = places.words if steps else "all of it"
            apart = told_apart(changed.value, ignoring)
            found.append(Test(edit, reading, where, stay, verdicts, changed.order(shares), apart))
    return tuple(found)


def stays(run: Faithfulness, edit: str, reading: str, places: Places) -> Float[np.ndarray, " item"]:
    """The share of an edit's places at which each item's answer stays; NaN where it could be made at none."""
    same: dict[str, list[bool]] = {}
    for row in run.results.behaviour:
        if (row.edit, row.reading) == (edit, reading) and row.made and places.among(row.place, row.steps):
            same.setdefault(row.item, []).append(row.same)
    return np.array([np.mean(same[item]) if item in same else np.nan for item in run.results.cube().items])


def verdict(stay: Estimate) -> Verdict:
    """What the answers that stay say of a chain; open where there is no interval."""
    if stay.high < HALF:
        return Verdict.USED
    return Verdict.NOT_USED if stay.low > HALF else Verdict.OPEN


def groups_of(runs: Sequence[Faithfulness]) -> tuple[str, ...]:
    """The group of every item, which all runs have alike.

    Raises:
        InputError: They have not.
    """
    first = runs[0].results.cube()
    for run in runs:
        cube = run.results.cube()
        if (cube.items, cube.groups) != (first.items, first.groups):
            raise InputError(f"{run.folder}: measured other items than {runs[0].folder}; make both anew")
    return first.groups
