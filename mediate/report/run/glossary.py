"""The words of a run's page, and what they mean."""

from mediate.report.analysis import Analysis
from mediate.report.blocks import Section, Terms, prose
from mediate.report.run.held_against import wording
from mediate.report.words import percent
from mediate.results import Results
from mediate.results.contrasts import TWIN
from mediate.results.outcomes import outcome_facts


def words_section(results: Results, analysis: Analysis) -> Section:
    """What every word of the page means; with the threshold of shares, in nats, and the coverage of intervals."""
    values = {"min_te": f"{analysis.min_te:g}", "level": percent(analysis.level)}
    words = dict(WORDS)
    cubes = results.cubes if results.items else ()
    if cubes and cubes[0].contrast is not TWIN:
        own = wording(cubes[0].contrast).terms
        words = {word: own.get(word, said) for word, said in WORDS.items() if word not in OF_TWINS}
        words = {word: said for word, said in own.items() if word not in words} | words
    # A value of the sentence and no part of it: an outcome of one's own may have any name.
    values["told"] = "; ".join(f"{cube.outcome}: {outcome_facts(cube.outcome).words}" for cube in cubes)
    words["outcome"] += " {told}." if cubes else ""
    told = Terms(tuple((word, prose(said, **values)) for word, said in words.items()))
    return Section("Words", (told,), id="words", folded=f"What {len(words)} words of this page mean")


def shared_words(min_te: float, level: float) -> Section:
    """What the words mean that a page of several runs has in common with the pages of each of them."""
    values = {"min_te": f"{min_te:g}", "level": percent(level)}
    told = Terms(tuple((word, prose(WORDS[word], **values)) for word in OF_SEVERAL))
    return Section("Words", (told,), id="words", folded=f"What {len(OF_SEVERAL)} words of this page mean")


OF_SEVERAL = (
    *("chain of thought", "outcome", "total effect, TE", "direct", "text", "latent", "Shapley value"),
    *("NDE, NIE, TDE, TIE", "mediated share", "share of a set", "undefined share", "interval", "nat"),
)
# What only a page of twins speaks of.
OF_TWINS = ("base, source", "read effect", "state effect", "step graph")


WORDS = {
    "base, source": "The two versions (worlds) of an item. The questions differ, and so do the answers.",
    "chain of thought": "The text between question and answer, cut into steps. Steps and layers are counted from 0.",
    "outcome": "The number that is read at the answer, in nats and positive towards the base answer.",
    "total effect, TE": "The outcome in the base world less the outcome in the source world.",
    "direct": (
        "What the answer takes from reading the question: the effect of giving the answer's tokens the base "
        "question instead of the source question to read."
    ),
    "text": (
        "What the answer takes from the words of the chain: the effect of putting the base chain instead of the "
        "source chain there."
    ),
    "latent": (
        "What the answer takes from the activations at the chain beyond its words: the effect of having computed "
        "the same words under the base question instead of the source question."
    ),
    "Shapley value": (
        "A channel's mean effect over all orders in which the three channels can be switched from source to base. "
        "The three values sum to TE exactly."
    ),
    "NDE, NIE, TDE, TIE": (
        "The natural direct and indirect effects (from the source world) and the total direct and indirect "
        "effects (from the base world), with the whole chain, words and activations, as the mediator."
    ),
    "mediated share": (
        "TIE / TE: the part of the total effect that is lost when the base world's chain is replaced by the "
        "source's and the base question stays."
    ),
    "share of a set": (
        "The ratio of the sums over items, never the mean of the items' ratios. Shares are not clipped: below 0 "
        "or above 100\N{NO-BREAK SPACE}% means that channels pull in opposite directions."
    ),
    "undefined share": (
        "A share of almost nothing: where the size of TE is at most {min_te} nats, the ratio says nothing. It is "
        "shown as undefined and counted, not as 0."
    ),
    "interval": (
        "{level} interval of a bootstrap that resamples groups of items, since items of one group are alike, and takes "
        "each resample's distance from the value in standard errors of its own (bootstrap-t). It is symmetric, so it "
        "may reach past what the value itself can be. With two or three groups, where all groups but a few are alike, "
        "or where TE is near 0 in some resamples, there is none."
    ),
    "read effect": (
        "The effect of swapping only what the answer's tokens read (keys and values) at one step in one layer. "
        "Effects in different layers do not add up."
    ),
    "state effect": (
        "The effect of replacing an activation at some positions, with everything downstream computed anew "
        "(activation patching). Noising puts the source's into the base run, denoising the base's into the source "
        "run."
    ),
    "step graph": (
        "How much each step determines what a later one states: the effect of its keys and values on the "
        "difference of logits where the later step is about to write the last thing in which the two chains "
        "differ there."
    ),
    "nat": (
        "The unit of natural logarithms: an outcome that rises by 1 nat multiplies the odds of the base answer "
        "against the source answer by e\N{NO-BREAK SPACE}≈\N{NO-BREAK SPACE}2.72."
    ),
}
