"""What the numbers of a kind of map are called, and what one of them is."""

from dataclasses import replace

from mediate.results.kinds import Direction, KindFacts, View, is_estimate, parse_kind
from mediate.results.reference_words import REFERENCE_WORDS

# Of maps of two checkpoints: which state goes where.
VIEW_WORDS = {
    View.INTO_ORIGINAL: "into the original",
    View.INTO_TUNED: "into the tuned one",
    View.MEAN: "averaged over both models",
    View.INTERACTION: "into the tuned one less into the original",
}


def called(kind: str) -> str:
    """What a number of a map is called: an estimate is never called an effect, and views of two checkpoints are words.

    `cross.read.into_original` is the read effect into the original.
    """
    name = parse_kind(kind)
    if name.view is None:
        # A kind with variants is no effect of its own: `step_graph.read` is the step graph's read effect.
        of = name.of
        words = f"{of.name.replace('_', ' ')}'s {kind.removeprefix(f'{of.name}.')}" if of.variants else kind
        return f"{words} estimate of the effect" if is_estimate(kind) else f"{words} effect"
    return f"{called(str(replace(name, view=None, source=False)))} {view_words(kind)}"


def view_words(kind: str) -> str:
    """Of a map of two checkpoints, whose state goes where, and the world if it is the source; else nothing."""
    name = parse_kind(kind)
    if name.view is None:
        return ""
    return VIEW_WORDS[name.view] + (" (source world)" if name.source else "")


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
