"""Grafts by text beside grafts by keys and values: a part of the section on behaviour."""

import pandas as pd

from mediate.report.analysis import Analysis
from mediate.report.blocks import Block, Look, Row, Table, Text, columns, numbers, prose
from mediate.report.words import interval, percent
from mediate.results import Results
from mediate.results.graft_curves import graft_curve_of, graft_table
from mediate.stats import Estimate

GRAFTS = prose(
    "The twin's chain up to a step, behind the question as it is: answers that are the twin's, where the own later "
    "steps follow (*at once*) and where the model writes on (*continued*). *Exact*: the part of TE that is gone where "
    "the answer finds these steps' keys and values from the source's run, computed under its question (`graft:step`)."
)


def grafts_of_run(results: Results) -> pd.DataFrame:
    """A row an item and step that was grafted up to, with the effects on the first outcome."""
    return graft_table(results.behaviour, results.maps, results.cube().outcome)


def graft_blocks(results: Results, analysis: Analysis) -> tuple[Block, ...]:
    """Both curves, step by step; nothing where no chain was grafted."""
    told = graft_curve_of(grafts_of_run(results), seed=analysis.seed, level=analysis.level)
    rows: list[Row] = [
        (str(each.step), *_share(each.at_once), *_share(each.continued), *_share(each.exact), str(each.at_once.n))
        for each in told
    ]
    heads = (
        *columns("grafted up to step"),
        *numbers("at once", "interval", "continued", "interval", "exact", "interval", "items"),
    )
    return (Text(GRAFTS, Look.SMALL), Table(heads, tuple(rows), dense=True)) if rows else ()


def _share(estimate: Estimate) -> tuple[str, str]:
    if not estimate.defined:
        return ("", "")
    return (percent(estimate.value), interval(estimate, scale=100.0, digits=0))
