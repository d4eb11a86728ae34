"""The shared items of a comparison one by one, run beside run, as a section of its page."""

import numpy as np

from mediate.compare import Compared
from mediate.compare.quantities import SHARES
from mediate.report.blocks import Block, Look, Row, Section, Table, Text, columns, numbers
from mediate.report.comparison.words import MAIN, signed
from mediate.report.parts import MOST_ROWS, more_rows
from mediate.report.run.evidence import subset
from mediate.report.words import number, percent, plural
from mediate.results import item_shares, total_effect
from mediate.results.outcomes import outcome_facts, unit_of

MOST_RUNS = 6


def beside_section(compared: Compared) -> tuple[Section, ...]:
    """A row an item: TE and mediated share of the first outcome in each run; nothing where no item is shared."""
    items, runs = compared.pairing.items, compared.runs[:MOST_RUNS]
    if not items or not compared.outcomes:
        return ()
    outcome = compared.outcomes[0]
    cubes = [subset(run.results.cube(outcome), items) for run in runs]
    own = outcome_facts(outcome).min_te
    te = np.stack([total_effect(each.y) for each in cubes], axis=1)
    shares = [item_shares(each, compared.how.min_te if own is None else own) for each in cubes]
    mediated = np.stack([each[:, SHARES.index(MAIN)] for each in shares], axis=1)
    rows: list[Row] = []
    for place, (item, group) in enumerate(zip(items, compared.pairing.groups, strict=True)):
        cells = [
            text
            for value, share in zip(te[place].tolist(), mediated[place].tolist(), strict=True)
            for text in (number(value), percent(share))
        ]
        change = (signed(float(mediated[place, 1] - mediated[place, 0])),) if len(compared.runs) == 2 else ()
        rows.append((item, group, *cells, *change))
    heads = (
        *columns("item", "group", look=Look.LONG),
        *(column for run in runs for column in numbers(f"TE ({unit_of(outcome)})", MAIN, group=run.label)),
        *(numbers("change (points)") if len(compared.runs) == 2 else ()),
    )
    said = f"{outcome}; the mediated share of each item alone, undefined where its TE is too small."
    if len(compared.runs) == 2:
        said += f" Change: of the mediated share, {runs[1].label} less {runs[0].label}, in percentage points of TE."
    if len(compared.runs) > MOST_RUNS:
        said += f" The first {MOST_RUNS} of {len(compared.runs)} runs."
    shown = Table(heads, tuple(rows), named=False, dense=True, shown=MOST_ROWS, opens="item")
    told: tuple[Block, ...] = (
        shown,
        Text(said, Look.BASIS),
        *more_rows(len(rows), "items", "each run's results/cube.parquet"),
    )
    return (Section("Item by item", told, id="beside", found=f"{plural(len(items), 'item')} in every run"),)
