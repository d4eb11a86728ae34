"""Students that are taught by a talkative teacher: by each arm, what they answer and what they read, before and after.

`tools.findings.school` has the teacher, the students, and the ways to teach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import mediate
from mediate.errors import InputError
from mediate.report import Faithfulness, TokenJoin
from mediate.report.token_words import SET_WORDS
from mediate.report.words import interval, number, percent, share_words
from mediate.results.areas import normalised_area
from mediate.results.behaviour import ReadAs
from mediate.results.conditions import right_of
from mediate.results.edit_tests import curves_of
from mediate.results.token_join import ALL, STATE
from mediate.results.tokens_agreed import Carried, TokensAgreed
from mediate.stats import Estimate
from mediate.stats.bounded import bounded_difference, bounded_mean
from tools.findings.concluded import effects_of, groups_of
from tools.findings.finding import COMMAND, SEED, Finding, basis, markdown, run_of
from tools.findings.jointly import Jointly, means, ratios
from tools.findings.school import MEASURED, OWN, SEEDS, STUDENTS, TALKATIVE, WAYS, School, problems

FOLDER = "distilled"
LENGTHS = (2, 3, 4, 5)


def make(folder: Path) -> None:
    """Teaches every student in every way with every seed, and measures it before and after."""
    school = School(folder / FOLDER / "models")
    teacher = mediate.load(school.teacher)
    for student in STUDENTS:
        _measure(folder, school.before(student), f"{student}-before")
        given = problems(MEASURED, SEED, TALKATIVE, held_out=True)
        out = folder / FOLDER / f"{student}-tokens"
        mediate.join_tokens(mediate.load(school.before(student)), given, teacher=teacher, out=out, seed=SEED)
        for way in WAYS:
            for seed in SEEDS:
                _measure(folder, school.after(student, way, seed), f"{student}-{way.name}-{seed}")
            print(f"{student}, {way.words}: taught and measured", flush=True)


def _measure(folder: Path, model: Path, name: str) -> None:
    loaded = mediate.load(model)
    how: dict[str, Any] = {"maps": [], "control_pairs": 0, "outcomes": ("logit_diff",), "on_bad_item": "skip"}
    own = problems(MEASURED, SEED, held_out=True, with_cot=False)
    try:
        mediate.score(loaded, own, out=folder / FOLDER / f"{name}-own", seed=SEED, **how)
    except InputError as error:
        if "no_cot" not in str(error):
            raise
        print(f"{name}: writes no chain", flush=True)
    given = problems(MEASURED, SEED, TALKATIVE, held_out=True)
    tests: dict[str, Any] = {"edits": ("truncated",), "readings": ("at_once",)}
    mediate.faithfulness(loaded, given, out=folder / FOLDER / f"{name}-given", seed=SEED, **tests, **how)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a student does, by item of the measured problems, averaged over seeds.

    Args:
        right: Whether it answers rightly after its own chain; 0 where none came to an end.
        te: The total effect with the teacher's right chains given, in nats.
        tie: What of it the chain mediates, in nats.
        area: Over the curve of early answering on these chains, normalised.
        seeds: The part of right answers, by seed.
    """

    right: Float[np.ndarray, " item"]
    te: Float[np.ndarray, " item"]
    tie: Float[np.ndarray, " item"]
    area: Float[np.ndarray, " item"]
    seeds: tuple[float, ...]


def table(folder: Path) -> str:
    """Of each student, before and after each way: right answers by length, TE, mediated share and area; changes."""
    tables, runs, told = [], [], list[Estimate]()
    for student in STUDENTS:
        names = {"before": [f"{student}-before"]}
        names |= {way.name: [f"{student}-{way.name}-{seed}" for seed in SEEDS] for way in WAYS}
        given = [run_of_behaviour(folder / FOLDER / f"{name}-given") for name in names["before"]]
        measured = [_of(folder, each) for each in names.values()]
        runs += [given[0].scores]
        rows, estimates = _rows(measured, groups_of(given), ids_of(given[0]))
        told += estimates
        labels = ["before", *(way.words for way in WAYS)]
        head = (student.removeprefix("reference-"), *(f"{n} steps" for n in LENGTHS), "right, all", "by seed", "change",
                "TE", "mediated", "change", "area", "change")  # fmt: skip
        tables.append(markdown(head, [[label, *row] for label, row in zip(labels, rows, strict=True)]))
    more = (
        f"Right: percent of {MEASURED} held-out problems after the student's own chain; wrong where there is none, "
        "or no end to it. TE in nats, the mediated share of it and the normalised area of early answering: with "
        "right chains in the teacher's style given. All but *by seed* are averaged over three seeds of the "
        "teaching, item by item; changes are paired with the student before, and intervals are over problems, not "
        f"over seeds; those of right answers are Clopper-Pearson's. The teacher's style: {_style(TALKATIVE)}; the "
        f"students' own: {_style(OWN)}. Tokens are those of the same chains, under the students before: their part "
        "of all, and what hiding them at once takes of what hiding the whole chain takes; and within chains, the "
        "rank correlation of a score with an effect, and the area under the receiver curve of the tokens that "
        "carry most (0.5: chance), with intervals as of rates."
    )
    return "\n\n".join([*tables, *_token_tables(folder), basis(runs, told, more)])


