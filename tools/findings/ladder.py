"""The reference reasoners over sizes, before and after fine-tuning: what `mediate demo` measures."""

from pathlib import Path

import mediate
from mediate.models.shipped import RUNGS, After
from mediate.reference.card import read_marks
from mediate.reference.exam import Way
from mediate.report import Scores
from mediate.report.comparison.words import points, points_interval
from mediate.report.words import share_words
from mediate.tasks import Hint
from tools.findings.finding import SEED, Finding, basis, markdown, run_of

PAIRS, LONGEST = 40, 5
CHANNELS = ("direct", "text", "latent")


def make(folder: Path) -> None:
    """Runs the demo into a folder, which may be one that the demo has written."""
    from mediate.beside import beside
    from mediate.demo import run_ladder

    with beside("mediate.report.family") as other:
        run_ladder(folder, pairs=PAIRS, seed=SEED, say=print, other=other)


def opened(folder: Path) -> dict[tuple[str, After], Scores]:
    """The run of each size in each state."""
    return {(rung.size, after): run_of(folder / rung.name(after)) for rung in RUNGS for after in After}


def table(folder: Path) -> str:
    """Mediated shares of every size and state, with the accuracy of the bases; and the trend over the sizes."""
    runs = opened(folder)
    rows, told = [], []
    for rung in RUNGS:
        shares = [runs[rung.size, after].shares()["mediated"] for after in After]
        told += shares
        rows.append(
            [_size(runs[rung.size, After.BASE]), *(share_words(each, 1) for each in shares), *_marks(rung.name())]
        )
    head = ("parameters", *After, "base answers rightly with its own chain", "without")
    bases = [runs[rung.size, After.BASE] for rung in RUNGS]
    # The first is of the first outcome.
    slope = next(each.slope for each in mediate.compare(bases).compared.ladder if each.quantity == "mediated")
    more = (
        "Accuracy is of held-out problems of 5 steps with random hints, as the models' card has it. Over the sizes of "
        f"base, the mediated share changes by {points(slope.value)} {points_interval(slope)} for ten times the "
        f"parameters ({slope.method})."
    )
    return f"{markdown(head, rows)}\n\n{basis(list(runs.values()), told, more)}"


def decorative(folder: Path) -> str:
    """What little the chains of the decorative afters carry, by channel."""
    runs = [run for (_, after), run in opened(folder).items() if after is After.DECORATIVE]
    shares = [run.shares() for run in runs]
    rows = [
        [_size(run), *(share_words(each[name], 1) for name in CHANNELS)] for run, each in zip(runs, shares, strict=True)
    ]
    return f"{markdown(('parameters', *CHANNELS), rows)}\n\n{basis(runs, [each['text'] for each in shares])}"


def _size(run: Scores) -> str:
    return f"{run.results.manifest['model']['parameters'] / 1e6:.2f}M"


def _marks(name: str) -> list[str]:
    longest = {mark.way: mark for mark in read_marks()[name] if (mark.hint, mark.steps) == (Hint.RANDOM, LONGEST)}
    return [f"{100 * longest[way].right / longest[way].n:.0f} %" for way in (Way.OWN_CHAIN, Way.NO_CHAIN)]


LADDER = Finding("ladder", make, table, minutes=1)
DECORATIVE = Finding("decorative", make, decorative, minutes=0)
