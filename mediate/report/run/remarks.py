"""What a reader of a run's headline must also know, a line each; page, terminal and notebook have the same ones."""

import math
from collections.abc import Mapping

from mediate.pairs.answers import says
from mediate.report.analysis import Analysis, analysis_of, section
from mediate.report.run.outcomes_apart import outcomes_apart
from mediate.report.run.selection import selection
from mediate.report.words import plain, plural, share_words
from mediate.results import CHANNELS, Cube, Results, Told
from mediate.results.outcomes import unit_of
from mediate.stats import Estimate
from mediate.stats.studentised import most_wide

UNCLIPPED = "nothing is clipped"
# With fewer groups there is mostly no interval; from so many on one is no wider than data can tell.
FEWEST_TOLD, FEW = 4, 8


def notes(results: Results) -> tuple[str, ...]:
    """What a reader of the headline must also know: copying, who wrote the chains, and shares that are not plain."""
    if not results.cubes or not results.items:
        return ()
    cube, count, analysis = results.cube(), len(results.items), analysis_of(results)
    stating = [item.base.states_result is not False for item in results.items if item.base.states_answer is not None]
    stated, occurs = sum(stating), len(stating) - sum(stating)
    written = sum(item.written for item in results.items)
    writer = section(results, "writer").get("name")
    others = f"{plain(writer)} wrote the other chains" if writer else "the other chains were given"
    base = "base " if results.items[0].source else ""
    chains = "both chains" if results.items[0].source else "the chain"
    found = [f"The model wrote {chains} of {written} of {plural(count, 'item')}; {others}."]
    if written in (0, count):
        given = f"{plain(writer)} wrote the chains." if writer else "The chains were given."
        found = ["The model wrote all chains itself." if written else given]
    wrong = sum(any(_answers_otherwise(told) for _, told in item.worlds) for item in results.items)
    if wrong:
        found.append(
            f"In {wrong} of {plural(count, 'item')} the model itself answers otherwise than given"
            f"{', in one world or both' if results.items[0].source else ''}; --solved-only leaves such items out."
        )
    same = sum(item.source is not None and item.base.question == item.source.question for item in results.items)
    if same:
        found.append(
            f"In {plural(same, 'item')} both worlds ask the same question: direct and latent are 0 there by "
            "construction."
        )
    if stated:
        found.append(
            f"In {stated} of {plural(count, 'item')} the {base}chain itself states the answer: part of the text share "
            "may be the copying of that statement."
        )
    if occurs:
        found.append(
            f"In {occurs} of {plural(count, 'item')} the answer occurs in the {base}chain, though not as a result "
            "(first occurrence): it may be copied from there."
        )
    least = analysis.least(cube.outcome)
    if small := cube.undefined(least):
        found.append(
            f"In {plural(small, 'item')} |TE| ≤ {least:g} {unit_of(cube.outcome)}, where a single item's share is "
            "undefined; the shares of the set count them in."
        )
    apart = *selection(results), *outcomes_apart(results)
    return (*apart, *found, *few_groups(cube, analysis), *pulls(analysis.shares(cube)))


def few_groups(cube: Cube, analysis: Analysis) -> tuple[str, ...]:
    """That few groups hardly bound anything, where that is so."""
    groups = len(set(cube.groups))
    if not FEWEST_TOLD <= groups < FEW:
        return ()
    wide, fewer = (most_wide(each, analysis.level) for each in (groups, FEW))
    return (
        f"{groups} groups are few: an interval may be {wide:.0f} times as wide as Student's, for nothing tells how "
        f"skewed groups are. With {FEW} it is {fewer:.0f} times at most.",
    )


def pulls(shares: Mapping[str, Estimate]) -> tuple[str, ...]:
    """In a line, that the channels pull against each other, or that shares only seem to say so; empty where neither.

    They do where a channel's share is told from what lies in 0 to 100 %, or has no interval and is beyond. A mediated
    share alone that is beyond says it of the question or the chain. A share whose interval reaches in says nothing.

    Args:
        shares: By channel, and `mediated`.
    """
    beyond = {name: each for name, each in shares.items() if each.defined and not 0 <= round(each.value, 3) <= 1}
    told = {name: each for name, each in beyond.items() if math.isnan(each.low) or each.high < 0 or each.low > 1}
    against = [name for name in CHANNELS if name in told and told[name].value < 0]
    over = [name for name in CHANNELS if name in told and told[name].value > 1]
    others = [name for name in CHANNELS if name not in (against or over)]
    # Without an interval one above 100 % alone is the rounding of the others.
    if others and (against or any(told[name].low > 1 for name in over)):
        which = f"{' and '.join(against or over)} against {' and '.join(others)}{'' if against else ' together'}"
        return (f"The channels pull against each other ({which}): shares lie below 0 or above 100 %; {UNCLIPPED}.",)
    if "mediated" in told:
        above = told["mediated"].value > 1
        moves = (
            "without the item's own chain its question moves the outcome against the total effect (NDE has the other "
            "sign)"
            if above
            else "beside the item's own question its chain moves the outcome against the total effect (TIE has the "
            "other sign)"
        )
        return (f"The mediated share is {'above 100 %' if above else 'below 0'}: {moves}; {UNCLIPPED}.",)
    chance = {name: each for name, each in beyond.items() if name not in told}
    if not chance:
        return ()
    ends = {"0 %": [name for name in chance if chance[name].value < 0]}
    ends["100 %"] = [name for name in chance if chance[name].value > 1]
    listed = " and ".join(
        f"{', '.join(f'{name} {share_words(chance[name])}' for name in names)} "
        f"{'is' if len(names) == 1 else 'are'} {'below' if end == '0 %' else 'above'} {end}"
        for end, names in ends.items()
        if names
    )
    held = "their intervals hold these ends" if len(chance) > 1 else "the interval holds that end"
    return (f"{listed[:1].upper()}{listed[1:]}, but {held}: it may be chance; {UNCLIPPED}.",)


def _answers_otherwise(world: Told) -> bool:
    return world.said is not None and not says(world.said, world.answer)
