"""Families of pairs on the worded reference reasoners: what one thing changes of answers, and of what carries them."""

from collections.abc import Iterator
from pathlib import Path

import mediate
from mediate.models.shipped import WORDED_LADDER
from mediate.report import Scores
from mediate.report.run.conditions import conditions_found
from mediate.report.words import MINUS, number, percent, share_words
from mediate.results.conditions import DEFAULT, MEDIATED, RIGHT, TE, OfCondition
from mediate.scoring.spec import ScoreSpec
from mediate.stats import Estimate
from mediate.tasks import FAMILIES, Task
from tools.findings.finding import SEED, Finding, basis, markdown, run_of

FOLDER = "families"
PROBLEMS = 40
# Pairs of a family among which every condition is.
ENOUGH = 20
# Differences that are told by name: of what a model answers, and of what its chain carries.
TOLD = (RIGHT, MEDIATED)


def make(folder: Path) -> None:
    """Scores every worded reasoner on every family, right chains given where a condition does not say otherwise."""
    spec = ScoreSpec.model_validate({"maps": (), "control_pairs": 0, "seed": SEED, "outcomes": ("logit_diff",)})
    for name in WORDED_LADDER.names:
        model = mediate.load(name)
        for task in FAMILIES:
            mediate.score(
                model, task.pairs(PROBLEMS * _conditions(task), seed=SEED), spec, out=_out(folder, name, task)
            )
        print(f"{name}: scored", flush=True)


def table(folder: Path) -> str:
    """A row a family and condition, a column a rung: right answers, TE, and the mediated share of it."""
    found = {(name, task.name): run_of(_out(folder, name, task)) for name in WORDED_LADDER.names for task in FAMILIES}
    by_condition = {key: conditions_found(run.results, run.results.cube()) for key, run in found.items()}
    rows, told = [], list[Estimate]()
    for task in FAMILIES:
        own = [by_condition[name, task.name] for name in WORDED_LADDER.names]
        for under in zip(*own, strict=True):
            told += [each.estimates[MEDIATED] for each in under]
            rows.append([task.name, under[0].condition, *(_cell(each) for each in under)])
    sizes = [_size(found[name, FAMILIES[0].name]) for name in WORDED_LADDER.names]
    sentences = [each for key, conditions in by_condition.items() for each in _differing(*key, conditions)]
    more = (
        "Each cell: right answers of the model itself after the chain; TE in nats, and the mediated share of it. "
        f"Beside the first condition of a family, with an interval without 0: {'; '.join(sentences) or 'none'}."
    )
    return f"{markdown(('family', 'condition', *sizes), rows)}\n\n{basis(list(found.values()), told, more)}"


def _cell(each: OfCondition) -> str:
    right, default = (each.estimates.get(name) for name in (RIGHT, DEFAULT))
    answers = percent(right.value) if right is not None else "not asked"
    kept = f" (default {percent(default.value)})" if default is not None else ""
    return f"{answers}{kept}; {number(each.estimates[TE].value)}; {share_words(each.estimates[MEDIATED])}"


def _differing(name: str, family: str, found: tuple[OfCondition, ...]) -> Iterator[str]:
    """Differences from the first condition whose interval does not hold 0, in points."""
    for each in found:
        for quantity in TOLD:
            apart = each.differences.get(quantity)
            if apart is not None and (apart.low > 0 or apart.high < 0):
                sign = "+" if apart.value > 0 else MINUS
                yield f"{name}, {family}, {each.condition}: {quantity} {sign}{abs(100 * apart.value):.0f} points"


def _conditions(task: Task) -> int:
    """How many conditions a family has: problems come one after the other, each under all of them."""
    return len({pair.condition for pair in task.pairs(ENOUGH, seed=SEED)})


def _out(folder: Path, name: str, task: Task) -> Path:
    return folder / FOLDER / f"{name}-{task.name}"


def _size(run: Scores) -> str:
    return f"{run.results.manifest['model']['parameters'] / 1e6:.2f}M"


FAMILIES_TOLD = Finding("families", make, table, minutes=6)
