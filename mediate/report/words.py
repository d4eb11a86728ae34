"""Numbers and the headline in words; every view of a run says them the same way."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mediate.report.analysis import analysis_of, section
from mediate.results import Results
from mediate.results.partial import partial_words
from mediate.results.precision import precision_words
from mediate.showing import plural as plural
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
    ends = "(no interval)" if math.isnan(estimate.low) else share_ends(estimate, digits)
    return f"{percent(estimate.value, digits)} {ends}"


def share_value(estimate: Estimate) -> str:
    """A share without its interval, in the digits that it has with it."""
    return percent(estimate.value, _share_digits(estimate))


def share_ends(estimate: Estimate, digits: int | None = None) -> str:
    """The interval of a share in percent, by default in a sentence's digits; `no interval` where there is none."""
    return interval(estimate, scale=100.0, digits=_share_digits(estimate) if digits is None else digits)


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
