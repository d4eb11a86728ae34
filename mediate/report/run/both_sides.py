"""Behaviour and effects of the same items, held against each other: a part of a run's page."""

import pandas as pd

from mediate.figures.figure import Figure
from mediate.report.analysis import Analysis, analysis_of
from mediate.report.blocks import Block, Look, Table, Text, columns, numbers, standing_in
from mediate.report.words import interval, number, percent, plural
from mediate.results import Results
from mediate.results.folder import least_effect
from mediate.results.joined import AREA, SHARE, Agreed, agreed, joined_table, worst

MOST = 10


def joined_of_run(results: Results) -> pd.DataFrame:
    """Both sides of each item, on the first outcome."""
    return joined_table(results.cube(), results.behaviour, least_effect(results))


def agreed_of_run(results: Results) -> Agreed:
    """How far both sides agree over the items."""
    analysis = analysis_of(results)
    return agreed(joined_of_run(results), seed=analysis.seed, level=analysis.level)


def agreed_said(found: Agreed) -> str:
    """The rank correlation in a sentence."""
    correlation = found.correlation
    told = (
        f"{number(correlation.value)} {interval(correlation)}"
        if correlation.defined
        else f"undefined ({correlation.reason})"
    )
    left = f"; undefined for {plural(found.undefined, 'item')}" if found.undefined else ""
    return (
        "Rank correlation over items of the normalised area of early answering with the mediated share: "
        f"{told}, n = {correlation.n}{left}."
    )


def both_sides(results: Results, analysis: Analysis, figures: tuple[Figure, ...]) -> tuple[Block, ...]:
    """How behaviour and effects of the same items agree, and the items where they do not."""
    joined = joined_of_run(results)
    drawn = [
        each for each in standing_in(figures, "behaviour", results.cube().outcome) if each.name != "early-answering"
    ]
    apart, chains = worst(joined, MOST), {item.id: "".join(item.base.tokens) for item in results.items}
    rows = [
        (
            str(row["item"]), number(row[AREA]), percent(row[SHARE]), number(row["te"]), str(int(row["steps"])),
            chains.get(str(row["item"]), ""),
        )
        for row in apart.to_dict("records")
    ]  # fmt: skip
    heads = (
        *columns("item", look=Look.LONG),
        *numbers("normalised area", "mediated", "TE", "steps"),
        *columns("chain", look=Look.SAYS),
    )
    said = (
        f"The {plural(len(rows), 'item')} where the two sides differ most. A share says little where TE is small. Both "
        "sides of every item are in results/joined.parquet."
    )
    table = (Text(said, Look.SMALL), Table(heads, tuple(rows), dense=True)) if rows else ()
    return (Text(agreed_said(agreed(joined, seed=analysis.seed, level=analysis.level))), *drawn, *table)
