"""Two checkpoints crossed, in words: what each number is called, the headline, and what a terminal shows."""

from collections import Counter

from mediate.report.analysis import SAME
from mediate.report.blocks import Block, Look, Notes, Page, Row, Section, Table, Text, columns, numbers
from mediate.report.html import to_notebook
from mediate.report.terminal import WIDTH, to_text
from mediate.report.words import apart_words, gaps, interval, number, plural, share_words
from mediate.results.crossing import Crossing
from mediate.results.crossing_folder import CrossResults
from mediate.results.crossing_names import CROSSING_WORDS
from mediate.stats import Estimate

CHECKPOINTS = ("original", "tuned")
# How each number is worked out, with Y[q, c, r] for the checkpoint of the question's state, of the CoT's state, and of
# the weights that read them; 0 is the original and 1 the tuned one.
CORNERS = {
    "original": "Y000",
    "original_with_tuned_state": "Y010",
    "tuned_with_original_state": "Y101",
    "tuned": "Y111",
}
CHANGES = {
    "total": "Y111 − Y000",
    "state": "mean of its two effects",
    "rest": "mean of its two effects",
    "state_in_original": "Y010 − Y000",
    "state_in_tuned": "Y111 − Y101",
    "rest_with_original_state": "Y101 − Y000",
    "rest_with_tuned_state": "Y111 − Y010",
    "interaction": "Y111 − Y101 − Y010 + Y000",
    "question": "Shapley value",
    "chain": "Shapley value",
    "readers": "Shapley value",
}


def crossing_headline(results: CrossResults) -> str:
    """What changed in the first outcome, and how it splits, in one paragraph."""
    if not results.crossings or not results.crossings[0].items:
        return "No item was crossed, so there is no change to report; what was left out is below."
    crossing = results.crossings[0]
    changes, shares = results.changes(), results.shares()
    items = f"{plural(len(set(crossing.items)), 'item')} in {plural(len(set(crossing.groups)), 'group')}"
    told = (
        f"From the original to the tuned checkpoint, {crossing.outcome} moves by {in_nats(changes['total'])} nats; "
        f"positive is towards the right answer ({items})."
    )
    if not shares["state"].defined:
        return f"{told} That is too little to be shared out ({shares['state'].reason})."
    state, rest = (inline(shares[name]) for name in ("state", "rest"))
    return (
        f"{told} With the CoT's state comes {state} of that, and with all else, the reading weights and the "
        f"question's state, {rest}."
    )


def crossing_terminal(results: CrossResults, *, width: int = WIDTH) -> str:
    """Headline, the changes of each outcome with their shares, and what was left out; plain text."""
    return to_text(_short(results), width)


def crossing_notebook(results: CrossResults) -> str:
    """The same for a notebook's cell."""
    return to_notebook(_short(results))


def _short(results: CrossResults) -> Page:
    blocks: list[Block] = []
    for each in results.crossings:
        if (apart := repeated(results, each)) is not None:
            blocks.append(Text(repeated_words(results, each, apart)))
        elif each.items:
            blocks += [change_table(results, each), Notes(_why(results, each))]
    counts = Counter(each.code for each in results.rejects)
    blocks.append(Notes(tuple(f"{count} x {code}" for code, count in counts.items()), "left out"))
    return Page("", "", crossing_headline(results), (Section("", tuple(blocks)),))


def repeated(results: CrossResults, crossing: Crossing) -> float | None:
    """How far an outcome is from the first one, in nats, where that is rounding; None where it says more.

    Answers of one token have the same difference of logits and of log-probabilities.
    """
    first = results.crossings[0]
    if crossing is first or not crossing.items or crossing.y.shape != first.y.shape:
        return None
    gap = float(abs(first.y - crossing.y).max())
    return gap if gap <= SAME else None


def repeated_words(results: CrossResults, crossing: Crossing, apart: float) -> str:
    """What is said of such an outcome."""
    first = results.crossings[0].outcome
    return f"{crossing.outcome}: every number is that of {first}, {apart_words(apart)} (answers of one token)."


def change_table(results: CrossResults, crossing: Crossing) -> Table:
    """The corners and changes of an outcome as they are called everywhere, a row each, without their definitions."""
    changes, shares = results.changes(crossing.outcome), results.shares(crossing.outcome)
    rows: list[Row] = [
        (
            CROSSING_WORDS[name],
            number(changes[name].value),
            interval(changes[name]),
            share_words(shares[name]) if name in shares else "",
        )
        for name in CORNERS | CHANGES
    ]
    heads = (*columns("", look=Look.SHORT), *numbers("nats", "interval", "share of the total change"))
    return Table(heads, tuple(rows), f"{crossing.outcome}, tuned less original; positive towards the right answer")


def _why(results: CrossResults, crossing: Crossing) -> tuple[str, ...]:
    """Why numbers are undefined or have no interval."""
    changes, shares = results.changes(crossing.outcome), results.shares(crossing.outcome)
    return (*gaps(changes.values(), "changes"), *gaps(shares.values(), "shares"))


def inline(share: Estimate) -> str:
    """A share as a sentence goes on behind it."""
    return share_words(share).replace(", no interval", " (no interval)")


def in_nats(estimate: Estimate) -> str:
    """A mean and its interval."""
    return f"{number(estimate.value)} {interval(estimate)}"
