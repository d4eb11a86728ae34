"""What must be the same for the numbers of two runs to mean the same."""

from collections.abc import Sequence
from typing import Any

from mediate.compare.prompts import prompt_differences
from mediate.compare.runs import NamedRun
from mediate.errors import InputError, shortened
from mediate.results.partial import partial_words
from mediate.results.precision import precision_words


def compared_outcomes(runs: Sequence[NamedRun]) -> tuple[str, ...]:
    """The outcomes that all runs have, in the order of the first.

    Raises:
        InputError: None.
    """
    having = [[cube.outcome for cube in run.results.cubes] for run in runs]
    common = tuple(outcome for outcome in having[0] if all(outcome in other for other in having))
    if not common:
        lists = "; ".join(
            f"{run.label!r} has {', '.join(names) or 'none'}" for run, names in zip(runs, having, strict=True)
        )
        raise InputError(f"compare: no outcome was read in all runs ({lists}); score with the same outcomes")
    return common


def differences(runs: Sequence[NamedRun]) -> tuple[str, ...]:
    """In what each run differs from the first so that their numbers do not mean the same, a line each."""
    first = _meaning(runs[0])
    found = []
    for run in runs[1:]:
        found += [
            f"{name} is {_shown(theirs)} in {run.label!r} and {_shown(first[name])} in {runs[0].label!r}"
            for name, theirs in _meaning(run).items()
            if theirs != first[name]
        ]
        found += [
            f"{name} is {_shown(theirs)} in {run.label!r} and {_shown(ours)} in {runs[0].label!r}"
            for name, ours, theirs in prompt_differences(runs[0], run)
        ]
    return tuple(found)


def check_finished_runs(runs: Sequence[NamedRun], *, partial: bool) -> tuple[str, ...]:
    """Which runs are not finished, and how far they are.

    Raises:
        InputError: One is not, and that is not allowed.
    """
    said = [(run, partial_words(run.results.manifest)) for run in runs]
    found = [f"{run.label} is {words}" for run, words in said if words]
    if found and not partial:
        raise InputError(f"compare: {found[0]}; finish it first, or give --partial (in Python: partial=True)")
    return tuple(found)


def check_alike(runs: Sequence[NamedRun], *, allow_mixed: bool) -> tuple[str, ...]:
    """The differences of the runs, where they are allowed.

    Raises:
        InputError: There are some, and they are not allowed; or the items are held against different things, which
            makes other quantities of their shares.
    """
    contrasts = {str(cube.contrast): run.label for run in runs for cube in run.results.cubes}
    if len(contrasts) > 1:
        told = " and ".join(f"{contrast} in {label!r}" for contrast, label in contrasts.items())
        raise InputError(f"compare: the contrast is {told}, so their shares are different quantities; score alike")
    found = differences(runs)
    if found and not allow_mixed:
        raise InputError(
            f"compare: {'; '.join(found)}; score again with the same choices, or compare all the same with "
            "--allow-mixed (in Python: allow_mixed=True)"
        )
    return found


def cautions(runs: Sequence[NamedRun]) -> tuple[str, ...]:
    """What does not forbid a comparison, but a reader of it must know."""
    found = []
    if len({str(run.model.get("dtype")) for run in runs}) > 1 or _quantised_before(runs):
        listed = ", ".join(f"{run.label}: {precision_words(run.model) or 'unknown'}" for run in runs)
        found.append(f"The weights have different precision ({listed}); part of a difference may be rounding.")
    chosen = [run.label for run in runs if run.spec.get("solved_only")]
    if chosen:
        found.append(
            f"Only items that the model solves were kept in {', '.join(chosen)}: all numbers are of items that each of "
            "these models solves."
        )
    retold = {run.label: _retokenised(run) for run in runs}
    for label, count in retold.items():
        if count:
            found.append(
                f"In {label}, {count} chains of another run have other tokens than their writer's: words are the same, "
                "token boundaries are not."
            )
    return tuple(found)


def _retokenised(run: NamedRun) -> int:
    writer = run.results.manifest.get("writer")
    return int(writer.get("retokenised", 0)) if isinstance(writer, dict) else 0


def _meaning(run: NamedRun) -> dict[str, Any]:
    """What the numbers of a run depend on beside the items, the chains and the model."""
    spec, manifest = run.spec, run.results.manifest
    versions = manifest.get("versions")
    return {
        "the outcome": sorted(cube.outcome for cube in run.results.cubes),
        # A file's name says less than what it holds; `none` and `chat` hold nothing.
        "the template": spec.get("template_text") or spec.get("template"),
        "the answer cue": spec.get("answer_cue"),
        "the measured answer": spec.get("answer", "given"),
        "the bridge": spec.get("bridge", "auto"),
        "the schema": manifest.get("schema"),
        "the version of the numerics": versions.get("numerics") if isinstance(versions, dict) else None,
    }


def _shown(value: Any) -> str:
    return shortened(", ".join(value) if isinstance(value, list) else repr(value), 60)


def _quantised_before(runs: Sequence[NamedRun]) -> bool:
    """Whether some runs' weights were quantised in another way; runs that do not record it are not asked."""
    return len({run.model["weights"] for run in runs if "weights" in run.model}) > 1
