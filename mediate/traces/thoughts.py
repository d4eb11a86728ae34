"""Thoughts of a chain: what lies between two openings, and whether it goes on, looks back or changes course.

Three kinds as of SEAL (arXiv 2504.07986), told by words: a thought is a *transition* if it holds one of those of a
change of course, else a *reflection* if it holds one of those of looking back, else *execution*. Text only, no tokens.
What opens a thought is a piece of text, such as an empty line; which tokens hold it, their tokenizer says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ThoughtKind(StrEnum):
    """What a thought does."""

    EXECUTION = "execution"
    REFLECTION = "reflection"
    TRANSITION = "transition"


KindOf = Callable[[str], ThoughtKind | str]
"""The kind of a thought, by its text."""


@dataclass(frozen=True, slots=True)
class ThoughtRules:
    """What opens thoughts, and the words that tell their kinds apart.

    Args:
        name: Of the rules.
        opens: The text that stands between two thoughts; the token that holds it opens the second.
        transition: Words of a change of course, in lower case.
        reflection: Words of looking back, in lower case.
    """

    name: str
    opens: str
    transition: tuple[str, ...]
    reflection: tuple[str, ...]

    def kind(self, text: str) -> ThoughtKind:
        """The kind of a thought; words are found anywhere in it, in any case."""
        said = text.lower()
        if any(word in said for word in self.transition):
            return ThoughtKind.TRANSITION
        if any(word in said for word in self.reflection):
            return ThoughtKind.REFLECTION
        return ThoughtKind.EXECUTION


# The published words and opening.
SEAL = ThoughtRules(
    "seal",
    "\n\n",
    transition=(
        *("alternatively", "think differently", "another way", "another approach", "another method"),
        *("another solution", "another strategy", "another technique"),
    ),
    reflection=(
        *("wait", "verify", "make sure", "hold on", "think again", "'s correct", "'s incorrect", "let me check"),
        "seems right",
    ),
)
# Of the worded family, whose sentences are its thoughts and end in a full stop.
WORDED_THOUGHTS = ThoughtRules("worded", ".", transition=("instead",), reflection=("check", "wait"))
RULES = (SEAL, WORDED_THOUGHTS)


def rules_named(name: str) -> ThoughtRules:
    """The rules of that name, one of `RULES`."""
    return next(rules for rules in RULES if rules.name == name)
