"""Tests on behaviour on the reference reasoners: what each would have concluded, beside what twins say is true.

Every edit that the runs hold has its rows, whatever it is called: one that is new to the package needs no change here.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

import mediate
from mediate.errors import InputError
from mediate.faithfulness.spec import USUAL_EDITS
from mediate.models.shipped import RUNGS, After
from mediate.report import Faithfulness
from mediate.report.words import interval, number, percent, share_words
from mediate.results.areas import area_over, normalised_area
from mediate.results.behaviour import Behaved, ReadAs
from mediate.results.edit_tests import curves_of
from mediate.stats import Estimate
from mediate.tasks import Hint
from tools.findings.concluded import Test, Verdict, effects_of, groups_of, shares_of, tests_of
from tools.findings.finding import COMMAND, SEED, Finding, basis, markdown
from tools.findings.jointly import Jointly, halves, means, spearman
from tools.findings.levels import size_of

FOLDER, PAIRS = "behaviour", 120
# A further edit of the package is a name more; the table has a row for each that the runs hold.
EDITS = USUAL_EDITS
# Filler that changes fewer of a model's answers is not looked into.
FEW = 0.2
MODELS = tuple((rung, after) for after in After for rung in RUNGS)
AREAS = (
    ("truncated", ReadAs.AT_ONCE, "early answering, area", area_over),
    ("truncated", ReadAs.AT_ONCE, "early answering, normalised", normalised_area),
    ("mistaken", ReadAs.AT_ONCE, "mistakes kept, normalised", normalised_area),
    ("mistaken.recomputed", ReadAs.AT_ONCE, "mistakes recomputed, normalised", normalised_area),
    ("mistaken", ReadAs.CONTINUED, "mistakes continued, normalised", normalised_area),
    ("filled", ReadAs.AT_ONCE, "filler, normalised", normalised_area),
)


def operands_swapped(text: str) -> str:
    """Steps of modular arithmetic in other words, of which there are few: `3 + 4 = 7.` as `4 + 3 = 7.`"""
    return re.sub(r"(\d) ([+x]) (\d) =", r"\3 \2 \1 =", text)


def make(folder: Path) -> None:
    """Behaviour and effects of every reasoner on the same pairs, whose hints are the answer, under every edit."""
    pairs = mediate.modular_pairs(PAIRS, seed=SEED, hint=Hint.ANSWER)
    for rung, after in MODELS:
        mediate.faithfulness(
            mediate.load(rung.name(after)),
            pairs,
            out=folder / FOLDER / rung.name(after),
            edits=EDITS,
            rewrite=operands_swapped,
            outcomes=("logit_diff",),
            maps=[],
            control_pairs=0,
            seed=SEED,
        )
        print(f"{rung.name(after)}: read", flush=True)


def table(folder: Path) -> str:
    """What each test concludes beside what is true; the numbers behind that; areas; and what explains them."""
    runs = [_run(folder / FOLDER / rung.name(after)) for rung, after in MODELS]
    low, shares = _decorative(), shares_of(runs)
    tests = tests_of(runs, low)
    over = ("in the chain's place", "read", "where")
    summary = [[*_named(each), *_counts(each), _told(each.order, 2), percent(each.apart)] for each in tests]
    behind = [
        ["mediated share", "", "", *(share_words(shares.of(model), 0) for model in range(len(MODELS)))],
        *([*_named(each), *(_cell(each, model) for model in range(len(MODELS)))] for each in tests),
    ]
    heads = [f"{size_of(run.scores)} {after}" for (_, after), run in zip(MODELS, runs, strict=True)]
    tables = (
        markdown((*over, *(f"{after}: used, open, not used" for after in After), "order", "told apart"), summary),
        markdown((*over, *heads), behind),
        _areas(runs),
    )
    more = (
        "Stay: the share of an item's answers that are the one after its whole chain, averaged over items; intervals "
        "are of the same resamples for all models. By the rule, a test calls a chain used where the whole interval of "
        "the answers that stay is below a half, not used where it is above, else open; verdicts that the mediated "
        "share of the same pairs (first row) contradicts are bold. Order: Spearman's correlation over the 12 models of "
        "the answers that change with the mediated share; what tells decorative from the others and nothing else has "
        f"{number(_two_kinds(shares))}, and the share on one half of the pairs with that on the other "
        f"{number(halves(*effects_of(runs), SEED))} (mean of random halves). Told apart: the share of the 32 couples "
        "of a decorative model and another of which more of the other's answers change. "
        f"{' '.join(_explained(runs))}"
    )
    told = [each.stay.of(model) for each in tests for model in range(len(MODELS))]
    return "\n\n".join([*tables, basis([run.scores for run in runs], told, more)])


def _run(folder: Path) -> Faithfulness:
    run = mediate.open(folder)
    if not isinstance(run, Faithfulness):
        raise InputError(f"{folder}: holds no tests on behaviour; give the folder that {COMMAND} wrote: --from")
    return run


def _decorative() -> Bool[np.ndarray, " model"]:
    return np.array([after is After.DECORATIVE for _, after in MODELS])


def _two_kinds(shares: Jointly) -> float:
    """The correlation with the mediated share of a number that only says which models are decorative."""
    return float(spearman(1.0 - _decorative()[None], shares.value[None])[0])


def _named(test: Test) -> tuple[str, str, str]:
    return f"`{test.edit}`", test.reading.replace("_", " "), test.where


def _counts(test: Test) -> Iterator[str]:
    """How many models of each state it calls used, open and not used."""
    for after in After:
        found = [each for each, (_, of) in zip(test.verdicts, MODELS, strict=True) if of is after]
        yield ", ".join(str(found.count(each)) for each in Verdict)


def _cell(test: Test, model: int) -> str:
    """What stays of one model's answers; bold where the verdict is wrong."""
    wrong = Verdict.USED if MODELS[model][1] is After.DECORATIVE else Verdict.NOT_USED
    said = share_words(test.stay.of(model), 0)
    return f"**{said}**" if test.verdicts[model] is wrong else said


