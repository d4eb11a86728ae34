"""Two or more runs on the same items: everything that is compared, as one record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediate.compare.checks import cautions, check_alike, check_finished_runs, compared_outcomes
from mediate.compare.design import Design, Traces, find_design
from mediate.compare.differences import Difference, Level, differences_from, levels
from mediate.compare.ladder import LadderShare, climb, no_ladder
from mediate.compare.maps import MapDifference, compare_maps
from mediate.compare.pairing import OTHER_CONTENT, Pairing, pair_items
from mediate.compare.runs import NamedRun
from mediate.compare.same_model import SameModel, same_models
from mediate.compare.settings import Settings
from mediate.compare.split import SplitPart, find_squares, split_square


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found; every difference is a run less the first run, the reference.

    Args:
        runs: What is compared.
        how: The settings.
        pairing: The shared items, and those that were dropped.
        traces: Who reads whose chains.
        mixed: Why the runs should not be compared, where the user compares them all the same; empty otherwise.
        cautions: What else a reader must know.
        outcomes: What is read at the answer in all runs.
        levels: The shares and effects of each run.
        differences: Those of each run from the first.
        split: The parts of each 2 x 2 of readers and writers.
        no_split: Why there is none; empty where there is.
        ladder: Slopes over model sizes.
        no_ladder: Why there are none; empty where there are.
        maps: Differences of maps.
        maps_left_out: Why other maps were not compared, by their name.
        same_models: Runs of which several are of one model.
    """

    runs: tuple[NamedRun, ...]
    how: Settings
    pairing: Pairing
    traces: Traces
    mixed: tuple[str, ...]
    cautions: tuple[str, ...]
    outcomes: tuple[str, ...]
    levels: tuple[Level, ...]
    differences: tuple[Difference, ...]
    split: tuple[SplitPart, ...]
    no_split: str
    ladder: tuple[LadderShare, ...]
    no_ladder: str
    maps: tuple[MapDifference, ...]
    maps_left_out: Mapping[str, str]
    same_models: tuple[SameModel, ...] = ()


def compare_runs(
    runs: Sequence[NamedRun], how: Settings, *, allow_mixed: bool = False, partial: bool = False
) -> Compared:
    """Compares runs on the items that all of them measured.

    Args:
        runs: Two or more; the first is the reference.
        how: The settings.
        allow_mixed: Compares runs that differ in more than model and chains all the same, and marks the result.
        partial: Compares runs that are not finished by what they have, and marks the result.

    Raises:
        InputError: A run is not finished and that is not allowed, no item or outcome is shared, or the runs differ in
            what their numbers mean and that is not allowed.
    """
    runs = tuple(runs)
    unfinished = check_finished_runs(runs, partial=partial)
    alike = check_alike(runs, allow_mixed=allow_mixed)
    outcomes = compared_outcomes(runs)
    pairing = pair_items(runs, allow_mixed=allow_mixed)
    traces = find_design(runs, pairing.items, allow_mixed=allow_mixed)
    squares = find_squares(runs, [writer.fingerprint if writer else None for writer in traces.writers])
    flat = no_ladder(runs, traces.design)
    maps, maps_left_out = compare_maps(runs, pairing, traces, outcomes, how)
    same = same_models(runs, traces.writers, pairing.items)
    return Compared(
        runs=runs,
        how=how,
        pairing=pairing,
        traces=traces,
        mixed=(*unfinished, *alike, *_other_items(pairing), *([traces.fault] if traces.fault else [])),
        cautions=(*map(str, same), *cautions(runs)),
        outcomes=outcomes,
        levels=tuple(each for outcome in outcomes for each in levels(runs, pairing, outcome, how)),
        differences=tuple(
            each
            for outcome in outcomes
            for run in runs[1:]
            for each in differences_from(runs[0], run, pairing, outcome, how)
        ),
        split=tuple(
            each
            for outcome in outcomes
            for square in squares
            for each in split_square([runs[place] for place in square], pairing, outcome, how)
        ),
        no_split="" if squares else _no_square(traces),
        ladder=() if flat else tuple(each for outcome in outcomes for each in climb(runs, pairing, outcome, how)),
        no_ladder=flat,
        maps=maps,
        maps_left_out=maps_left_out,
        same_models=same,
    )


def _other_items(pairing: Pairing) -> list[str]:
    """Items that say something else in one run; they are left out where that is allowed."""
    return [
        f"item {each.item!r} is another one in {each.run!r} and was dropped: {each.reason}"
        for each in pairing.dropped
        if each.status == OTHER_CONTENT
    ]


def _no_square(traces: Traces) -> str:
    if traces.design is Design.CROSSED:
        return "no other model reads and writes the chains that the first run's model reads and writes"
    return (
        "a change is split into writing and reading with four runs: two models, each reading its own chains and the "
        "other's (mediate score --chains RUN)"
    )
