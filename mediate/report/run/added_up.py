"""What the cells of each map add up to, beside the effect of all of them at once: a table of a run's page."""

from collections.abc import Sequence

import numpy as np

from mediate.report.analysis import Analysis, analysis_of, joint_effects
from mediate.report.blocks import Block, Look, Row, Table, Text, columns, numbers
from mediate.report.words import GAP, number, share_ends, share_value, share_words
from mediate.results import EffectMap, Results
from mediate.results.kinds import parse_kind
from mediate.results.outcomes import unit_of

SUMS_BASIS = (
    f"Sum of single effects over the joint effect, as a ratio of sums over items. At 100{GAP}% cells do not depend on "
    "each other, or what they do only together cancels. Below, mostly either of several will do, so that each hides "
    "the other and a ranking of single ones misses them. Above, the answer mostly needs several of them, so that "
    "taking one away is enough; or later layers hold what earlier ones do."
)


def mapped(results: Results, outcome: str) -> dict[tuple[str, tuple[str, ...]], tuple[EffectMap, ...]]:
    """The maps of an outcome whose cells make up the whole chain, by kind and axes, in the order in which they come."""
    found: dict[tuple[str, tuple[str, ...]], list[EffectMap]] = {}
    for each in results.maps:
        if each.outcome == outcome:
            found.setdefault((each.kind, each.dims), []).append(each)
    return {key: tuple(maps) for key, maps in found.items() if _makes_up_the_chain(key[0])}


def _makes_up_the_chain(kind: str) -> bool:
    name = parse_kind(kind)
    apart = name.window == 1 and not (name.of.cumulative or name.of.gaps or name.of.estimate or name.adaptive)
    return apart and name.view is None


def added_up_blocks(results: Results, outcome: str) -> tuple[Block, ...]:
    """A row a map whose joint effect is known; nothing where none is."""
    analysis, cube = analysis_of(results), results.cube(outcome)
    rows: list[Row] = []
    for (kind, dims), maps in mapped(results, outcome).items():
        joint = joint_effects(cube, maps)
        joint = joint[~np.isnan(joint)]
        if len(joint):
            sums = analysis.added_up(cube, maps)
            rows.append(
                (
                    kind,
                    ", ".join(dims),
                    number(float(joint.mean())),
                    share_value(sums),
                    share_ends(sums) if sums.defined else "",
                    str(len(joint)),
                )
            )
    if not rows:
        return ()
    heads = (
        *columns("map", "one at a time"),
        *numbers(f"all at once ({unit_of(outcome)})", "sum of single effects", "interval", "items"),
    )
    return (Table(heads, tuple(rows)), Text(SUMS_BASIS, Look.SMALL))


def added_up_words(analysis: Analysis, results: Results, maps: Sequence[EffectMap]) -> str:
    """The same of one map in a sentence, for under its figure; empty where its joint effect is not known."""
    cube = results.cube(maps[0].outcome)
    if np.isnan(joint_effects(cube, maps)).all():
        return ""
    sums = analysis.added_up(cube, maps)
    if not sums.defined:
        return ""
    tie = " (TIE)" if str(cube.contrast) in parse_kind(maps[0].kind).of.adds_up_in else ""
    return f" One at a time, the cells' effects sum to {share_words(sums)} of what all of them do at once{tie}."
