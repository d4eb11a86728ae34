"""What calls and commands have written: opened again, and put together of shards. Loads no model and no torch."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack

from mediate.choices import fields_of, with_choices
from mediate.errors import InputError
from mediate.holding.spec import HoldOptions, HoldSpec, hold_of
from mediate.models.origin import TUNED
from mediate.report import (
    RECORD,
    Comparison,
    CrossScores,
    Faithfulness,
    RsdTraces,
    Scores,
    StoredComparison,
    TokenJoin,
    TraceScores,
    Tuning,
    open_comparison,
    open_run,
)
from mediate.results.crossing_folder import is_crossed, read_crossed
from mediate.results.folder import MANIFEST, read_manifest
from mediate.results.sharding import check_no_shards
from mediate.results.speculative import SPECULATIVE_RUNS, read_speculative
from mediate.results.token_join import JOINED_RUNS, read_joined
from mediate.results.trace_folder import TRACE_RUNS, read_trace_results
from mediate.tuning.folder import open_tuned

Opened = (
    Scores | Faithfulness | CrossScores | TraceScores | TokenJoin | RsdTraces | Comparison | StoredComparison | Tuning
)
# Runs that are not of scoring: whether a manifest is of one, and what opens it.
_OF_A_DESIGN: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Path], Opened]], ...] = (
    (is_crossed, lambda place: CrossScores(read_crossed(place), place)),
    (TRACE_RUNS.is_of, lambda place: TraceScores(read_trace_results(place), place)),
    (JOINED_RUNS.is_of, lambda place: TokenJoin(read_joined(place), place)),
    (SPECULATIVE_RUNS.is_of, lambda place: RsdTraces(read_speculative(place), place)),
)


def open(folder: str | Path) -> Opened:
    """What a folder holds that one of the calls, or of the commands, has written; needs no model.

    A run (`Scores`), one with tests on behaviour (`Faithfulness`), two checkpoints crossed (`CrossScores`), scored
    traces (`TraceScores`), what their tokens carry (`TokenJoin`), traces written together (`RsdTraces`), a comparison
    (`StoredComparison`) or a tuned model (`Tuning`), as its manifest says.

    Returns:
        What the folder holds, with the same views as the call that wrote it.

    Raises:
        InputError: The folder holds none of these, what it holds is not finished, or a file is missing or damaged.

    Example:
        >>> scores = md.score(model, pairs, out="runs/opened", control_pairs=0)
        >>> md.open("runs/opened").shares() == scores.shares()
        True
    """
    place = Path(folder)
    if (place / MANIFEST).is_file():
        manifest = read_manifest(place)
        for is_one, opened in _OF_A_DESIGN:
            if is_one(manifest):
                return opened(place)
        scores = open_run(place)
        return Faithfulness(scores.results, place) if scores.results.behaviour else scores
    if (place / RECORD).is_file():
        return open_comparison(place)
    if (place / TUNED).is_file():
        return Tuning(open_tuned(place))
    check_no_shards(place)
    raise InputError(
        f"{folder}: holds no run, comparison or tuned model ({MANIFEST}, {RECORD} or {TUNED}); give the folder that a "
        "command wrote"
    )


@with_choices(fields_of(HoldSpec))
def merge(out: str | Path, **options: Unpack[HoldOptions]) -> Scores:
    """Puts the shards of a run together, once all are measured, to the run that one process would have written.

    Args:
        out: The run directory that shards were measured below; one that was put together before is read back.
        **options: Choices, as below.

    Returns:
        The run, as `score` gives it.

    Raises:
        InputError: There are no shards, some are missing or not finished, or they are not of one run.

    Example:
        >>> md.merge("runs/sharded").shares()  # doctest: +SKIP
    """
    from mediate.scoring.merging import merge_shards

    takeover, others = hold_of(options)
    if others:
        raise InputError(f"no option {min(others)!r}; there is takeover")
    return Scores(merge_shards(Path(out), takeover=takeover), Path(out))
