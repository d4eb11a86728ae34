"""What a figure's title says: what was found, from the numbers; a plain title where these say nothing."""

import re
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from mediate.figures.heat import signed
from mediate.figures.key import LINE, PAD
from mediate.figures.text import ELLIPSIS, label
from mediate.results import EffectMap, mean_map
from mediate.results.kind_words import called
from mediate.results.outcomes import unit_of
from mediate.showing import plural
from mediate.stats import Estimate
from mediate.stats.columnwise import interval_of_means

# Of a title: inches a character takes, inches left of the axes and right of them, and the fewest characters a line.
CHARACTER, MARGINS, FEWEST = 0.072, 1.3, 24
# What no line ends within: `100.4 %`, `1.20 nats`, `n = 40`.
TOGETHER, GAP = re.compile(r"(?<=\d) (?=%|nats\b)|\bn = (?=\d)"), "\N{NO-BREAK SPACE}"
# The id of an item that was given none, and how much of its question stands in a title.
UNNAMED, MOST_ASKED = "item", 56


def headed(axes: Axes, title: str, *, over: int = 0) -> None:
    """Puts a title over axes, in lines that their figure holds, and over so many lines of a key."""
    said = lines_of(title, axes.figure.bbox.width / axes.figure.dpi - MARGINS)
    axes.set_title(said, loc="left", pad=PAD + LINE * over, parse_math=False)


def lines_of(title: str, inches: float) -> str:
    """A title in lines of at most so many inches; a name that is longer is broken, a number and its unit are not."""
    kept = TOGETHER.sub(lambda found: found.group().replace(" ", GAP), title)
    return "\n".join(textwrap.wrap(kept, max(FEWEST, round(inches / CHARACTER)))).replace(GAP, " ")


def clear(estimate: Estimate) -> bool:
    """Whether an estimate has an interval without 0: what a title may say."""
    return bool(estimate.defined and np.isfinite(estimate.low) and (estimate.low > 0 or estimate.high < 0))


def estimate_words(estimate: Estimate, digits: int = 2) -> str:
    """A number with its interval: `1.20 [0.80, 1.60]`."""
    if not estimate.defined:
        return "undefined"
    if np.isnan(estimate.low):
        return f"{signed(estimate.value, digits)}, no interval"
    ends = f"[{signed(estimate.low, digits)}, {signed(estimate.high, digits)}]"
    return f"{signed(estimate.value, digits)} {ends}"


def about(maps: Sequence[EffectMap]) -> str:
    """What maps are of, in a plain title: their kind, and how many items."""
    n = len({each.item for each in maps})
    each = "" if n == 1 else "Mean "
    what = called(label(maps[0].kind, 64))
    return f"{each}{what if each else begun(what)}, n = {plural(n, 'item')}"


def peak(maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95) -> str:
    """Where the mean of maps is largest in size, with its interval; plain where that has 0 in it or there is none."""
    mean, coords, _ = mean_map(maps)
    if np.isnan(mean).all():
        return about(maps)
    place = np.unravel_index(np.nanargmax(abs(mean)), mean.shape)
    first = maps[0]
    cell = {name: coords[name][at] for name, at in zip(first.dims, place, strict=True)}
    there = [(_at(each, cell), each.group) for each in maps if _has(each, cell)]
    there = [(value, group) for value, group in there if not np.isnan(value)]
    values = np.array([[value] for value, _ in there])
    low, high = interval_of_means(values, [group for _, group in there], seed=seed, level=level)
    if not (low[0] > 0 or high[0] < 0):
        return about(maps)
    # An end that is not 0 must not look like it.
    digits = next((each for each in (2, 3, 4) if min(abs(low[0]), abs(high[0])) >= 0.5 * 10**-each), 5)
    ends = f"[{signed(float(low[0]), digits)}, {signed(float(high[0]), digits)}]"
    found = f"{signed(float(mean[place]), digits)} {ends} {unit_of(first.outcome)}, n = {len(values)}"
    return f"{begun(called(label(first.kind, 64)))} is largest at {where(cell)}: {found}"


def _at(each: EffectMap, cell: dict[str, int]) -> float:
    return float(each.values[tuple(each.coords[name].index(cell[name]) for name in each.dims)])


def begun(words: str) -> str:
    """Words as a sentence begins, but names that are asked for by, such as `state.resid_pre`, as they are."""
    first = words.partition(" ")[0]
    return words if set(first) & {".", "_"} else words[:1].upper() + words[1:]


def _has(each: EffectMap, cell: dict[str, int]) -> bool:
    return all(label in each.coords[name] for name, label in cell.items())


def item_name(item: str, asked: str = "") -> str:
    """An item in a title: its id; where that is a bare number, or none of its own, its question's start, if known."""
    bare, start = item.isdecimal(), " ".join(asked.split())
    if not start or not (bare or item == UNNAMED):
        return f"item {item}" if bare else label(item)
    if len(start) > MOST_ASKED:
        start = f"{start[:MOST_ASKED].rpartition(' ')[0] or start[:MOST_ASKED]}{ELLIPSIS}"
    return f"“{label(start, MOST_ASKED + 1)}”"


def where(cell: dict[str, int]) -> str:
    """A cell in words: `the last step, layer 2`."""
    return ", ".join(place_words(name, label) for name, label in cell.items())


def place_words(name: str, place: int) -> str:
    """A place along an axis in words."""
    name = {"kv_head": "KV head", "later": "later step", "position": "token"}.get(name, name)
    if name == "result":
        return f"result of {place_words('step', place)}"
    if place == -1:
        return f"the last {name}"
    return f"{name} {place}".replace("-", "−")