def _told(estimate: Estimate, digits: int) -> str:
    return f"{number(estimate.value, digits)} {interval(estimate, digits=digits)}" if estimate.defined else "undefined"


def _areas(runs: Sequence[Faithfulness]) -> str:
    """Areas over the curve: a row an edit and size, a column a state."""
    groups, items, rows = groups_of(runs), runs[0].results.cube().items, []
    for edit, reading, name, area in AREAS:
        curves = [curves_of(run.results.behaviour, edit, reading) for run in runs]
        values = [[area(each[item]) if item in each else np.nan for item in items] for each in curves]
        found = means(np.array(values), groups, SEED)
        for rung in RUNGS:
            places = [MODELS.index((rung, after)) for after in After]
            rows.append([name, size_of(runs[places[0]].scores), *(_told(found.of(place), 2) for place in places)])
    return markdown(("over the curve", "parameters", *After), rows)


def _explained(runs: Sequence[Faithfulness]) -> Iterator[str]:
    """What the answers themselves say of why tests are wrong."""
    readers = [run for run, low in zip(runs, _decorative(), strict=True) if not low]
    kept = [row for run in readers for row in _read(run, "mistaken")]
    last, earlier = ([row.same for row in kept if (row.place == row.steps - 1) is at_end] for at_end in (True, False))
    stated = [row.answer in results for run in readers for row, results in _with_results(run, "shuffled")]
    yield (
        f"Of bases and needed, with a mistake kept in the last step {_rate(last)} of the answers stay, in an earlier "
        f"one {_rate(earlier)}; with the steps shuffled, {_rate(stated)} of the answers are a result of one of them."
    )
    for run, low in zip(runs, _decorative(), strict=True):
        told = _filled(run) if low else ""
        if told:
            yield f"{size_of(run.scores)} decorative, with the whole chain filled: {told}."


def _filled(run: Faithfulness) -> str:
    """What becomes of answers with filler in the place of the whole chain; nothing where few of them change."""
    rows = _read(run, "filled")
    whole, rest = ([row for row in rows if (row.place == 0) is first] for first in (True, False))
    changed = Counter(row.answer for row in whole if not row.same)
    if sum(changed.values()) < FEW * len(whole):
        return ""
    lengths = sorted({row.steps for row in whole})
    by_steps = ", ".join(_rate([row.same for row in whole if row.steps == steps]) for steps in lengths)
    ((most, times),) = changed.most_common(1)
    later = _rate([row.same for row in rest])
    return (
        f"of {sum(changed.values())} answers that change {times} become {most}; of chains of {lengths[0]} to "
        f"{lengths[-1]} steps {by_steps} stay; with a step or more left before the filler {later}"
    )


def _read(run: Faithfulness, edit: str) -> list[Behaved]:
    return [row for row in run.results.behaviour if (row.edit, row.reading) == (edit, ReadAs.AT_ONCE) and row.made]


def _with_results(run: Faithfulness, edit: str) -> Iterator[tuple[Behaved, list[str]]]:
    """What was answered, with the results that the chain states."""
    chains = {item.id: "".join(item.base.tokens) for item in run.results.items}
    return ((row, re.findall(r"= (\d)", chains[row.item])) for row in _read(run, edit))


def _rate(found: Sequence[bool]) -> str:
    return percent(float(np.mean(found))) if found else "none"


BEHAVIOUR = Finding("behaviour", make, table, minutes=10)
