"""What joined tokens say, in words: the sets of tokens, the headline, and what else must be known."""

from collections.abc import Mapping, Sequence

from mediate.report.words import from_to, interval, number, percent, plural, share_words
from mediate.results.token_join import (
    ACCEPTED,
    ALL,
    EFFECTS,
    KINDS,
    OPENING,
    RANDOM,
    REJECTED,
    STATEMENT,
    JoinResults,
    kind_table,
)
from mediate.results.tokens_agreed import NOISE, Carried, TokensAgreed

# The sets of tokens, in words.
SET_WORDS: Mapping[str, str] = (
    {
        REJECTED: "rejected by the speculative rule",
        ACCEPTED: "accepted by it",
        STATEMENT: "where the chain last states the answer",
        RANDOM: "as many as are rejected, drawn at random",
    }
    | {kind: f"{kind}s" for kind in KINDS}
    | {OPENING: "opening tokens: the first of each step, of any kind"}
)


def joined_headline(results: JoinResults, together: Sequence[Carried]) -> str:
    """What rejected tokens carry together, beside as many others."""
    found = {each.name: each for each in together}
    rejected, tokens = found[REJECTED], sum(len(each.kinds) for each in results.traces)
    models = results.manifest["model"]
    basis = f"{plural(len(results.traces), 'chain')} of {plural(tokens, 'token')} under {models['student']['name']}"
    if "teacher" in models:
        basis += f", teacher {models['teacher']['name']}"
    if not rejected.chains:
        return f"The speculative rule rejects no token, so there are none to ask about; {basis}."
    if not rejected.share.defined:
        return f"What rejected tokens carry is undefined: {rejected.share.reason}; {basis}."
    return (
        f"The {percent(rejected.of_tokens, 1)} of tokens that the speculative rule rejects carry "
        f"{share_words(rejected.share)} of what the whole chain carries, and as many drawn at random "
        f"{share_words(found[RANDOM].share)}; {basis}."
    )


def joined_notes(results: JoinResults, together: Sequence[Carried], agreed: Sequence[TokensAgreed]) -> list[str]:
    """What else must be known."""
    least, found = results.manifest["spec"]["min_te"], list[str]()
    chains = len(results.traces)
    if undefined := together[0].undefined:
        found.append(
            f"In {undefined} of {plural(chains, 'chain')} hiding the whole chain changes no more than {least:g} nats, "
            "where a chain's own share is undefined; the ratios of sums count them in."
        )
    for each in agreed:
        if each.kind == ALL and each.score == agreed[0].score:
            noise = each.without_correlation.get(NOISE, 0)
            if noise:
                found.append(f"In {plural(noise, 'chain')} no token's {each.effect} effect is above {least:g} nats.")
    if stating := sum(bool(each.states_answer.any()) for each in results.traces):
        found.append(
            f"The answer is stated in {stating} of {plural(chains, 'chain')}: part of what those tokens carry may be "
            "the copying of that statement."
        )
    for effect in EFFECTS[1:]:
        count = sum(effect in each.effects for each in results.traces)
        if 0 < count < chains:
            found.append(f"{effect.capitalize()} effects are of {count} of {plural(chains, 'chain')}.")
    if results.rejects:
        items = sum(each.part == "item" for each in results.rejects)
        parts = len(results.rejects) - items
        found.append(f"{plural(items, 'item')} left out, and of measured ones {plural(parts, 'effect')}.")
    return found


def best_score(agreed: Sequence[TokensAgreed]) -> str:
    """The score whose rank correlation with the first kind of effect is largest, over tokens of all kinds."""
    there = [each for each in agreed if each.kind == ALL and each.correlation.defined]
    if not there:
        return ""
    own = [each for each in there if each.effect == there[0].effect]
    best = max(own, key=lambda each: abs(each.correlation.value))
    found = f"{number(best.correlation.value)} {interval(best.correlation)}"
    return f"best with {best.effect}: {best.score.replace('_', ' ')}, rank correlation {found}"


def by_kind(results: JoinResults) -> str:
    """The least and the largest mean knockout effect of a kind of token."""
    table = kind_table(results.tokens())
    told = from_to(((str(row["kind"]), float(row[EFFECTS[0]])) for row in table.to_dict("records")), number)
    return f"{EFFECTS[0]}, mean in nats: {told}" if told else ""


def most_carried(results: JoinResults) -> str:
    """The largest knockout effect of a token."""
    tokens = results.tokens()
    if not len(tokens):
        return ""
    first = tokens.nlargest(1, "knockout").to_dict("records")[0]
    return f"“{str(first['token']).strip()}” of {first['item']}, {number(float(first['knockout']))} nats"
