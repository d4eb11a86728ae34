"""A comparison in words: the headline, and what a reader of it must also know."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from mediate.compare import Compared, Design, Verdict
from mediate.compare.differences import Difference, Level
from mediate.compare.quantities import EFFECT, SHARE
from mediate.compare.runs import NamedRun
from mediate.report.analysis import repeats
from mediate.report.words import apart_words, interval, number, percent, plural, share_words
from mediate.results.outcomes import unit_of
from mediate.stats import Estimate

MAIN = "mediated"
MIXED = "Compared although the runs differ in more than model and chains"
DESIGNS = {
    Design.OWN: "Own trace: each model reads the chains that it wrote, so a difference may come from what is written, "
    "from how it is read, or from both.",
    Design.SHARED: "Shared trace: all models read the same chains, so a difference comes from how they are read.",
    Design.CROSSED: "Reader x writer: each model reads the chains of each, so a change splits into what is written and "
    "how it is read.",
    Design.MIXED: "Mixed: neither the same chains for all nor own chains for each.",
}


def comparison_headline(compared: Compared) -> str:
    """The main result in one sentence: the mediated share of the first outcome, and what became of it."""
    outcome, reference = compared.outcomes[0], compared.runs[0].label
    found = [
        each for each in compared.differences if (each.outcome, each.kind, each.quantity) == (outcome, SHARE, MAIN)
    ]
    shares = {each.run: each.estimate for each in levels_of(compared, outcome, SHARE) if each.quantity == MAIN}
    basis = (
        f"{compared.traces.design.value}, {plural(len(compared.pairing.items), 'shared item')} in "
        f"{plural(len(set(compared.pairing.groups)), 'group')}, margin {margin_words(compared.how.margin)}"
    )
    if len(found) == 1:
        (only,) = found
        same = " Both runs are of the very same model." if compared.same_models else ""
        if silent := [run for run in compared.runs if not _has_effect(compared, run.label)]:
            return f"{_silent_words(compared, silent, shares)} ({basis}).{same}"
        return (
            f"Of the effect of the question on the answer, the chain of thought mediates "
            f"{share_words(shares[only.run])} in {only.run} and {share_words(shares[reference])} in {reference}. "
            f"{_verdict_words(only)} ({basis}).{same}"
        )
    counts = Counter(each.verdict for each in found)
    listed = ", ".join(
        f"{verdict.value} in {counts[verdict]}"
        for verdict in (Verdict.CHANGED, Verdict.UNCHANGED, Verdict.UNCLEAR)
        if counts[verdict]
    )
    return (
        f"Against {reference}, where the chain of thought mediates {share_words(shares[reference])} of the effect of "
        f"the question on the answer, the mediated share of {plural(len(found), 'run')} is: {listed} ({basis})."
        f"{_several_silent(compared)}"
    )


def _total(compared: Compared, run: str) -> float:
    """The mean total effect of a run in the first outcome."""
    levels = levels_of(compared, compared.outcomes[0], EFFECT)
    return next(each.estimate.value for each in levels if (each.run, each.quantity) == (run, "te"))


def _has_effect(compared: Compared, run: str) -> bool:
    """Whether there is a total effect to share out; without items there is nothing to say of it."""
    return not abs(_total(compared, run)) <= compared.how.min_te


def _no_answer(compared: Compared, run: str) -> str:
    """That a run's answers do not depend on the question; where those of the first run do, it is what they became."""
    total = f"(TE {number(_total(compared, run))} {unit_of(compared.outcomes[0])})"
    became = run != compared.runs[0].label and _has_effect(compared, compared.runs[0].label)
    return f"{run} {'no longer answers' if became else 'does not answer'} {total}"


def _silent_words(compared: Compared, silent: Sequence[NamedRun], shares: Mapping[str, Estimate]) -> str:
    """A comparison of two runs of which one has no effect to share out, or both."""
    told = " and ".join(_no_answer(compared, run.label) for run in silent)
    answering = [run.label for run in compared.runs if run not in silent]
    mediated = (
        f" Of the effect of the question on the answer, the chain of thought mediates {share_words(shares[run])} in "
        f"{run}"
        for run in answering
    )
    return f"{told}, so there is nothing to share out{'.' if answering else ''}{''.join(mediated)}"


