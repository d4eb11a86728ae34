"""The other items that each item is held against, and how far its numbers differ between them, as a section."""

from mediate.report.analysis import Analysis, section
from mediate.report.blocks import Block, Look, Row, Section, Table, Text, columns, numbers
from mediate.report.parts import MOST_ROWS, more_rows
from mediate.report.words import number, percent, plural
from mediate.results import Results
from mediate.results.kinds import OTHERS
from mediate.results.outcomes import unit_of
from mediate.results.spread import SHARES, median_spread, spread

AS_GIVEN = "Intervals resample groups of items and take the others of each as given: they do not hold this spread."


def others_section(results: Results, analysis: Analysis) -> tuple[Section, ...]:
    """A row an item: its others, and the standard deviations between them; nothing where there are no others."""
    if not results.others:
        return ()
    outcome = results.others[0].outcome
    found = [each for each in results.others if each.outcome == outcome]
    least, unit = analysis.least(outcome), unit_of(outcome)
    rows: list[Row] = []
    for each in found:
        own, te = spread(each, least), (each.y[:, 1, 1, 1] - each.y[:, 0, 0, 0]).mean()
        shares = (percent(value) for value in own.shares)
        rows.append((each.item, ", ".join(each.others), number(float(te)), number(own.te), *shares))
    heads = (
        *columns("item", look=Look.LONG),
        *columns("other items, nearest first", look=Look.SAYS),
        *numbers("mean", "SD", group=f"TE ({unit})"),
        *numbers(*SHARES, group="SD of the share of TE"),
    )
    said = (
        f"{outcome}; every number of an item is the mean over its others. SD: the standard deviation between them, "
        f"with one degree of freedom taken off; of shares, over the others with |TE| above {least:g} {unit}. "
        f"{_choice(results)} The cube against each other item is in results/others.parquet. {AS_GIVEN}"
    )
    told: tuple[Block, ...] = (
        Table(heads, tuple(rows), dense=True, shown=MOST_ROWS),
        Text(said, Look.BASIS),
        *more_rows(len(rows), "items", "results/others.parquet"),
    )
    return (Section("The other items", told, id="others", found=f"SD between them: {_median(results, analysis)}"),)


def others_note(results: Results, analysis: Analysis) -> tuple[str, ...]:
    """How far the first outcome's numbers differ between the others of an item, in a line; none without others."""
    if not results.others:
        return ()
    return (
        f"{_choice(results)} Standard deviation between the others of an item, median over items: "
        f"{_median(results, analysis)}. {AS_GIVEN}",
    )


def _median(results: Results, analysis: Analysis) -> str:
    """The median standard deviation of the first outcome's TE and mediated share."""
    outcome = results.others[0].outcome
    found = [each for each in results.others if each.outcome == outcome]
    te, mediated = median_spread(found, analysis.least(outcome))
    return f"TE {number(te)} {unit_of(outcome)}, mediated share {percent(mediated)}"


def _choice(results: Results) -> str:
    """How others were chosen, and what had fewer or none."""
    asked = section(results, "spec").get("others", OTHERS)
    counts = [len(each.others) for each in results.others if each.outcome == results.others[0].outcome]
    said = (
        f"Each item is held against the {asked} items of other groups with another answer that are nearest in tokens "
        "of question and chain, ties by seed."
    )
    if fewer := sum(count < asked for count in counts):
        said += f" {plural(fewer, 'item')} of {len(counts)} had fewer, down to {min(counts)}."
    if without := sum(each.code == "no_other" for each in results.rejects):
        said += f" {plural(without, 'item')} had none and {'is' if without == 1 else 'are'} left out."
    return said