def _style(vary: str) -> str:
    return vary.partition("=")[2]


def _token_tables(folder: Path) -> tuple[str, str]:
    """What each student, before it is taught, finds of the teacher's tokens, and what these carry."""
    runs = [_joined(folder / FOLDER / f"{student}-tokens") for student in STUDENTS]
    names = [student.removeprefix("reference-") for student in STUDENTS]
    sets = [
        [SET_WORDS[of_first.name], *(_carried(run.together[place]) for run in runs)]
        for place, of_first in enumerate(runs[0].together)
    ]
    agreed = [
        [f"`{of_first.score}`", f"`{of_first.effect}`", *(_agreed(run.estimates[place]) for run in runs)]
        for place, of_first in enumerate(runs[0].estimates)
        if of_first.kind == ALL and of_first.effect != STATE
    ]
    return markdown(("tokens", *names), sets), markdown(("score", "effect", *names), agreed)


def _carried(of: Carried) -> str:
    return f"{percent(of.of_tokens, 1)} of tokens; {share_words(of.share)}"


def _agreed(of: TokensAgreed) -> str:
    return f"{_said(of.correlation, 2)}; {_said(of.area, 2)}"


def _joined(folder: Path) -> TokenJoin:
    found = mediate.open(folder)
    if not isinstance(found, TokenJoin):
        raise InputError(f"{folder}: holds no joined tokens; give the folder that {COMMAND} wrote: --from")
    return found


def run_of_behaviour(folder: Path) -> Faithfulness:
    """The tests on behaviour in a directory.

    Raises:
        InputError: It holds something else.
    """
    found = mediate.open(folder)
    if not isinstance(found, Faithfulness):
        raise InputError(f"{folder}: holds no tests on behaviour; give the folder that {COMMAND} wrote: --from")
    return found


def ids_of(run: Faithfulness) -> tuple[str, ...]:
    """The measured items, in order."""
    return tuple(run.results.cube().items)


def _of(folder: Path, names: Sequence[str]) -> Measured:
    """What the models of all seeds do, averaged."""
    given = [run_of_behaviour(folder / FOLDER / f"{name}-given") for name in names]
    ids = ids_of(given[0])
    right = np.stack([_right(folder / FOLDER / f"{name}-own", ids) for name in names])
    tie, te = effects_of(given)
    curves = [curves_of(run.results.behaviour, "truncated", ReadAs.AT_ONCE) for run in given]
    area = np.array([[normalised_area(each[item]) if item in each else np.nan for item in ids] for each in curves])
    by_seed = tuple(float(each) for each in right.mean(axis=1))
    return Measured(right.mean(axis=0), te.mean(axis=0), tie.mean(axis=0), area.mean(axis=0), by_seed)


def _right(folder: Path, ids: Sequence[str]) -> Float[np.ndarray, " item"]:
    """Whether each item is answered rightly; one that could not be measured, or of a model without chains, is not."""
    written = (folder / "results").exists()
    found = {item.id: right_of(item) for item in run_of(folder).results.items} if written else {}
    return np.array([found.get(each, 0.0) for each in ids])


def _rows(
    measured: Sequence[Measured], groups: Sequence[str], ids: Sequence[str]
) -> tuple[list[list[str]], list[Estimate]]:
    """The cells of each model, the first of which is before, and the estimates in them."""
    lengths = np.array([int(each.split("-")[1]) for each in ids])
    right = np.stack([each.right for each in measured])
    te, tie = (np.stack([getattr(each, name) for each in measured]) for name in ("te", "tie"))
    found = {
        "te": means(te, groups, SEED),
        "mediated": ratios(tie, te, groups, SEED),
        "area": means(np.stack([each.area for each in measured]), groups, SEED),
    }
    changed = {name: since_first(each) for name, each in found.items()}
    rows, told = [], list[Estimate]()
    for model, each in enumerate(measured):
        by_length = [f"{100 * each.right[lengths == count].mean():.0f}" for count in LENGTHS]
        seeds = ", ".join(f"{100 * share:.0f}" for share in each.seeds)
        mine = {name: of.of(model) for name, of in found.items()}
        moved = {name: _said(each.of(model), 2) for name, each in changed.items()}
        moved["right"] = _points(bounded_difference(right[[0, model]], np.ones((2, len(ids))), groups))
        if not model:
            moved = dict.fromkeys(moved, "")
        told += [mine["mediated"]]
        shares = share_words(mine["mediated"], 0), moved["mediated"], _said(mine["area"], 2), moved["area"]
        rows.append(
            [
                *by_length,
                share_words(bounded_mean(each.right, groups), 0),
                seeds,
                moved["right"],
                _said(mine["te"], 1),
                *shares,
            ]
        )
    return rows, told


def _points(change: Estimate) -> str:
    """A change of a rate, in points."""
    return _said(replace(change, value=100 * change.value, low=100 * change.low, high=100 * change.high), 0)


def since_first(of: Jointly) -> Jointly:
    """How much more each model has than the first, resampled together."""
    return replace(of, value=of.value - of.value[0], drawn=of.drawn - of.drawn[:, :1])


def _said(estimate: Estimate, digits: int) -> str:
    return f"{number(estimate.value, digits)} {interval(estimate, digits=digits)}" if estimate.defined else "undefined"


DISTILLED = Finding("distilled", make, table, minutes=60)
