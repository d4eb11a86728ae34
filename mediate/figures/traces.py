"""Scored traces: one trace token by token, and all traces of a set by surprisal and rank."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.style import FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results.trace_scores import ScoredTrace, TraceRule, token_table
from mediate.showing import plural

SET_SIZE = (4.6, 3.4)
# Of one trace: inches a token, and the least and the most of the whole.
WIDTH, NARROWEST, WIDEST, HEIGHT = 0.16, 4.0, 14.0, 2.6
REJECTED = "#D55E00"
# With more tokens than this their text cannot be read, and their number is written instead.
MOST_TEXTS = 90


def plot_trace(trace: ScoredTrace, rule: TraceRule | None = None, *, ax: Axes | None = None) -> Axes:
    """The surprisal of each token of one trace, in nats; what the speculative rule rejects stands out.

    Args:
        trace: The scored trace.
        rule: The numbers of the rule.
        ax: Where to draw; new axes by default.
    """
    rule = rule or TraceRule()
    accepted = trace.accepted(rule.top, rule.likely)
    places = np.arange(len(trace.tokens))
    size = (float(np.clip(WIDTH * len(places), NARROWEST, WIDEST)), HEIGHT)
    with canvas(ax, size) as axes:
        for kind, chosen, colour in (("accepted", accepted, INK), ("rejected", ~accepted, REJECTED)):
            if chosen.any():
                axes.bar(places[chosen], trace.surprisal[chosen], width=0.8, color=colour, label=kind)
        for start in np.flatnonzero(trace.first)[1:]:
            axes.axvline(start - 0.5, color=FAINT, linewidth=0.6, zorder=0)
        if trace.teacher is not None:
            axes.plot(places, trace.teacher, ".", color=FAINT, markersize=3, label="teacher")
        if len(places) <= MOST_TEXTS:
            axes.set_xticks(places, [label(each) for each in trace.tokens], rotation=90, fontsize=6)
        else:
            axes.set_xlabel("token")
        axes.set_xlim(-0.7, len(places) - 0.3)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("surprisal (nats)")
        rejected = f"{int((~accepted).sum())} of {plural(len(places), 'token')} rejected"
        axes.set_title(f"item {label(trace.item)}: {rejected}", parse_math=False)
        axes.legend(ncols=3)
    return axes


def trace_data(trace: ScoredTrace, rule: TraceRule | None = None) -> pd.DataFrame:
    """What `plot_trace` draws: a row a token with its `surprisal` in nats, and whether it is `accepted`."""
    return token_table([trace], rule)


def plot_traces(traces: Sequence[ScoredTrace], rule: TraceRule | None = None, *, ax: Axes | None = None) -> Axes:
    """Mean capped rank against mean surprisal, a point a trace: their ratio is the Rank-Surprisal Ratio.

    Traces whose ratio is undefined, because their mean surprisal is below the floor, are drawn hollow.

    Args:
        traces: The scored traces.
        rule: The numbers of the ratio.
        ax: Where to draw; new axes by default.

    Raises:
        InputError: No traces.
    """
    if not traces:
        raise InputError("no traces to draw")
    rule = rule or TraceRule()
    found = traces_data(traces, rule)
    surprisal, rank, defined = (found[name].to_numpy() for name in ("surprisal", "rank", "defined"))
    with canvas(ax, SET_SIZE) as axes:
        axes.plot(surprisal[defined], rank[defined], "o", color=INK, markersize=4, alpha=0.7)
        if not defined.all():
            hollow = f"below {rule.floor:g} nats: no ratio"
            axes.plot(surprisal[~defined], rank[~defined], "o", mfc="none", mec=FAINT, markersize=4, label=hollow)
            axes.legend()
        axes.set_xlabel("mean surprisal (nats a token)")
        axes.set_ylabel(f"mean rank (capped at {rule.cap})")
        axes.set_title(f"{plural(len(traces), 'trace')}", parse_math=False)
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    return axes


def traces_data(traces: Sequence[ScoredTrace], rule: TraceRule | None = None) -> pd.DataFrame:
    """What `plot_traces` draws: a row a trace with mean `surprisal` and capped `rank`; is a ratio of them `defined`?"""
    rule = rule or TraceRule()
    surprisal = np.array([each.surprisal.mean() for each in traces])
    rank = np.array([np.minimum(each.rank, rule.cap).mean() for each in traces])
    return pd.DataFrame(
        {
            "item": [each.item for each in traces],
            "surprisal": surprisal,
            "rank": rank,
            "defined": surprisal >= rule.floor,
        }
    )
