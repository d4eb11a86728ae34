"""Whether the two worlds of a pair can be laid on each other, token by token."""

from mediate.errors import ItemError
from mediate.mediation.encoding import EncodedPair


def _step_lengths(pair: EncodedPair) -> list[list[int]]:
    return [[stop - start for start, stop in trace.step_spans] for trace in pair.traces]


def is_aligned(pair: EncodedPair) -> bool:
    """Whether the two chains can be laid on each other step by step, token by token."""
    lengths = _step_lengths(pair)
    return lengths[0] == lengths[1]


def check_aligned(pair: EncodedPair, place: str = "") -> None:
    """Raises ItemError where the two chains cannot be laid on each other step by step, token by token."""
    if is_aligned(pair):
        return
    spans, lengths = [trace.step_spans for trace in pair.traces], _step_lengths(pair)
    if len(spans[0]) != len(spans[1]):
        reason = f"the base chain has {len(spans[1])} steps and the source chain {len(spans[0])}"
    else:
        step = next(step for step in range(len(spans[0])) if lengths[0][step] != lengths[1][step])
        reason = (
            f"step {step} has {lengths[1][step]} tokens in the base chain and {lengths[0][step]} in the source chain"
        )
    raise ItemError(
        pair.id,
        f"{reason}, so a map cannot be aligned; give chains of equal steps, or leave the map out",
        place=place,
        code="unaligned_steps",
    )


def check_equal_questions(pair: EncodedPair, place: str = "") -> None:
    """Raises ItemError where the questions differ in length, so that a pattern's keys cannot be laid on each other."""
    lengths = [len(question) for question in pair.questions]
    if lengths[0] != lengths[1]:
        raise ItemError(
            pair.id,
            f"the questions have {lengths[1]} and {lengths[0]} tokens, and a pattern's keys are positions; "
            "make both questions the same number of tokens, or patch q and k",
            place=place,
            code="unaligned_questions",
        )
