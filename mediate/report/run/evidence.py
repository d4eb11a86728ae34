"""What speaks for and against the numbers of a run: copying, controls, and estimates beside exact patching."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mediate.figures.figure import Figure
from mediate.report.analysis import Analysis, analysis_of, section
from mediate.report.blocks import (
    Block,
    Look,
    Row,
    Section,
    Table,
    Text,
    code,
    columns,
    numbers,
    prose,
    standing_in,
)
from mediate.report.parts import of_channel, share_cells
from mediate.report.run.in_short import controls_found
from mediate.report.words import MINUS, interval, mediated_words, number, percent, plural, share_words
from mediate.results import Cube, EffectMap, Results
from mediate.results.agreement import VERDICTS
from mediate.results.controls import Control, ControlSummary, summarise
from mediate.results.kinds import is_estimate
from mediate.results.outcomes import unit_of

# What the share of random draws that have as much effect should be.
SMALL_P = "near 0 where the real effect is larger than that of random draws"
# What each control is expected to be, and what to make of it.
EXPECTED = {
    Control.SELF_SOURCE: (
        "the base run's own keys and values in place of the source's",
        "exactly 0",
    ),
    Control.AFTER_READERS: ("keys and values replaced after the answer, where no reader looks", "exactly 0"),
    Control.RANDOM_POSITIONS: (
        "as many CoT positions, drawn one by one among those whose word is the same in both worlds",
        "less than where the words differ, unless activations carry the difference elsewhere",
    ),
    Control.SAME_ANSWER: (
        "another item's chain with the same answer",
        "little beside TIE, if the chain matters through the answer that it leads to",
    ),
    Control.SHUFFLED_STEPS: (
        "the chain's own steps in another order",
        "little where their order does not matter",
    ),
    Control.HIDE_NOTHING: ("a mask that hides nothing", "exactly 0"),
    Control.HIDE_AFTER: ("tokens hidden after the answer, where no reader looks", "exactly 0"),
    Control.RANDOM_HIDDEN: (
        "as many CoT tokens hidden as last state the answer (where none do, as the last step has), drawn one by one",
        "less than where the statement is hidden, if the answer is read there",
    ),
    Control.SELF_OTHER: ("the item held against itself, run twice, with every cell a pass of its own", "exactly 0"),
    Control.RANDOM_WEIGHTS: (
        "the same item in a model of random weights, drawn once for the run",
        "maps (of reads, of items' knockouts) that rank otherwise, a correlation near 0; its TE is small by "
        "construction, as its logits are",
    ),
}
ONE_PAIR = "one pair tells nothing"
REASONS = {
    "not_stated": "a chain does not state its answer",
    "stated_at_once": "a chain begins with its answer",
    "occurrence": "one chain states its answer as a result and the other only mentions it",
    "steps": "the chains state it in different steps",
    "reader": "the tokens before the two statements differ",
    "prefix_answer": "one statement begins with all of the other",
    "other_not_cut": "no other item's chain can be cut likewise",
}


def subset(cube: Cube, items: Sequence[str]) -> Cube:
    """A cube of some of its items, in their order."""
    places = {item: row for row, item in enumerate(cube.items)}
    rows = [places[item] for item in items]
    return replace(cube, y=cube.y[rows], items=tuple(items), groups=tuple(cube.groups[row] for row in rows))


def copying_section(results: Results, figures: Sequence[Figure] = ()) -> Section:
    """The shares with the whole chain and with the chain cut before it states the answer, on the same items."""
    left_out = section(results, "counts").get("not_cut") or {}
    reasons = "; ".join(f"{REASONS.get(name, name)}: {count}" for name, count in left_out.items())
    cut = next((each for each in results.cut if each.items), None)
    if cut is None:
        said = f"No chain could be cut before its answer{f' ({reasons})' if reasons else ''}."
        return Section("Before the answer is stated", (Text(said),), id="copying")
    analysis, whole = analysis_of(results), subset(results.cube(cut.outcome), cut.items)
    shares = [analysis.shares(each) for each in (whole, cut)]
    rows: list[Row] = [
        (of_channel(name), *(cell for each in shares for cell in share_cells(each[name]))) for name in shares[0]
    ]
    te, unit = [analysis.effects(each)["te"] for each in (whole, cut)], unit_of(cut.outcome)
    basis = (
        f"{cut.outcome}; n = {plural(len(cut.items), 'item')} in {plural(len(set(cut.groups)), 'group')}, the same in "
        f"both columns; mean TE {number(te[0].value)} {unit} at the answer {interval(te[0])}, {number(te[1].value)} "
        f"{unit} where the chain is about to state it {interval(te[1])}."
    )
    heads = numbers("whole chain", "interval", "cut before the answer", "interval")
    measured = len(results.items)
    fewer = f", n = {len(cut.items)} of {plural(measured, 'item')}" if len(cut.items) < measured else ""
    return Section(
        "Before the answer is stated",
        (
            Text(CUT),
            Table((*columns("channel"), *heads), tuple(rows)),
            *standing_in(figures, "copying"),
            Text(basis + (f" Not cut: {reasons}." if reasons else ""), Look.BASIS),
        ),
        id="copying",
        found=f"{mediated_words(shares[1]['mediated'])} (whole chain: {share_words(shares[0]['mediated'])}){fewer}",
    )


CUT = (
    "A chain that states the answer can be copied. Here each chain is cut before it first states its answer as a "
    "result, or, where it is only mentioned, before its first occurrence, and the outcome is read there, where "
    "the chain is about to write it."
)


def controls_section(results: Results, figures: Sequence[Figure] = ()) -> Section:
    """The controls, one row each."""
    analysis = analysis_of(results)
    told = [control_row(each) for each in control_summaries(results, analysis)]
    if not told:
        return Section("Controls", (Text("No controls were run on this run's items."),), id="controls")
    rows = [
        (
            each["name"],
            f"{each['what']}; expected: {each['expected']}",
            ". ".join(
                filter(None, (each["verdict"] + each["extra"], each["reasons"] and f"Refused: {each['reasons']}"))
            ),
            *(each[name] for name in ("size", "size_interval", "largest", "beside", "n", "refused")),
        )
        for each in told
    ]
    measured = len({each.item for each in results.controls})
    basis = (
        f"On {measured} of {plural(len(results.items), 'item')}, drawn with seed {analysis.seed}; "
        f"{results.controls[0].outcome}, in {unit_of(results.controls[0].outcome)}; sizes are means of |effect|, with "
        f"{percent(analysis.level)} intervals of a bootstrap over groups. Real effect: its mean size on "
        "the same items: of positions, where the words differ; of tokens hidden, where the statement is; of random "
        "weights, TE; else TIE."
    )
    heads = (
        *columns("control"),
        *columns("what is done", "found", look=Look.SAYS),
        *numbers("size", "interval", "largest", "real effect", "items", "refused"),
    )
    found, drawn = controls_found(control_summaries(results, analysis)), standing_in(figures, "controls")
    shown: tuple[Block, ...] = (Table(heads, tuple(rows)), *drawn, Text(basis, Look.BASIS))
    return Section("Controls", shown, id="controls", found=found)


def control_summaries(results: Results, analysis: Analysis) -> tuple[ControlSummary, ...]:
    """Each control over its items."""
    return summarise(results.controls, seed=analysis.seed, level=analysis.level)


def control_row(each: ControlSummary) -> dict[str, str]:
    """One control in the words of a table's row."""
    what, expected = EXPECTED[each.control]
    extra = ""
    if each.control is Control.RANDOM_WEIGHTS and each.rank.defined:
        extra = f"rank correlation {number(each.rank.value)} {interval(each.rank)}"
    if np.isfinite(each.p):
        extra = f"median p {number(each.p)} ({SMALL_P})"
    # A mean over one pair would be read as one over many.
    told = each.n > 1 or (each.n == 1 and each.held is not None)
    verdict = {True: "is 0", False: "BROKEN", None: ""}[each.held]
    if each.n == 1 and each.held is not False:
        verdict, extra = f"{verdict + ', but ' if verdict else ''}{ONE_PAIR}", ""
    return {
        "name": each.control.value.replace("_", " "),
        "what": what,
        "expected": expected,
        "n": str(each.n),
        "refused": str(each.refused),
        "size": exactly(each.size.value) if told else "" if each.n else "not measured",
        "size_interval": interval(each.size) if told and each.size.value else "",
        "beside": number(each.beside.value) if told else "",
        "largest": exactly(each.largest) if told else "",
        "verdict": verdict,
        "extra": extra,
        "reasons": "; ".join(each.reasons),
    }


