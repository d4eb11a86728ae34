"""Numbers and the headline in words; every view of a run says them the same way."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mediate.errors import plural as plural
from mediate.pairs.answers import says
from mediate.report.analysis import analysis_of, section
from mediate.results import CHANNELS, Results, Told
from mediate.results.outcomes import unit_of
from mediate.results.partial import partial_words
from mediate.results.precision import precision_words
from mediate.stats import Estimate
from mediate.stats.digits import percent_digits

DASH = "–"
MINUS = "−"
GAP = "\N{NO-BREAK SPACE}"
MOST_PLAIN = 1e5  # larger numbers are written with an exponent


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign and no negative zero; `undefined` for NaN."""
    if math.isnan(value):
        return "undefined"
    if abs(value) >= MOST_PLAIN:
        return f"{value:.3g}".replace("-", MINUS)
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def percent(value: float, digits: int | None = None) -> str:
    """A share as a percentage with a no-break space; `undefined` for NaN.

    By default in whole numbers, and in tenths where these would say 0 or 100 % of what is neither.
    """
    if math.isnan(value):
        return number(value)
    return f"{number(100 * value, percent_digits(100 * value) if digits is None else digits)}{GAP}%"


def interval(estimate: Estimate, *, scale: float = 1.0, digits: int = 2) -> str:
    """`[low, high]`, times `scale`; `no interval` where there is none."""
    if math.isnan(estimate.low):
        return "no interval"
    return f"[{number(scale * estimate.low, digits)}, {number(scale * estimate.high, digits)}]"


def share_words(estimate: Estimate, digits: int | None = None) -> str:
    """`97 % [94, 99]`, `99.8 % [99.6, 100.1]`, `97 % (no interval)` or `undefined`; by default as sentences have it."""
    if not estimate.defined:
        return "undefined"
    digits = _share_digits(estimate) if digits is None else digits
    ends = "(no interval)" if math.isnan(estimate.low) else interval(estimate, scale=100.0, digits=digits)
    return f"{percent(estimate.value, digits)} {ends}"


def share_value(estimate: Estimate) -> str:
    """A share without its interval, in the digits that it has with it."""
    return percent(estimate.value, _share_digits(estimate))


def _share_digits(estimate: Estimate) -> int:
    """Digits of a share in a sentence: by the width of its interval, and never more than the tables have."""
    return percent_digits(100 * estimate.value, 100 * estimate.low, 100 * estimate.high, most=1)


def plain(value: Any) -> str:
    """A value of the manifest as text: a dash for what is absent, lists with commas, the rest as it stands."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(each) for each in value) or DASH
    if isinstance(value, dict):
        return "; ".join(f"{key}: {plain(each)}" for key, each in value.items()) or DASH
    return f"{value:g}" if isinstance(value, float) else str(value)


def range_words(least: float, most: float) -> str:
    """`−1.00 to 2.50`, or the one number where both are told alike."""
    low, high = number(least), number(most)
    return low if low == high else f"{low} to {high}"


def mediated_words(share: Estimate) -> str:
    """That so much is mediated, in a few words."""
    return f"{share_words(share)} is mediated" if share.defined else "the mediated share is undefined"


def ordinal(count: int) -> str:
    """A place that counts from 1, such as `1st`, `12th` or `22nd`."""
    last = "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{last}"


def fact_of(model: Mapping[str, Any], name: str) -> str:
    """A fact of a model as a page tells it; of its dtype also what its weights were before."""
    return plain(precision_words(model) if name == "dtype" else model.get(name))


def model_words(results: Results) -> str:
    """The model's name and precision."""
    model = section(results, "model")
    return f"{plain(model.get('name'))}, {fact_of(model, 'dtype')}"


def source_words(results: Results) -> str:
    """Where a figure comes from, in a line that stands in it: the model, how many items, and the day."""
    model = plain(section(results, "model").get("name"))
    parts = (model, f"{plural(len(results.items), 'item')} measured", day_of(results.manifest))
    return ", ".join(each for each in parts if each)


