"""How far off the distribution is what state maps of pairs put in place, in a sentence a direction."""

import numpy as np

from mediate.report.words import number, plural
from mediate.results import Results
from mediate.results.kinds import Direction

PLACED = {
    Direction.NOISING: "the source's states, which state maps put into the base run,",
    Direction.DENOISING: "the base's states, which denoising state maps put into the source run,",
}


def off_said(results: Results) -> list[str]:
    """A sentence for each direction that was measured."""
    said = []
    for direction, words in PLACED.items():
        found = [each for each in results.off if each.direction == direction]
        if not found:
            continue
        norm = number(float(np.median([each.norm_ratio for each in found])))
        there = [each.distance for each in found if np.isfinite(each.distance)]
        if not there:
            why = found[0].reason
            said.append(
                f"Off the distribution: {words} have no distance ({why}); their norm is {norm} of what was there."
            )
            continue
        distance = number(float(np.median(there)))
        said.append(
            f"Off the distribution: {words} are {distance} times as far from other items' chains "
            f"as these are from each other (median of {plural(len(there), 'pair')}, {number(min(there))} to "
            f"{number(max(there))}), their norm {norm} of what was there. They come from a run of their own; that they "
            "stand in another one, this does not see (results/off_distribution.parquet)."
        )
    return said
