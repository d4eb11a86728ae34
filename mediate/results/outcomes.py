"""What is known of an outcome without measuring it: its unit, when a share of it is defined, and the words for it."""

from dataclasses import dataclass

NATS = "nats"
PROBABILITY = "probability"
# Probabilities, and whether the answer is the model's own, lie between 0 and 1.
_LEAST_OF_ONE = 0.02


@dataclass(frozen=True, slots=True)
class OutcomeFacts:
    """An outcome as a report tells of it.

    Args:
        name: As it is asked for and stored.
        words: What is read off.
        unit: In which it is told.
        min_te: The size of a total effect, in that unit, above which a share of it is defined; None where a run's own
            threshold, which is in nats, says so.
        answers: How many answers it is of: 2 of a pair's, 1 of an item's own.
        partial: Whether items may lack it.
        of: What a sentence on an answer says that this is of it; empty where that is the name.
    """

    name: str
    words: str = ""
    unit: str = NATS
    min_te: float | None = None
    answers: int = 2
    partial: bool = False
    of: str = ""

    @property
    def positive(self) -> str:
        """What a positive effect says."""
        return "towards the base answer" if self.answers == 2 else "what was seen speaks for the answer"


OUTCOMES = (
    OutcomeFacts(
        "logit_diff",
        "the difference of the logits of the base and the source answer at the first token where the two differ",
    ),
    OutcomeFacts("logprob_diff", "the difference of the log-probabilities of the two whole answers"),
    OutcomeFacts("base_prob", "the probability of the whole base answer", PROBABILITY, _LEAST_OF_ONE),
    OutcomeFacts(
        "logit",
        "the logit of the answer's first token that is more than white space, less the mean of all logits there",
        answers=1,
        of="its first token's logit",
    ),
    OutcomeFacts("logprob", "the log-probability of the whole answer", answers=1, of="its log-probability"),
    OutcomeFacts("prob", "the probability of the whole answer", PROBABILITY, _LEAST_OF_ONE, answers=1),
    OutcomeFacts(
        "margin",
        "the answer's logit less that of its rival, at the first token where they differ; the rival is the likeliest "
        "of the other options, or without options what the model would say with all of it at 0 (`Y000`)",
        answers=1,
        partial=True,
    ),
    OutcomeFacts(
        "kl",
        "less the KL divergence of the next token from what it is in the whole run, where the answer begins",
        answers=1,
    ),
    OutcomeFacts(
        "same_answer",
        "1 where each of the answer's tokens is the likeliest, else 0",
        "share of items",
        _LEAST_OF_ONE,
        answers=1,
    ),
)


def outcome_facts(name: str) -> OutcomeFacts:
    """What is known of an outcome; of one that is not listed, that it is in nats."""
    return next((each for each in OUTCOMES if each.name == name), None) or OutcomeFacts(name)


def unit_of(name: str) -> str:
    """The unit in which an outcome is told."""
    return outcome_facts(name).unit
