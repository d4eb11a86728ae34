"""Where the outcomes of a run do not say the same, in lines under its headline."""

from mediate.report.analysis import analysis_of, repeats
from mediate.report.words import interval, number, share_words
from mediate.results import Results
from mediate.results.outcomes import outcome_facts, unit_of
from mediate.stats import Estimate


def outcomes_apart(results: Results) -> tuple[str, ...]:
    """That other outcomes say otherwise than the headline's, and which total effects are negative: a line each.

    Outcomes disagree where the intervals of their mediated shares have nothing in common, or where those of their total
    effects lie on either side of 0. Without intervals neither is known, and nothing is said.
    """
    analysis = analysis_of(results)
    cubes = [cube for cube in results.cubes if repeats(results, cube.outcome) is None]
    total = {cube.outcome: analysis.effects(cube)["te"] for cube in cubes}
    mediated = {cube.outcome: analysis.shares(cube)["mediated"] for cube in cubes}
    first, *others = total
    told = {name: f"TE {number(te.value)} {unit_of(name)} {interval(te)}" for name, te in total.items()}
    apart = [
        name
        for name in others
        if _either_side(total[name], total[first]) or _nothing_in_common(mediated[name], mediated[first])
    ]
    found = []
    if apart:
        listed = "; ".join(f"{name}: {told[name]}, mediated {share_words(mediated[name])}" for name in apart)
        found.append(
            f"Outcomes disagree. The headline is of {first}: {told[first]}, mediated {share_words(mediated[first])}. "
            f"By contrast, {listed}."
        )
    if against := [name for name, te in total.items() if te.high < 0]:
        which = "base" if outcome_facts(first).answers == 2 else "measured"
        found.append(
            f"By {', '.join(f'{name} ({told[name]})' for name in against)}, question and chain speak against the "
            f"{which} answer: a share there is a part of that negative effect."
        )
    return tuple(found)


def _either_side(one: Estimate, other: Estimate) -> bool:
    """Whether the intervals lie on either side of 0."""
    return one.high < 0 < other.low or other.high < 0 < one.low


def _nothing_in_common(one: Estimate, other: Estimate) -> bool:
    """Whether the intervals do not overlap."""
    return one.low > other.high or other.low > one.high
