"""Before the answer is stated: the same channels, read where the chain itself is about to write the answer.

A chain that ends in `= 5` can be copied, and then carries the answer without having carried the reasoning. So the trace
is cut before it first states the answer as a result, or where it never does before the answer's first occurrence, and
the outcome is read there: the token before it is the only reader, and the answers' tokens are those that the two chains
write.
"""

from collections.abc import Sequence
from dataclasses import replace

from mediate.errors import ItemError
from mediate.mediation.encoding import EncodedPair, Readers
from mediate.mediation.kinds.cube import Contexts
from mediate.pairs.pair import World
from mediate.traces.trace import cut_trace


def cut_before_answer(
    pair: EncodedPair, answers: tuple[str, str], values: tuple[Sequence[int], Sequence[int]] = ((), ())
) -> EncodedPair:
    """The pair with each chain cut before it states its world's answer; see `mediate.traces.statement`.

    Args:
        pair: The pair in tokens.
        answers: The answer's text in the source and the base world.
        values: The result of each step of the given chains in the source and the base world, where the data have them.

    Raises:
        ItemError: A chain does not state its answer, states it as a result where the other only mentions it, in another
            step than the other or at its very start, or is about to state it after another token than the other; or one
            statement's tokens begin with all of the other's.
    """
    said, results = [], []
    for world, trace, answer, known in zip(("source", "base"), pair.traces, answers, values, strict=True):
        found = trace.stated(answer, known)
        if found is None:
            raise ItemError(pair.id, f"the {world} chain does not state the answer", code="not_stated")
        if found.start < 2:
            raise ItemError(pair.id, f"the {world} chain begins with the answer", code="stated_at_once")
        said.append((found.start, found.stop))
        results.append(found.result)
    if results[0] != results[1]:
        other = "base" if results[0] else "source"
        raise ItemError(
            pair.id, f"in the {other} chain the answer occurs, and never as a result as in the other", code="occurrence"
        )
    steps = [trace.steps[first] for trace, (first, _) in zip(pair.traces, said, strict=True)]
    before = [trace.ids[first - 1] for trace, (first, _) in zip(pair.traces, said, strict=True)]
    if steps[0] != steps[1]:
        raise ItemError(
            pair.id, f"the answer is stated in step {steps[1]} of the base and {steps[0]} of the source", code="steps"
        )
    if before[0] != before[1]:
        raise ItemError(
            pair.id, "the tokens before the two statements differ, so there is no one reader", code="reader"
        )
    stated = [trace.ids[slice(*span)] for trace, span in zip(pair.traces, said, strict=True)]
    try:
        readers = Readers(cue=(before[1],), base=stated[1], source=stated[0])
    except ValueError as error:
        raise ItemError(pair.id, str(error), code="prefix_answer") from error
    source, base = (cut_trace(trace, first - 1) for trace, (first, _) in zip(pair.traces, said, strict=True))
    return replace(pair, traces=(source, base), readers=readers)


def cut_contexts(contexts: Contexts, cut: EncodedPair) -> Contexts:
    """The contexts of a cut pair, taken from those of the whole one: what is cut off came later, and changed nothing.

    Args:
        contexts: Of the whole pair.
        cut: From `cut_before_answer`.
    """
    runs = {}
    for h in World:
        for t in World:
            length = len(cut.questions[h]) + len(cut.traces[t].ids)
            runs[cut.questions[h], cut.traces[t].ids] = contexts.of(h, t).part(0, length)
    return Contexts(cut, runs)
