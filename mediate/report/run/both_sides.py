"""Behaviour and effects of the same items, held against each other: a part of a run's page."""

import pandas as pd

from mediate.figures.figure import Figure
from mediate.report.analysis import Analysis, analysis_of
from mediate.report.blocks import Block, Look, Table, Text, columns, numbers, standing_in
from mediate.report.words import interval, number, percent, plural
from mediate.results import Results
from mediate.results.folder import least_effect
from mediate.results.joined import AREA, FILLED, LATENT, SHARE, Agreed, agreed, joined_table, worst
from mediate.results.joined_steps import CHANGED, LOST, RESAMPLED, StepsAgreed, all_steps_agreed, step_table
from mediate.results.kinds import parse_kind
from mediate.stats import Estimate

MOST = 10
# Effects of steps that mistakes are held against, as they are told where they were not asked for.
WANTED = {"read": "read effects by step", "state": "state effects by step"}
SIDES = {CHANGED: "its answer changes", LOST: "log-probability lost", RESAMPLED: "resampled"}
STEPS_BASIS = (
    "A mistake at a step, read at once, against that step's effect; of a map by step and layer, the effect of the "
    "largest size. Resampled: the step's importance, plain and counterfactual, against what a step graph says that it "
    "does to later steps, the largest of its edges. Over all steps, how items differ counts; within items it does not: "
    "each item's own correlation over its steps, averaged over the items of three steps or more in which neither side "
    "is the same for all. Every step is in results/joined_steps.parquet."
)


def joined_of_run(results: Results) -> pd.DataFrame:
    """Both sides of each item, on the first outcome."""
    return joined_table(results.cube(), results.behaviour, least_effect(results))


def agreed_of_run(results: Results) -> Agreed:
    """How far both sides agree over the items."""
    analysis = analysis_of(results)
    return agreed(joined_of_run(results), seed=analysis.seed, level=analysis.level)


def steps_of_run(results: Results) -> pd.DataFrame:
    """Both sides of each step."""
    return step_table(results.behaviour, results.maps, results.resampled)


def filler_agreed(results: Results) -> Agreed | None:
    """How far answers that stay under filler go with the latent channel; None where no chain was filled."""
    analysis, joined = analysis_of(results), joined_of_run(results)
    if FILLED not in joined:
        return None
    return agreed(joined, FILLED, LATENT, seed=analysis.seed, level=analysis.level)


def steps_agreed_of_run(results: Results) -> tuple[StepsAgreed, ...]:
    """How far both sides agree over steps."""
    analysis = analysis_of(results)
    return all_steps_agreed(steps_of_run(results), seed=analysis.seed, level=analysis.level)


def agreement_rows(results: Results) -> pd.DataFrame:
    """A row a side of behaviour and an effect, with the correlation, its interval and over what it is."""
    found: list[tuple[str, str, str, Estimate]] = [(AREA, SHARE, "items", agreed_of_run(results).correlation)]
    filler = filler_agreed(results)
    if filler is not None:
        found.append((FILLED, LATENT, "items", filler.correlation))
    for each in steps_agreed_of_run(results):
        found.append((each.behaviour, each.effect, "all steps", each.pooled))
        found.append((each.behaviour, each.effect, "within items", each.within))
    return pd.DataFrame(
        {"behaviour": side, "effect": effect, "over": over, "correlation": each.value, "low": each.low,
         "high": each.high, "n": each.n, "groups": each.groups, "reason": each.reason}
        for side, effect, over, each in found
    )  # fmt: skip


def agreed_said(found: Agreed) -> str:
    """The rank correlation in a sentence."""
    correlation = found.correlation
    told = _correlation(correlation)
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
    return (
        Text(agreed_said(agreed(joined, seed=analysis.seed, level=analysis.level))),
        *drawn,
        *_filler_said(results),
        *_steps(results),
        *table,
    )


def _filler_said(results: Results) -> tuple[Text, ...]:
    found = filler_agreed(results)
    if found is None:
        return ()
    told = _correlation(found.correlation)
    left = f"; undefined for {plural(found.undefined, 'item')}" if found.undefined else ""
    said = (
        "Rank correlation over items of the answers that stay under filler with the latent share: "
        f"{told}, n = {found.correlation.n}{left}."
    )
    return (Text(said),)


def _steps(results: Results) -> tuple[Block, ...]:
    """The correlations over steps, and what was not asked for."""
    found = steps_agreed_of_run(results)
    asked = {parse_kind(each.effect).of.name for each in found}
    missing = [words for name, words in WANTED.items() if name not in asked]
    twin = any(item.source is not None for item in results.items)
    blocks: list[Block] = []
    if found:
        rows = [
            (_side(each.behaviour), each.effect, *_in_cells(each.pooled), *_in_cells(each.within), str(each.without))
            for each in found
            if each.pooled.defined or each.within.defined
        ]
        heads = (
            *columns("of a step"),
            *columns("with its effect", look=Look.SHORT),
            *numbers("over all steps", "interval", "steps", group="rank correlation, pooled"),
            *numbers("within items", "interval", "items", group="mean of each item's own"),
            *numbers("items without"),
        )
        blocks += [*((Table(heads, tuple(rows), dense=True),) if rows else ()), Text(STEPS_BASIS, Look.SMALL)]
        nothing = dict.fromkeys(
            f"{_side(each.behaviour)} ({each.pooled.reason})"
            for each in found
            if not (each.pooled.defined or each.within.defined)
        )
        if nothing:
            blocks.append(Text(f"Undefined: {'; '.join(nothing)}.", Look.SMALL))
    if results.resampled and "step_graph" not in asked:
        said = "Resampling importance is not held against a step graph: ask for --maps step_graph.read:step,result."
        blocks.append(Text(said, Look.SMALL))
    if missing and results.behaviour:
        remedy = (
            "ask for --maps read:step --maps state.resid_pre:step,layer"
            if twin
            else "they take a twin; of items there is --maps knockout:step"
        )
        blocks.append(Text(f"Mistakes are not held against {' and '.join(missing)}: {remedy}.", Look.SMALL))
    return tuple(blocks)


def _side(column: str) -> str:
    what, _, edit = column.partition(".")
    return f"{SIDES[what]}, {edit}"


def _correlation(estimate: Estimate) -> str:
    return f"{number(estimate.value)} {interval(estimate)}" if estimate.defined else f"undefined ({estimate.reason})"


def _in_cells(estimate: Estimate) -> tuple[str, str, str]:
    return number(estimate.value), interval(estimate) if estimate.defined else "", str(estimate.n)