def control_words(each: ControlSummary) -> str:
    """One control in one line."""
    name = each.control.value.replace("_", " ")
    if not each.n:
        return f"{name}: refused ({each.reasons[0]})"
    if each.n == 1 and each.held is None:
        return f"{name}: {ONE_PAIR}" + (f"; refused on {each.refused}" if each.refused else "")
    words = f"{name}: {exactly(each.size.value)} nats, real effect {number(each.beside.value)}, n = {each.n}"
    if each.held is not None:
        words += "; must be 0: " + ("it is" if each.held else f"BROKEN, up to {exactly(each.largest)}")
        words += f", but {ONE_PAIR}" if each.n == 1 and each.held else ""
    if each.control is Control.RANDOM_WEIGHTS and each.rank.defined:
        words += f"; rank correlation of the maps {number(each.rank.value)} {interval(each.rank)}"
    return words + (f"; refused on {each.refused}" if each.refused else "")


def exactly(value: float) -> str:
    """A number of which 0 must not be a rounded one."""
    if value == 0:
        return "0"
    return number(value) if abs(value) >= 0.005 else f"{value:.1e}".replace("-", MINUS, value < 0)


def agreement_section(results: Results, figures: Sequence[Figure] = ()) -> Section:
    """Estimated maps against exact patching."""
    without = dict.fromkeys(each.kind for each in results.maps if is_estimate(each.kind) and each.agreement is None)
    if (table := agreement_rows(results)).rows:
        told: tuple[Block, ...] = (table, *standing_in(figures, "estimates"), Text(AGREEMENT, Look.BASIS))
    elif without:
        told = (
            Text(f"Not held against exact patching: {', '.join(without)}."),
            *standing_in(figures, "estimates"),
        )
    else:
        told = (Text(NO_ESTIMATES),)
    found = f"maps of items: {verdicts(results.maps)}" if table.rows else ""
    return Section("Gradient estimates against exact patching", told, id="estimates", found=found)


