"""The best length of a chain, in the section of conditions, of sets whose conditions are lengths."""

from mediate.report.analysis import analysis_of
from mediate.report.blocks import Block, Look, Notes, Row, Table, Text, columns, numbers
from mediate.report.words import DASH, interval, number, percent
from mediate.results import Results
from mediate.results.conditions import conditions_of
from mediate.results.optimum import LengthLine, Optimum, length_lines, optimum_of
from mediate.stats import Estimate

MEANING = (
    "Best length: the mean length of the base chains under the condition with the most right answers, with percentiles "
    "over resampled groups; none where the best and the worst length do not differ by more than chance. Lengths of "
    "granularity count in steps, those of verbosity in tokens. N*: the number of steps that is best by the formula of "
    "accumulating errors (Wu et al. 2025), fitted to the same answers."
)


def optima_of(results: Results, asked: tuple[LengthLine, ...] | None = None) -> tuple[Optimum, ...]:
    """The best length of each line that is asked for; by default of each that conditions' names say."""
    lines = length_lines(conditions_of(results.items)) if asked is None else asked
    analysis = analysis_of(results)
    return tuple(optimum_of(results.items, each, seed=analysis.seed, level=analysis.level) for each in lines)


def best_length_blocks(results: Results) -> tuple[Block, ...]:
    """A row a line of lengths, and why one has no best; nothing where conditions are no lengths."""
    found = optima_of(results)
    if not found:
        return ()
    rows: list[Row] = [_row(each) for each in found]
    heads = ("lengths", "answers rightly", "best", "interval", "N*", "interval")
    remarks = dict.fromkeys(
        f"{' of '.join(filter(None, (what, each.line.at)))}: {estimate.reason}"
        for each in found
        for what, estimate in (("best length", each.best), ("N*", each.predicted))
        if estimate is not None and estimate.reason
    )
    blocks: list[Block] = [
        Table((*columns("length of", "counted in"), *numbers(*heads)), tuple(rows), dense=True),
        Text(MEANING, Look.BASIS),
    ]
    return (*blocks, *((Notes(tuple(remarks)),) if remarks else ()))


def _row(each: Optimum) -> Row:
    cells = [cell for estimate in (each.best, each.predicted) for cell in _cells(estimate)]
    right = " / ".join(percent(one.value) for one in each.right) or DASH
    return (each.line.at or "all", each.line.by, " / ".join(f"{one:.3g}" for one in each.lengths), right, *cells)


def _cells(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return "", ""
    return number(estimate.value, 1), interval(estimate, digits=1) if estimate.defined else ""
