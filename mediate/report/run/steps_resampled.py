"""Steps resampled: a part of a run's page, and in short."""

from collections import Counter
from collections.abc import Sequence

from mediate.report.analysis import analysis_of, section
from mediate.report.blocks import Block, Look, Notes, Row, Section, Table, Text, columns, numbers, prose
from mediate.report.words import from_to, gaps, interval, number, percent, plural
from mediate.results import Results
from mediate.results.resampling_tests import StepTest, resampling_tests

OPENING = prose(
    "Chains are sampled from before a step, so that it is resampled, and from after it, and their final answers are "
    "compared. *Importance*: how much more often the measured answer follows with the step as it is (Thought Anchors). "
    "*Counterfactual*: the same, of resampled steps of another value alone. *Apart*: the total variation distance of "
    "the final answers of both, less what it would be if the step decided nothing."
)
VALUES = prose(
    "*Value*: the number that a step states as its result; of a step without one, its words. *Resilience*: how often "
    "the value had to be resampled away until it stood nowhere in what followed; where it came back in the last round "
    "that round counts, so with any *back* it is a lower bound (Thought Branches)."
)
IN_SHORT = "importance: how much more often the measured answer follows with the step than with it resampled."


def resampled_section(results: Results) -> tuple[Section, ...]:
    """Everything that resampling found; no section where no step was resampled."""
    if not results.resampled:
        return ()
    told = _tests(results)
    blocks: list[Block] = [Text(OPENING), Text(VALUES, Look.SMALL)]
    blocks += [_table(told), Text(_basis(results), Look.BASIS)] if told else [Text("No step could be resampled.")]
    remarks = _remarks(results, told)
    steps = ((f"step {each.step}", each.importance.value) for each in told if each.step is not None)
    all_of_it, important = (*blocks, *((Notes(remarks),) if remarks else ())), from_to(steps, number)
    found = f"importance: {important}" if important else ""
    return (Section("Behaviour: steps resampled", all_of_it, id="resampled", found=found),)


def resampled_blocks(results: Results) -> tuple[Block, ...]:
    """The same in short: for a terminal and a notebook."""
    if not results.resampled:
        return ()
    told = _tests(results)
    rows: tuple[Row, ...] = tuple(
        (_place(each), number(each.importance.value), interval(each.importance), percent(each.differing.value),
         number(each.resilience.value))
        for each in told
    )  # fmt: skip
    heads = (*columns("step"), *numbers("importance", "interval", "other value", "resilience"))
    table = (Table(heads, rows, title="steps resampled"),) if told else ()
    return (*table, Notes((IN_SHORT, *_remarks(results, told)), "resampled"))


def _tests(results: Results) -> tuple[StepTest, ...]:
    analysis = analysis_of(results)
    return resampling_tests(results.resampled, seed=analysis.seed, level=analysis.level)


def _table(told: Sequence[StepTest]) -> Table:
    rows: list[Row] = []
    for each in told:
        pairs = [
            text
            for estimate in (each.importance, each.beyond_chance, each.counterfactual)
            for text in (number(estimate.value), interval(estimate))
        ]
        last = (number(each.resilience.value), interval(each.resilience), percent(each.returning.value))
        rows.append((_place(each), *pairs, percent(each.differing.value), *last, str(each.importance.n)))
    heads = (
        *columns("step"),
        *numbers("importance", "interval", "apart", "interval", "counterfactual", "interval", "other value"),
        *numbers("resilience", "interval", "back", "items"),
    )
    return Table(heads, tuple(rows), dense=True)


def _place(each: StepTest) -> str:
    return "all" if each.step is None else str(each.step)


def _basis(results: Results) -> str:
    analysis, made = analysis_of(results), [each for each in results.resampled if each.made]
    items = {each.item: each.group for each in made}
    samples, spec = made[0].samples, section(results, "spec").get("behaviour") or {}
    drawn = ", ".join(f"{name.removeprefix('resample_')} {spec[name]}" for name in spec if name.startswith("resample_"))
    return (
        f"n = {plural(len(items), 'item')} in {plural(len(set(items.values())), 'group')}, {plural(samples, 'chain')} "
        f"from before each step and as many from after it{f' ({drawn})' if drawn else ''}; steps are counted from 0; "
        f"intervals: {percent(analysis.level)}, seed {analysis.seed}. Every step is in results/resampled.parquet."
    )


def _remarks(results: Results, told: Sequence[StepTest]) -> tuple[str, ...]:
    """What could not be resampled or read, with how often."""
    refused = Counter(each.reason for each in results.resampled if not each.made)
    said = [f"{plural(count, 'step')} not resampled: {reason}." for reason, count in refused.items()]
    made = [each for each in results.resampled if each.made]
    chains = sum(each.samples for each in made)
    unparsed, endless = sum(each.unparsed for each in made), sum(each.endless for each in made)
    if unparsed:
        said.append(
            f"{unparsed} of {chains} sampled chains gave no answer that parses ({endless} of them never ended); that "
            "counts as an answer of its own, and as wrong."
        )
    if told and told[0].undefined:
        said.append(
            f"{plural(told[0].undefined, 'step')} without counterfactual importance: resampled, it always came to its "
            "own value; sample more, or at a higher temperature."
        )
    return (*said, *gaps([each.importance for each in told], "importance"))
