"""What the numbers of a kind of map are called, and what one of them is."""

from mediate.results.kinds import Direction, KindFacts, is_estimate, parse_kind
from mediate.results.reference_words import REFERENCE_WORDS


def called(kind: str) -> str:
    """What a number of a map is called: an estimate is never called an effect."""
    return f"{kind} estimate of the effect" if is_estimate(kind) else f"{kind} effect"


def of_a_step(kind: str) -> str:
    """What the number of one step in one layer of a map is, in words."""
    name = parse_kind(kind)
    component = f"{name.part or 'the activations'} at that step"
    if name.by:
        replacing = f"replacing {component} by {REFERENCE_WORDS[name.by]}"
    elif name.direction is Direction.DENOISING:
        replacing = f"putting the base's {component} into the source run"
    else:
        replacing = f"replacing {component} by the source's"
    signed = name.method is None or name.method.signed
    words = name.of.words if name.view is None else KindFacts("").words
    return words.format(kind=kind, replacing=replacing, effect="the effect" if signed else "the size of the effect")