AGREEMENT = (
    "Medians over items, with their range. Cells: drawn at random + the estimate's own largest; each was patched "
    "exactly. Missed mass: of the effect in the tenth of random cells that is largest, what the estimate's largest "
    "tenth does not hold. Size: the sum of |estimate| over that of |exact| at the estimate's largest cells. Gap: the "
    "completeness error of integrated gradients. Reliable: rank correlation and signs from 0.9 on, and a size from 0.8 "
    "to 1.25; ranking only: rank correlation from 0.7 on; not assessed: fewer than 10 random cells in which anything "
    "moves."
)
NO_ESTIMATES = prose(
    "This run has no estimated maps; every map is exact. A map such as `attribution.resid_pre:step,layer` asks for one."
)


def agreement_rows(results: Results) -> Table:
    """Estimated maps against exact patching, one row a kind and axes."""
    kinds: dict[tuple[str, str], list[EffectMap]] = {}
    for each in results.maps:
        if each.agreement is not None:
            kinds.setdefault((each.kind, ",".join(each.dims)), []).append(each)
    rows = []
    for (kind, axes), maps in kinds.items():
        found = [each.agreement for each in maps if each.agreement is not None]
        gaps = [abs(each.completeness) for each in found if np.isfinite(each.completeness)]
        rows.append(
            (
                code(f"{kind}:{axes}"),
                verdicts(maps),
                _median([each.spearman for each in found]),
                _median([each.signs for each in found], scale=100.0),
                _median([each.top_signs for each in found], scale=100.0),
                _median([each.top_ratio for each in found]),
                _median([each.missed_mass for each in found], scale=100.0),
                number(float(np.median(gaps)), 3) if gaps else "",
                str(len(found)),
                f"{_range([each.n_random for each in found])} + {_range([each.n_top for each in found])}",
            )
        )
    heads = (
        *columns("estimate"),
        *columns("verdict (items)", look=Look.SAYS),
        *numbers("rank correlation", "same sign (%)", "same sign, top (%)", "size, top", "missed mass (%)"),
        *numbers("gap (nats)", "items", "cells"),
    )
    return Table(heads, tuple(rows))


def verdicts(maps: Sequence[EffectMap]) -> str:
    """How many maps have which verdict."""
    count = Counter(each.agreement.verdict for each in maps if each.agreement is not None)
    return ", ".join(f"{word} {count[word]}" for word in VERDICTS if count[word])


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"


def _median(values: Sequence[float], scale: float = 1.0) -> str:
    """The median and range; what has no value is left out."""
    there = [scale * value for value in values if np.isfinite(value)]
    if not there:
        return ""
    digits = 0 if scale > 1 else 2
    middle = number(float(np.median(there)), digits)
    return middle if len(there) == 1 else f"{middle} [{number(min(there), digits)}, {number(max(there), digits)}]"