def _several_silent(compared: Compared) -> str:
    """Which of many runs have no effect to share out; empty where all have one."""
    silent = [_no_answer(compared, run.label) for run in compared.runs if not _has_effect(compared, run.label)]
    return f" There is nothing to share out where a run does not answer: {', '.join(silent)}." if silent else ""


def _verdict_words(only: Difference) -> str:
    if not only.estimate.defined:
        return f"The difference is undefined: {only.estimate.reason}"
    size = beside(points(only.estimate.value), points_interval(only.estimate))
    if only.verdict is Verdict.UNCLEAR:
        return f"The difference, {size}, may be nothing or more than the margin: these items cannot tell"
    if only.verdict is Verdict.UNCHANGED:
        return f"It is unchanged: the difference, {size}, is smaller than the margin"
    return f"It changed: the difference is {size}"


def comparison_notes(compared: Compared) -> tuple[str, ...]:
    """What a reader of the headline must also know: the design, dropped items, and what is uneven about the runs."""
    pairing = compared.pairing
    notes = [DESIGNS[compared.traces.design], *compared.cautions]
    if pairing.dropped:
        reasons = "; ".join(f"{words}: {count}" for words, count in dropped_words(compared))
        notes.append(
            f"Left out: {plural(pairing.dropped_items, 'item')} that not every run measured, beside "
            f"{len(pairing.items)} shared ones ({reasons})."
        )
    return tuple(notes)


def repeated_words(compared: Compared, outcome: str) -> str:
    """That an outcome's numbers are those of the first one in every run; empty where they are not, or it is that."""
    first = compared.outcomes[0]
    gaps = [gap for run in compared.runs if (gap := repeats(run.results, outcome)) is not None]
    if outcome == first or len(gaps) < len(compared.runs):
        return ""
    return f"{outcome}: every number is that of {first}, {apart_words(max(gaps))} (answers of one token)."


def warning(compared: Compared) -> str:
    """Why the runs should not be compared, in one line; empty where there is nothing against it."""
    return f"{MIXED}: {'; '.join(compared.mixed)}." if compared.mixed else ""


def dropped_words(compared: Compared) -> list[tuple[str, int]]:
    """Why items were dropped, each reason with how many."""
    return [
        (f"{status} in {run}" + (f" ({code})" if code else ""), count)
        for (run, status, code), count in compared.pairing.reasons().items()
    ]


def levels_of(compared: Compared, outcome: str, kind: str) -> list[Level]:
    """The values of all runs of one outcome and kind."""
    return [each for each in compared.levels if (each.outcome, each.kind) == (outcome, kind)]


def margin_words(margin: float) -> str:
    """A margin of shares in percentage points."""
    return f"{100 * margin:g} points"


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    if math.isnan(value):
        return "undefined"
    return f"{signed(value)} points"


def signed(value: float) -> str:
    """A difference of shares in percentage points, without the unit; a plus sign before what is above 0."""
    shown = number(value) if math.isnan(value) else number(100 * value, 1)
    return f"+{shown}" if value > 0 and shown != "0.0" else shown


def points_interval(estimate: Estimate) -> str:
    """The interval of a difference of shares in percentage points."""
    return interval(estimate, scale=100.0, digits=1)


def p_words(value: float) -> str:
    """A p value; empty where nothing was tested."""
    if math.isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else number(value, 3)


def share_cell(estimate: Estimate) -> str:
    """A share with its interval in one cell."""
    return beside(percent(estimate.value, 1), interval(estimate, scale=100.0, digits=1))


def effect_cell(estimate: Estimate) -> str:
    """An effect with its interval in one cell."""
    return beside(number(estimate.value), interval(estimate))


def change_cell(estimate: Estimate) -> str:
    """A difference of shares in percentage points, with its interval, in one cell."""
    return beside(signed(estimate.value), points_interval(estimate))


def beside(value: str, ends: str) -> str:
    """A value and its interval; where there is none, that after a comma, and of what is undefined the word alone."""
    if value == "undefined":
        return value
    return f"{value}, {ends}" if ends == "no interval" else f"{value} {ends}"
