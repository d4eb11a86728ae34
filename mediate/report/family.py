"""A family of models on one page: several sizes, each before and after its fine-tunings, on the same pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediate.clock import stage
from mediate.compare import Verdict
from mediate.compare.quantities import SHARES
from mediate.errors import InputError
from mediate.figures import LadderLine, plot_ladder
from mediate.figures.ladder import LADDER_SIZE
from mediate.files import write_text
from mediate.report.analysis import analysis_of, section
from mediate.report.comparison.comparison import Comparison
from mediate.report.comparison.words import margin_words, points, points_interval
from mediate.report.html import render, style_hash, style_sheet
from mediate.report.run.evidence import control_row, control_summaries
from mediate.report.run.pictures import Picture, png, write_pictures
from mediate.report.run.scores import Scores
from mediate.report.words import interval, number, percent, plural, share_words

PAGE = "family.html"
MAIN = "mediated"


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a family, scored.

    Args:
        name: What the page calls it.
        state: `base`, or what became of it.
        scores: Its run.
        marks: What else is known of it, such as its accuracy, by column.
    """

    name: str
    state: str
    scores: Scores
    marks: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> int:
        """Its number of parameters."""
        return int(section(self.scores.results, "model")["parameters"])


@dataclass(frozen=True, slots=True)
class Family:
    """Models of several sizes in several states, on the same pairs.

    Args:
        members: Every model; the first state is the one before fine-tuning.
        sizes: The members of the first state compared, a ladder of sizes.
        afters: Of each size, its states compared, the first one being the reference.

    Raises:
        InputError: No members.
    """

    members: tuple[Member, ...]
    sizes: Comparison
    afters: tuple[Comparison, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise InputError("a family needs members; score some models first")

    @property
    def states(self) -> tuple[str, ...]:
        """The states, in order."""
        return tuple(dict.fromkeys(each.state for each in self.members))

    def lines(self, quantity: str) -> list[LadderLine]:
        """A share against size, a line a state."""
        found = []
        for state in self.states:
            having = [each for each in self.members if each.state == state]
            estimates = tuple(each.scores.shares()[quantity] for each in having)
            found.append(LadderLine(state, tuple(each.parameters for each in having), estimates))
        return found


@stage("writing pages")
def write_family(folder: Path, family: Family) -> Path:
    """Writes `family.html` and its figures into a folder, and returns the page."""
    drawn = [_picture(family, MAIN)]
    write_pictures(folder, drawn)
    write_text(folder / PAGE, _page(folder, family, drawn))
    return folder / PAGE


def family_headline(family: Family) -> str:
    """How the mediated share orders by size, and whether the states exclude each other, in one paragraph."""
    # The first is of the first outcome.
    rung = next((each for each in family.sizes.compared.ladder if each.quantity == MAIN), None)
    items = plural(len(family.sizes.compared.pairing.items), "pair")
    parts = []
    for state in family.states:
        estimates = [each.scores.shares()[MAIN] for each in family.members if each.state == state]
        shares = [each.value for each in estimates if each.defined]
        if shares:
            ends = dict.fromkeys((percent(min(shares)), percent(max(shares))))
            parts.append(f"{' to '.join(ends)} in {state}")
    told = f"The chain of thought mediates {'; '.join(parts)} ({items}, the same for all)."
    if rung is not None and rung.slope.defined:
        slope = f"{points(rung.slope.value)} {points_interval(rung.slope)}"
        told += f" Over the sizes of {family.states[0]}, the share changes by {slope} for ten times the parameters."
    return told


def _picture(family: Family, quantity: str) -> Picture:
    outcome = family.members[0].scores.results.cube().outcome
    text = f"{quantity} share of TE ({outcome})"
    listed = "; ".join(f"{each.name} {share_words(each.scores.shares()[quantity])}" for each in family.members)
    return Picture(
        name=f"sizes-{quantity}",
        role="ladder",
        outcome=outcome,
        png=png(LADDER_SIZE, lambda ax: plot_ladder(family.lines(quantity), quantity=text, percent=True, ax=ax)),
        alt=f"The {quantity} share against the number of parameters: {listed}.",
        caption=f"The {quantity} share against the number of parameters, a line a state.",
    )


def _page(folder: Path, family: Family, drawn: Sequence[Picture]) -> str:
    style = style_sheet()
    links = [(each.folder, each.compared.runs[0].label) for each in (family.sizes, *family.afters)]
    return render(
        "family.html.j2",
        style=style,
        style_hash=style_hash(style),
        headline=family_headline(family),
        pictures=drawn,
        shares=SHARES,
        columns=list(dict.fromkeys(name for each in family.members for name, _ in each.marks)),
        rows=[_row(folder, each) for each in family.members],
        controls=[row for each in family.members for row in _controls(each)],
        uncontrolled=_uncontrolled(family),
        changes=[row for each in family.afters for row in _changes(each)],
        links=[(str((where / "comparison.html").relative_to(folder)), label) for where, label in links if where],
        level=percent(family.sizes.compared.how.level),
        margin=margin_words(family.sizes.compared.how.margin),
    )


def _row(folder: Path, member: Member) -> dict[str, Any]:
    shares, effects = member.scores.shares(), member.scores.effects()
    where = member.scores.folder
    return {
        "name": member.name,
        "link": str((where / "report.html").relative_to(folder)) if where else "",
        "parameters": f"{member.parameters:,}",
        "marks": dict(member.marks),
        "cells": [(name, share_words(shares[name])) for name in SHARES],
        "te": f"{number(effects['te'].value)} {interval(effects['te'])}",
        "items": len(member.scores.results.items),
    }


def _controls(member: Member) -> list[dict[str, Any]]:
    """The controls of a model on which they were run."""
    results = member.scores.results
    return [{"model": member.name, **control_row(each)} for each in control_summaries(results, analysis_of(results))]


def _uncontrolled(family: Family) -> str:
    """Which states were not controlled, in a sentence; empty where all were."""
    states = dict.fromkeys(each.state for each in family.members if not each.scores.results.controls)
    return f"Not run on the models after {' and '.join(states)} tuning." if states else ""


def _changes(comparison: Comparison) -> list[dict[str, Any]]:
    """The change of the mediated share of each state of one size, in the first outcome."""
    compared = comparison.compared
    found = [
        each
        for each in compared.differences
        if (each.outcome, each.kind, each.quantity) == (compared.outcomes[0], "share", MAIN)
    ]
    return [
        {
            "run": each.run,
            "reference": each.reference,
            "change": points(each.estimate.value),
            "interval": points_interval(each.estimate),
            "verdict": each.verdict.value,
            "unclear": each.verdict is Verdict.UNCLEAR,
        }
        for each in found
    ]
