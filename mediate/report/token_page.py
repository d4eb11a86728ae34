"""The page of joined tokens: what is carried by tokens that a student finds unlikely, and which score finds it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from mediate.figures.figure import Figure
from mediate.figures.joined_tokens import AGREED_SIZE, NUMBERS, TOKENS_SIZE, plot_joined_tokens, plot_tokens_agreed
from mediate.report.blocks import (
    Block,
    Look,
    Page,
    Section,
    Table,
    Text,
    columns,
    facts,
    holding,
    numbers,
    prose,
    standing_in,
)
from mediate.report.html import to_html
from mediate.report.parts import in_lines, left_out, share_cells
from mediate.report.token_words import (
    SET_WORDS,
    best_score,
    by_kind,
    joined_headline,
    joined_notes,
    most_carried,
)
from mediate.report.words import DASH, day_of, fact_of, gaps, interval, number, percent, plain, plural, share_words
from mediate.results.token_join import ALL, EFFECTS, KINDS, REJECTED, SETS, JoinResults, kind_table
from mediate.results.tokens_agreed import Carried, TokensAgreed, agreed_of, carried_of, without_statement
from mediate.stats import Estimate

# How many tokens are listed.
MOST_TOKENS = 30
OPENING_WORDS = prose(
    "Two things are known of each token of a chain. *How likely* the student finds it: surprisal, rank, entropy, and "
    "whether the speculative rule rejects it. *What it carries*: what the answer loses where it cannot attend to the "
    "token (knockout), or finds there what the twin's chain holds (read), or where the token's state is the twin's and "
    "all that follows is computed anew (state)."
)
TOGETHER = (
    "Tokens are hidden from the answer all at once, because effects of single tokens do not add up: two that say the "
    "same hide each other. So the shares of a set and of the rest need not sum to 100 %."
)
KINDS_TOLD = (
    "Result: a number that its step states as its result. Operand: any other number in digits. Operator: a sign "
    "between two operands, or a word such as plus. Word: everything else, white space and punctuation included. "
    "Opening: the first token of a step, whatever it says; it is counted as its own kind too."
)


def joined_figures(results: JoinResults, agreed: Sequence[TokensAgreed]) -> tuple[Figure, ...]:
    """How far scores find what tokens carry, and every token, each with where it comes from; none that is undefined."""
    parts = (plain(results.manifest["model"]["student"]["name"]), day_of(results.manifest))
    source = ", ".join(each for each in parts if each)
    return tuple(each.signed(source) for figures in FIGURES for each in figures(results, agreed))


def agreed_figures(results: JoinResults, agreed: Sequence[TokensAgreed]) -> Iterator[Figure]:
    """Both numbers of every score, over tokens of all kinds."""
    for name, (words, nothing) in NUMBERS.items():
        there = [each for each in agreed if each.kind == ALL and getattr(each, name).defined]
        if there:
            listed = "; ".join(f"{each.score} with {each.effect} {_estimate(getattr(each, name))}" for each in there)
            yield Figure(
                name=f"tokens-{name}",
                draw=partial(plot_tokens_agreed, agreed, name),
                alt=f"{words[0].upper()}{words[1:]}: {listed}.",
                caption=f"Means over chains. Grey: {nothing:g}, where a score has no bearing on what tokens carry.",
                size=AGREED_SIZE,
                section="agreed",
            )


def token_figures(results: JoinResults, agreed: Sequence[TokensAgreed]) -> Iterator[Figure]:
    """Every token by its surprisal and its knockout effect."""
    tokens = results.tokens()
    yield Figure(
        name="joined-tokens",
        draw=partial(plot_joined_tokens, tokens),
        alt=f"Knockout effects of {plural(len(tokens), 'token')} beside their surprisal.",
        caption="A token each: what the answer loses without it, beside its surprisal; a cross where it is rejected.",
        size=TOKENS_SIZE,
        section="tokens",
    )


FIGURES: tuple[Callable[[JoinResults, Sequence[TokensAgreed]], Iterable[Figure]], ...] = (agreed_figures, token_figures)


def joined_page(results: JoinResults) -> Page:
    """All that is said of joined tokens."""
    agreed, together = agreed_of(results), carried_of(results)
    figures, manifest = joined_figures(results, agreed), results.manifest
    student = plain(manifest["model"]["student"]["name"])
    notes = [Text(each, Look.SMALL) for each in joined_notes(results, together, agreed)]
    return holding(
        Page(
            title=f"What tokens carry: {student}",
            heading="Do the tokens that a student finds unlikely carry the answer?",
            headline=joined_headline(results, together),
            sections=(
                Section("", (Text(OPENING_WORDS), *notes)),
                _together_section(results, together),
                Section(
                    "Which score finds what carries",
                    _agreed_blocks(results, agreed, figures),
                    id="agreed",
                    found=best_score(agreed),
                ),
                Section("By kind of token", _kind_blocks(results, agreed), id="kinds", found=by_kind(results)),
                Section(
                    "The tokens that carry most",
                    (*standing_in(figures, "tokens"), _token_table(results)),
                    id="tokens",
                    found=most_carried(results),
                ),
                left_out(results.rejects, len(results.traces), manifest.get("counts", {}).get("given"), counted=False),
                _method_section(manifest),
            ),
        ),
        figures,
    )


def render_joined(results: JoinResults) -> str:
    """The page as HTML; the same results give the same text."""
    return to_html(joined_page(results))


def _together_section(results: JoinResults, together: Sequence[Carried]) -> Section:
    found = {each.name: each for each in together}
    rows = [
        (
            SET_WORDS[name],
            percent(found[name].of_tokens, 1),
            *(share_cells(found[name].share) if found[name].chains else (DASH, DASH)),
            str(found[name].chains),
        )
        for name in SETS
    ]
    heads = (
        *columns("hidden at once"),
        *numbers("of the tokens", "of the whole effect", "interval", "chains with any"),
    )
    share = together[0].share
    basis = (
        f"Ratios of sums over {plural(share.n, 'chain')} in {plural(share.groups, 'group')}; {share.level:.0%} "
        f"{share.method}, seed {share.seed}; undefined where the mean effect of hiding the whole chain is at most "
        f"{results.manifest['spec']['min_te']:g} nats in size."
    )
    reasons = gaps([each.share for each in together], "shares")
    table = Table(heads, tuple(rows))
    return Section(
        "What they carry together",
        (table, Text(TOGETHER, Look.SMALL), Text(in_lines(basis, reasons), Look.BASIS)),
        id="together",
        found=f"rejected tokens: {share_words(found[REJECTED].share)} of the whole" if found[REJECTED].chains else "",
    )


def _agreed_blocks(
    results: JoinResults, agreed: Sequence[TokensAgreed], figures: Sequence[Figure]
) -> tuple[Block, ...]:
    most = percent(results.manifest["spec"]["most"])
    basis = (
        "Within each chain, then the mean over chains. The area is of telling the tokens that carry most, at most "
        f"{most} of a chain's, from the rest: 0.5 says nothing, 1 finds each. Position counts from the chain's start, "
        "and is what a score should be held against; rejected is 1 where the speculative rule rejects a token."
    )
    told = (
        "The answer can be copied from where the chain last states it, which most often carries most. Here those "
        "tokens are left out, and what carries most is found among the others."
    )
    unstated = (_score_table(without_statement(results)), Text(told, Look.BASIS))
    return (
        *standing_in(figures, "agreed"),
        _score_table(agreed),
        Text(basis, Look.BASIS),
        Section("Without the tokens that state the answer", unstated),
    )


def _score_table(agreed: Sequence[TokensAgreed]) -> Table:
    rows = [
        (
            each.effect,
            each.score.replace("_", " "),
            *_numbers(each.correlation),
            _without(each.without_correlation),
            *_numbers(each.area),
            _without(each.without_area),
        )
        for each in agreed
        if each.kind == ALL
    ]
    heads = (
        *columns("effect", "score"),
        *numbers("mean", "interval", "n", group="rank correlation"),
        *columns("without one", group="rank correlation"),
        *numbers("mean", "interval", "n", group="area under the curve"),
        *columns("without one", group="area under the curve"),
    )
    return Table(heads, tuple(rows), dense=True)


def _kind_blocks(results: JoinResults, agreed: Sequence[TokensAgreed]) -> tuple[Block, ...]:
    means = [
        (
            str(row["kind"]),
            str(row["tokens"]),
            percent(row["rejected"], 1) if row["tokens"] else DASH,
            *(DASH if np.isnan(row[name]) else number(row[name]) for name in ("surprisal", *EFFECTS)),
        )
        for row in kind_table(results.tokens()).to_dict("records")
    ]
    heads = (*columns("kind"), *numbers("tokens", "rejected", "surprisal", *EFFECTS))
    told = f"Scores beside {agreed[0].effect} effects, of tokens of one kind."
    return (
        Table(heads, tuple(means)),
        Text("Means over all tokens, surprisal and effects in nats.", Look.BASIS),
        Text(KINDS_TOLD, Look.SMALL),
        _kind_table(agreed),
        Text(told, Look.BASIS),
    )


def _kind_table(agreed: Sequence[TokensAgreed]) -> Table:
    rows = [
        (each.kind, each.score.replace("_", " "), *_numbers(each.correlation), *_numbers(each.area))
        for kind in KINDS
        for each in agreed
        if each.kind == kind and each.effect == agreed[0].effect and (each.area.n or each.without_area)
    ]
    heads = (
        *columns("kind", "score"),
        *numbers("mean", "interval", "n", group="rank correlation"),
        *numbers("mean", "interval", "n", group="area under the curve"),
    )
    return Table(heads, tuple(rows), dense=True)


def _token_table(results: JoinResults) -> Table:
    """The tokens of the largest knockout effects, with all that is known of each."""
    tokens = results.tokens().sort_values("knockout", ascending=False, kind="stable").head(MOST_TOKENS)
    rows = [
        (
            *(str(row[name]) for name in ("item", "position", "token", "kind")),
            "yes" if row["states_answer"] else "",
            *(number(row[name]) for name in ("knockout", "read", "surprisal")),
            str(row["rank"]),
            "" if row["accepted"] else "rejected",
        )
        for row in tokens.to_dict("records")
    ]
    heads = (
        *columns("item", look=Look.LONG),
        *numbers("position"),
        *columns("token", "kind", "states the answer"),
        *numbers("knockout", "read", "surprisal", "rank"),
        *columns("rule"),
    )
    return Table(heads, tuple(rows), named=False, dense=True)


def _method_section(manifest: Mapping[str, Any]) -> Section:
    names = ("name", "fingerprint", "architecture", "parameters", "layers", "dtype", "device", "source")
    models = list(manifest["model"])
    rows = [(name, *(fact_of(manifest["model"][each], name) for each in models)) for name in names]
    run = [(key.replace("_", " "), plain(value)) for key, value in manifest["spec"].items()]
    run += [(key, plain(manifest.get(key))) for key in ("created", "finished", "seconds")]
    versions = [(name, plain(version)) for name, version in manifest.get("versions", {}).items()]
    return Section(
        "How it was measured",
        (
            Section("Models", (Table(columns("", *models), tuple(rows)),)),
            Section("Run", (facts(run),)),
            Section("Versions", (facts(versions),)),
        ),
        id="method",
    )


def _numbers(estimate: Estimate) -> tuple[str, str, str]:
    return number(estimate.value), interval(estimate), str(estimate.n)


def _estimate(estimate: Estimate) -> str:
    return f"{number(estimate.value)} {interval(estimate)}"


def _without(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {why}" for why, count in reasons.items())
