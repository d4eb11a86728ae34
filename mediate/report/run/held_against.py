"""The words of a run's page that depend on what its items are held against."""

from collections.abc import Mapping
from dataclasses import dataclass

from mediate.report.blocks import Phrase, prose
from mediate.results.contrasts import HIDDEN, OTHER, TWIN, Contrast


@dataclass(frozen=True, slots=True)
class Wording:
    """How a contrast is told.

    Args:
        opening: What is measured, in a paragraph that ends before a link to all words.
        means: The legend of a table of mean effects.
        terms: The words that mean something else, or are not there, under another contrast.
    """

    opening: tuple[Phrase, ...]
    means: str
    terms: Mapping[str, str]


_TWIN = Wording(
    opening=prose(
        "Each item is one question in two versions, *base* and *source*, with different answers. The *total effect* "
        "(TE) is how much more the model favours the base answer over the source answer when everything comes from the "
        "base version than when everything comes from the source version. It is split by what the answer reads: the "
        "question itself (*direct*), the words of the chain of thought (*text*), and what the model's activations at "
        "those words carry about the question beyond the words (*latent*). All words are explained "
    ),
    means=(
        "Means over items. Y with two indices is the outcome with the question of the first index's world and the "
        "chain of the second's; 1 is base, 0 is source."
    ),
    terms={},
)
_HIDDEN = Wording(
    opening=prose(
        "Each item is one question with its chain of thought and one answer. The *total effect* (TE) is how much the "
        "answer loses when it can see neither question nor chain. It is split by what the answer reads: the question "
        "itself (*direct*), the words of the chain (*text*), and what the model's activations at those words carry "
        "because they were computed with the question in sight (*latent*). All words are explained "
    ),
    means=(
        "Means over items. Y with two indices is the outcome with the question in sight of the answer (1) or hidden "
        "(0), and with the chain as it is (1) or hidden (0)."
    ),
    terms={
        "hidden": (
            "What an item is held against: tokens that cannot be attended to. Positions stay as they are. Hidden of a "
            "question are the tokens of its own text, save the sequence's first token; what a template writes after it "
            "is computed with and without sight of it. Shares under another contrast are other quantities."
        ),
        "outcome": "The number that is read at the measured answer.",
        "total effect, TE": "The outcome of the run as it is, less the outcome with question and chain hidden.",
        "direct": "What the answer takes from reading the question: the effect of hiding it from the answer's tokens.",
        "text": (
            "What the answer takes from the words of the chain: the effect of showing it a chain that was computed "
            "without sight of the question, where it saw none."
        ),
        "latent": (
            "What the answer takes from the activations at the chain beyond its words: the effect of having computed "
            "the same words with the question in sight."
        ),
        "Shapley value": (
            "A channel's mean effect over the three orders of switching in which the chain is shown before it is "
            "settled how it was computed: while it is hidden, that cannot be seen. The three values sum to TE exactly."
        ),
        "NDE, NIE, TDE, TIE": (
            "The natural direct and indirect effects (from all hidden) and the total direct and indirect effects (from "
            "nothing hidden), with the whole chain, words and activations, as the mediator. TIE is also called the "
            "chain's *necessity*: what is lost without it."
        ),
        "mediated share": (
            "TIE / TE: the part of the total effect that is lost when the chain is hidden and the question stays."
        ),
        "nat": (
            "The unit of natural logarithms: a log-probability that rises by 1 nat is a probability 2.72 times as "
            "large."
        ),
    },
)
_OTHER = Wording(
    opening=prose(
        "Each item is one question with its chain of thought and one answer, held against *other items* of the run "
        "with another answer. The *total effect* (TE) is how much the answer loses when another item's question and "
        "chain stand in place of its own. It is split by what the answer reads: the question itself (*direct*), the "
        "words of the chain (*text*), and what the model's activations at those words carry about the question beyond "
        "the words (*latent*). Every number of an item is the mean over its others. All words are explained "
    ),
    means=(
        "Means over items, of each the mean over its others. Y with two indices is the outcome with the question of "
        "the first index and the chain of the second; 1 is the item's own, 0 the other item's."
    ),
    terms={
        "other item": (
            "What an item is held against: an item of another group with another answer, of those nearest in tokens of "
            "question and chain. Its question and chain stand in place of the item's own; the answer that is read is "
            "the item's in every cell. Shares under another contrast are other quantities."
        ),
        "outcome": "The number that is read at the measured answer.",
        "total effect, TE": (
            "The outcome of the run as it is, less the outcome with another item's question and chain in place of its "
            "own."
        ),
        "direct": (
            "What the answer takes from reading the question: the effect of giving the answer's tokens the item's own "
            "question instead of another's to read."
        ),
        "text": (
            "What the answer takes from the words of the chain: the effect of putting the item's own chain there "
            "instead of another's."
        ),
        "latent": (
            "What the answer takes from the activations at the chain beyond its words: the effect of having computed "
            "the same words under the item's own question instead of another's."
        ),
        "Shapley value": (
            "A channel's mean effect over all orders in which the three channels can be switched from the other item "
            "to the item's own. The three values sum to TE exactly."
        ),
        "NDE, NIE, TDE, TIE": (
            "The natural direct and indirect effects (from the other item's run) and the total direct and indirect "
            "effects (from the item's own), with the whole chain, words and activations, as the mediator."
        ),
        "mediated share": (
            "TIE / TE: the part of the total effect that is lost when another item's chain stands there and the "
            "question stays."
        ),
        "nat": _HIDDEN.terms["nat"],
    },
)
_WORDINGS = {TWIN.name: _TWIN, HIDDEN.name: _HIDDEN, OTHER.name: _OTHER}


def wording(contrast: Contrast) -> Wording:
    """How a contrast is told."""
    return _WORDINGS[contrast.name]
