"""Blocks of coloured text: a chain of thought, token by token, and what its colours mean."""

from dataclasses import dataclass

BINS = 8  # shades on either side of 0
SHADES = tuple(range(-BINS, BINS + 1))


@dataclass(frozen=True, slots=True)
class Stretch:
    """The tokens of one step.

    Args:
        step: The step.
        tokens: What each token shows.
        effect: The step's effect in words, with its sign; empty where the item has no map or the map no such step.
        shade: Its colour, from -8 (towards the source answer) to 8 (towards the base answer).
        states: The place, among `tokens`, of the token that states the answer; None if it is not here.
        result: Whether the answer stands there as a result; else it is only its first occurrence.
        shades: The colours of the tokens one by one, where effects are of tokens; else all have the step's.
    """

    step: int
    tokens: tuple[str, ...]
    effect: str = ""
    shade: int = 0
    states: int | None = None
    result: bool = False
    shades: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """A chain of thought, token by token, each step in its colour."""

    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """What the colours of tokens mean: `limit`, in `unit`, is the effect of the deepest, and `words` name both ends."""

    limit: float
    unit: str = "nats"
    words: str = "blue: towards the source answer; red: towards the base answer"
