"""What tokens carry beside how likely they are: how far scores find what carries, and every token by its surprisal."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.style import FAINT, canvas, run_colours
from mediate.figures.text import label
from mediate.results.token_join import ALL
from mediate.results.tokens_agreed import SCORES, TokensAgreed
from mediate.showing import plural
from mediate.traces.token_kinds import TokenKind

AGREED_SIZE, TOKENS_SIZE = (7.2, 3.4), (7.2, 3.4)
# Of both numbers: what it is, and what it is where a score has no bearing on the effect.
NUMBERS = {
    "correlation": ("rank correlation with the effect, within chains", 0.0),
    "area": ("area under the receiver curve, tokens that carry most", 0.5),
}
# Around its row, so far are the effects of a score apart.
_APART = 0.22


def plot_tokens_agreed(
    found: Sequence[TokensAgreed], number: str = "correlation", *, kind: str = ALL, ax: Axes | None = None
) -> Axes:
    """A row a score, a colour an effect: a mean over chains with its interval over groups; hollow, it has none.

    The grey line is where a score that has no bearing on what tokens carry would be.

    Args:
        found: What was found.
        number: `correlation` or `area`.
        kind: The kind of token.
        ax: Where to draw; new axes by default.

    Raises:
        InputError: No such number, or it is undefined for every score.
    """
    if number not in NUMBERS:
        raise InputError(f"no number {number!r} to draw; there are {', '.join(NUMBERS)}")
    having = [each for each in found if each.kind == kind and getattr(each, number).defined]
    if not having:
        raise InputError(f"the {number} of every score is undefined for tokens of kind {kind!r}: nothing to draw")
    order = list(SCORES) + [each.score for each in having]
    scores = [name for name in dict.fromkeys(order) if any(each.score == name for each in having)]
    effects = list(dict.fromkeys(each.effect for each in having))
    colours = dict(zip(effects, run_colours(len(effects)), strict=True))
    words, nothing = NUMBERS[number]
    with canvas(ax, AGREED_SIZE) as axes:
        axes.axvline(nothing, color=FAINT, linewidth=0.8, zorder=1)
        for effect in effects:
            offset = _APART * (effects.index(effect) - (len(effects) - 1) / 2)
            for place, each in enumerate(each for each in having if each.effect == effect):
                estimate, row = getattr(each, number), scores.index(each.score) + offset
                has_interval = bool(np.isfinite(estimate.low))
                if has_interval:
                    axes.hlines(row, estimate.low, estimate.high, color=colours[effect], linewidth=1.8)
                fill = colours[effect] if has_interval else "white"
                named = f"{effect}, n = {estimate.n}" if place == 0 else None
                axes.plot(
                    estimate.value, row, "o", color=colours[effect], markersize=5, markerfacecolor=fill, label=named
                )
        axes.set_yticks(range(len(scores)), [label(name.replace("_", " ")) for name in scores])
        axes.set_ylim(len(scores) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(words)
        headed(axes, f"How far {plural(len(scores), 'score')} of tokens find what these carry")
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return axes


def tokens_agreed_data(found: Sequence[TokensAgreed], number: str = "correlation", *, kind: str = ALL) -> pd.DataFrame:
    """What `plot_tokens_agreed` draws: a row a score and effect with the number as `value`, `low`, `high` and `n`."""
    if number not in NUMBERS:
        raise InputError(f"no number {number!r} to draw; there are {', '.join(NUMBERS)}")
    having = [(each, getattr(each, number)) for each in found if each.kind == kind]
    rows = [(each.effect, each.score, it.value, it.low, it.high, it.n) for each, it in having if it.defined]
    return pd.DataFrame(rows, columns=["effect", "score", "value", "low", "high", "n"])


def plot_joined_tokens(tokens: pd.DataFrame, effect: str = "knockout", *, ax: Axes | None = None) -> Axes:
    """A point a token: its surprisal, and what it carries; a colour a kind, a cross where the rule rejects it.

    Args:
        tokens: A row a token, of `mediate.results.token_join.joined_token_table`.
        effect: The column of the effect.
        ax: Where to draw; new axes by default.

    Raises:
        InputError: No token has the effect.
    """
    there = joined_tokens_data(tokens, effect)
    if there.empty:
        raise InputError(f"no token has a {effect} effect, so there is nothing to draw")
    with canvas(ax, TOKENS_SIZE) as axes:
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
        for kind, colour in zip(TokenKind, run_colours(len(TokenKind)), strict=True):
            for accepted, marker in ((True, "o"), (False, "x")):
                some = there[(there["kind"] == kind) & (there["accepted"] == accepted)]
                if len(some):
                    name = f"{kind}, {'accepted' if accepted else 'rejected'} ({len(some)})"
                    edge = 0 if accepted else 1.2
                    axes.plot(
                        some["surprisal"],
                        some[effect],
                        marker,
                        color=colour,
                        markersize=4,
                        alpha=0.6,
                        markeredgewidth=edge,
                        label=name,
                    )
        # Most tokens are near 0, and a few far from it: linear up to 0.1, then by orders of magnitude.
        axes.set_xscale("symlog", linthresh=0.1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlim(left=-0.005)
        axes.set_xlabel("surprisal (nats)")
        axes.set_ylabel(f"{effect} effect (nats)", parse_math=False)
        headed(axes, f"What each token carries, by how surprising it is, n = {plural(len(there), 'token')}")
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return axes


def joined_tokens_data(tokens: pd.DataFrame, effect: str = "knockout") -> pd.DataFrame:
    """What `plot_joined_tokens` draws: the rows of tokens that have the effect."""
    return tokens.dropna(subset=[effect]).reset_index(drop=True) if effect in tokens else tokens.head(0)