def day_of(manifest: Mapping[str, Any]) -> str:
    """The day on which a run ended, or else began: `2026-11-21`; empty where neither is known."""
    return str(manifest.get("finished") or manifest.get("created") or "")[:10]


def headline(results: Results) -> str:
    """The main result in one sentence: the first outcome's shares, their basis and the model.

    Of a run that is not finished, that comes first.
    """
    partial = partial_words(results.manifest)
    return f"{partial}. {_headline(results)}" if partial else _headline(results)


def _headline(results: Results) -> str:
    if not results.cubes or not results.items:
        given = section(results, "counts").get("given")
        left_out = sum(reject.part == "item" for reject in results.rejects)
        of = f" of the {given} given" if given is not None else ""
        return f"No item{of} was measured, so there is no share to report; {left_out} left out, with reasons below."
    cube = results.cube()
    shares = analysis_of(results).shares(cube)
    basis = (
        f"n{GAP}={GAP}{plural(len(cube.items), 'item')} in "
        f"{plural(len(set(cube.groups)), 'group')}; {model_words(results)}"
    )
    mediated = shares["mediated"]
    if not mediated.defined:
        return f"The shares of direct, text and latent are undefined: {mediated.reason}; {basis}."
    text, latent, direct = (share_value(shares[name]) for name in ("text", "latent", "direct"))
    return (
        f"Of the effect of the question on the answer, {share_words(mediated)} is mediated by the chain of thought; by "
        f"channel, {text} is text, {latent} latent and {direct} direct; {basis}."
    )


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
    return (*found, *pulls(analysis.shares(cube)))


def pulls(shares: Mapping[str, Estimate]) -> tuple[str, ...]:
    """In a line, that the channels pull against each other, or that shares only seem to say so; empty where neither.

    They do where a share is told from what lies in 0 to 100 %, or has no interval and is beyond. A share near an end
    whose interval reaches in says nothing of it.

    Args:
        shares: By channel, and `mediated`.
    """
    beyond = {name: each for name, each in shares.items() if each.defined and not 0 <= round(each.value, 3) <= 1}
    told = [name for name, each in beyond.items() if math.isnan(each.low) or each.high < 0 or each.low > 1]
    if told:
        against = [name for name in told if name in CHANNELS and shares[name].value < 0]
        others = [name for name in CHANNELS if name not in against]
        which = f" ({' and '.join(against)} against {' and '.join(others)})" if against and others else ""
        return (f"The channels pull against each other{which}: shares lie below 0 or above 100 %; nothing is clipped.",)
    if beyond:
        return ("A share a little below 0 or above 100 % is not told from these here; nothing is clipped.",)
    return ()


def _answers_otherwise(world: Told) -> bool:
    return world.said is not None and not says(world.said, world.answer)


def gaps(estimates: Iterable[Estimate], what: str) -> tuple[str, ...]:
    """Why estimates are undefined or have no interval, each reason once: `shares: no interval (one group: ...)`."""
    return tuple(
        dict.fromkeys(
            f"{what}: {'no interval' if each.defined else 'undefined'} ({each.reason})"
            for each in estimates
            if each.reason
        )
    )


def from_to(found: Iterable[tuple[str, float]], told: Callable[[float], str]) -> str:
    """The least and the largest of some values, each with its name: `3 % (short) to 97 % (long)`; empty without any."""
    there = sorted(((value, name) for name, value in found if not math.isnan(value)), key=lambda each: each[0])
    ends = dict.fromkeys((there[0], there[-1])) if there else {}
    return " to ".join(f"{told(value)} ({name})" for value, name in ends)


def apart_words(gap: float, unit: str = "nats") -> str:
    """How near two numbers are that should be one: `to 1e-14 nats`, or `exactly`."""
    return f"to {gap:.0e} {unit}" if gap else "exactly"
