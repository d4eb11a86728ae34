"""Families of pairs on models of each wording: what one thing changes of answers, and of what carries them.

The worded reasoners with right chains given, and with chains that they write themselves; the first ladder, and a real
model on word problems, with right chains given.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import mediate
from mediate.models.model import Model
from mediate.models.shipped import MODULAR_LADDER, WORDED_LADDER
from mediate.pairs.pair import Pair
from mediate.report import Scores
from mediate.report.run.conditions import conditions_found
from mediate.report.words import MINUS, number, percent, plural, share_words
from mediate.results.conditions import DEFAULT, MEDIATED, RIGHT, SHARES, TE, OfCondition
from mediate.scoring.spec import ScoreSpec
from mediate.stats import Estimate
from mediate.tasks import FAMILIES, Task
from tools.findings.finding import SEED, Finding, basis, markdown, nats, run_of

FOLDER = "families"
PROBLEMS = 40
# Of a real model, which is slow; of two operations, of which it is right at times. More where conditions are degrees of
# one thing, whose differences are small.
FEW, MORE = 8, {"length": 24, "distance": 24}
OPERATIONS = 2
REAL = "smollm2-135m-instruct"
SIGNS = tuple(rung.name() for rung in MODULAR_LADDER.rungs)
# Pairs of a family among which every condition is.
ENOUGH = 20
# Differences that are told by name: of what a model answers, and of what its chain carries.
TOLD = (RIGHT, MEDIATED)
# Of which a condition is in the question, so that it is there for a model that writes its chain.
OF_QUESTIONS = tuple(task for task in FAMILIES if task.name not in ("length", "execution"))
IN_SIGNS = tuple(task for task in FAMILIES if task.name in ("length", "execution", "novelty", "leaky"))
# Novelty is of models whose training is known.
IN_STORIES = tuple(task for task in FAMILIES if task.name != "novelty")
CELLS = "Each cell: right answers of the model itself after the chain; TE in nats, and the mediated share of it."


def _scored(folder: Path, model: Model, name: str, pairs: Sequence[Pair]) -> None:
    spec = ScoreSpec.model_validate({"maps": (), "control_pairs": 0, "seed": SEED, "outcomes": ("logit_diff",)})
    mediate.score(model, pairs, spec, out=folder / FOLDER / name)


def _pairs(task: Task, problems: int, **how: Any) -> tuple[Pair, ...]:
    """So many problems under every condition of a family."""
    count = len({pair.condition for pair in task.pairs(ENOUGH, seed=SEED, **how)})
    return task.pairs(problems * count, seed=SEED, **how)


def own_pairs(task: Task, problems: int = PROBLEMS) -> tuple[Pair, ...]:
    """Pairs without chains, under the first condition and those that ask something else; none where none does."""
    pairs = _pairs(task, problems, with_cot=False)
    first = pairs[0].condition
    asked = {pair.group: pair.base.question for pair in pairs if pair.condition == first}
    kept = {pair.condition for pair in pairs if asked.get(pair.group) != pair.base.question} - {first}
    return tuple(pair for pair in pairs if pair.condition in (first, *kept)) if kept else ()


def make(folder: Path) -> None:
    """Scores every worded reasoner on every family, right chains given where a condition does not say otherwise."""
    for name in WORDED_LADDER.names:
        model = mediate.load(name)
        for task in FAMILIES:
            _scored(folder, model, f"{name}-{task.name}", _pairs(task, PROBLEMS))
        print(f"{name}: scored", flush=True)


def make_own(folder: Path) -> None:
    """Scores every worded reasoner on chains that it writes itself."""
    for name in WORDED_LADDER.names:
        model = mediate.load(name)
        for task in OF_QUESTIONS:
            _scored(folder, model, f"{name}-{task.name}-own", own_pairs(task))
        print(f"{name}: scored", flush=True)


def make_signs(folder: Path) -> None:
    """Scores every rung of the first ladder, as trained, on the families that its words can say."""
    for name in SIGNS:
        model = mediate.load(name)
        for task in IN_SIGNS:
            _scored(folder, model, f"{name}-{task.name}", _pairs(task, PROBLEMS, wording="modular"))
        print(f"{name}: scored", flush=True)


def make_real(folder: Path) -> None:
    """Scores a real model on every family that is told as word problems."""
    model = mediate.load(mediate.fetch(REAL))
    for task in IN_STORIES:
        pairs = _pairs(task, MORE.get(task.name, FEW), wording="problems", steps=OPERATIONS)
        _scored(folder, model, f"{REAL}-{task.name}", pairs)


def table(
    folder: Path, names: Sequence[str] = WORDED_LADDER.names, tasks: Sequence[Task] = FAMILIES, own: str = ""
) -> str:
    """A row a family and condition, a column a model: right answers, TE, and the mediated share of it.

    Args:
        folder: Of the runs.
        names: The models.
        tasks: The families.
        own: What the names of the runs end in.
    """
    found = {(name, task.name): _run(folder, f"{name}-{task.name}{own}") for name in names for task in tasks}
    by_condition = {key: conditions_found(run.results, run.results.cube()) for key, run in found.items()}
    rows, told = [], list[Estimate]()
    for task in tasks:
        for under in zip(*(by_condition[name, task.name] for name in names), strict=True):
            told += [each.estimates[MEDIATED] for each in under]
            rows.append([task.name, under[0].condition, *(_cell(each) for each in under)])
    sizes = [_size(found[name, tasks[0].name]) for name in names]
    more = f"{CELLS} {_standing_out(by_condition)}"
    return f"{markdown(('family', 'condition', *sizes), rows)}\n\n{basis(list(found.values()), told, more)}"


def table_of_one(folder: Path) -> str:
    """A row a family and condition of the real model: right answers, TE and every share of it."""
    found = {(REAL, task.name): _run(folder, f"{REAL}-{task.name}") for task in IN_STORIES}
    by_condition = {key: conditions_found(run.results, run.results.cube()) for key, run in found.items()}
    rows, told = [], list[Estimate]()
    for (_, family), conditions in by_condition.items():
        for each in conditions:
            told += [each.estimates[name] for name in SHARES]
            shares = [share_words(each.estimates[name], 0) for name in SHARES]
            n = str(each.estimates[TE].n)
            rows.append([family, each.condition, n, _answers(each), nats(each.estimates[TE]), *shares])
    left = sum(len(run.results.rejects) for run in found.values())
    more = f"{REAL}; left out: {plural(left, 'pair')}. {_standing_out(by_condition)}"
    head = ("family", "condition", "n", "answers rightly", "TE (nats)", *SHARES)
    return f"{markdown(head, rows)}\n\n{basis(list(found.values()), told, more)}"


def _run(folder: Path, name: str) -> Scores:
    return run_of(folder / FOLDER / name)


def _answers(each: OfCondition) -> str:
    right, default = (each.estimates.get(name) for name in (RIGHT, DEFAULT))
    answers = percent(right.value) if right is not None else "not asked"
    return answers + (f" (default {percent(default.value)})" if default is not None else "")


def _cell(each: OfCondition) -> str:
    return f"{_answers(each)}; {number(each.estimates[TE].value)}; {share_words(each.estimates[MEDIATED], 0)}"


def _standing_out(by_condition: dict[tuple[str, str], tuple[OfCondition, ...]]) -> str:
    """Differences from the first condition whose interval does not hold 0, as a sentence."""
    told = [each for key, conditions in by_condition.items() for each in _differing(*key, conditions)]
    return f"Beside the first condition of a family, with an interval without 0: {'; '.join(told) or 'none'}."


def _differing(name: str, family: str, found: tuple[OfCondition, ...]) -> Iterator[str]:
    """Differences from the first condition whose interval does not hold 0, in points."""
    for each in found:
        for quantity in TOLD:
            apart = each.differences.get(quantity)
            if apart is not None and (apart.low > 0 or apart.high < 0):
                sign = "+" if apart.value > 0 else MINUS
                yield f"{name}, {family}, {each.condition}: {quantity} {sign}{abs(100 * apart.value):.0f} points"


def _size(run: Scores) -> str:
    return f"{run.results.manifest['model']['parameters'] / 1e6:.2f}M"


FAMILIES_TOLD = Finding("families", make, table, minutes=6)
FAMILIES_OWN = Finding("families-own", make_own, partial(table, tasks=OF_QUESTIONS, own="-own"), minutes=8)
FAMILIES_IN_SIGNS = Finding("families-signs", make_signs, partial(table, names=SIGNS, tasks=IN_SIGNS), minutes=4)
FAMILIES_IN_STORIES = Finding("families-smollm2", make_real, table_of_one, minutes=15)
