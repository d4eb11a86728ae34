"""What a step comes to: the number that it states as its result, or else its words."""

from mediate.pairs.answers import normalise
from mediate.traces.statement import step_results
from mediate.traces.steps import Span


def step_value(step: str) -> str:
    """The last number that a step states as its result, normalised; of a step that states none, its words.

    Steps of one value count as the same step: `3 + 4 = 7.` and `add 4 to 3 to get 7.` do, and so does another step
    that happens to come to 7.
    """
    results = step_results(step, Span(0, len(step)))
    return normalise(step[slice(*results[-1])]) if results else " ".join(step.split()).casefold()
