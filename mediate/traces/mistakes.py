"""Mistakes: the result of one step is wrong by a digit, and what follows is kept, computed from it, or written anew.

Adding mistakes follows Lanham et al. 2023, whose mistake a model writes, with what follows it. What is done with the
later steps decides what the test says: where they are kept, a reader that copies the last result never sees the
mistake. The number stays as long, so that no token moves.
"""

from collections.abc import Iterator

from mediate.errors import ItemError
from mediate.pairs.annotations import UnfitError
from mediate.pairs.recomputed import Arithmetic, Slip
from mediate.traces.edits import Edit, Edited, Unedited, put_number, steps_changed, wrong_numbers
from mediate.traces.statement import step_results
from mediate.traces.step_edits import before_last
from mediate.traces.steps import Span, numbers


def _kept(chain: Unedited, place: int) -> Edited:
    """The first wrong number that the tokens allow; nothing else changes."""
    ids, _ = next(_wrong(chain, place))
    return Edited(ids, steps_changed(chain.trace, ids), chain.spans[place][1])


def recomputed(arithmetic: Arithmetic | None) -> Edit:
    """Mistakes from which the later steps are computed by the rules of the data's arithmetic; None where none fits."""

    def made(chain: Unedited, place: int) -> Edited:
        if arithmetic is None:
            raise ItemError("", "the chains are no arithmetic that can be computed anew", code="not_arithmetic")
        why: ItemError | None = None
        for ids, slip in _wrong(chain, place):
            try:
                edited = _followed(chain, place, ids, arithmetic.recompute(slip))
                return Edited(edited, steps_changed(chain.trace, edited))
            except UnfitError as error:
                why = why or ItemError("", error.reason, code=error.code)
            except ItemError as error:
                why = why or error
        raise why or AssertionError("a step without another number is refused before")

    words = "the chain with that step's result wrong by one digit, and the later steps computed from it"
    return Edit("mistaken.recomputed", words, made, before_last, keeps_length=True)


def _wrong(chain: Unedited, place: int) -> Iterator[tuple[tuple[int, ...], Slip]]:
    """The chain with a step's result wrong, and what has been slipped there, as long as there are other numbers."""
    step = _text_of(chain, place)
    text, value = chain.trace.text, chain.values[place] if len(chain.values) == len(chain.spans) else None
    spans = step_results(text, step, value)
    stated = step_results(text, step) if not spans else ()
    if stated:
        said = text[slice(*stated[-1])]
        reason = f"step {place} states {said[:40]!r} as its result, and its value is given as {value}; mend 'values'"
        raise ItemError("", reason, code="other_value")
    if not spans:
        raise ItemError("", f"step {place} states no number as its result", code="no_result")
    right = text[slice(*spans[0])]
    for ids, wrong in wrong_numbers(chain, spans, f"step {place}"):
        before = text[: step.stop]
        for span in reversed(spans):
            before = before[: span.start] + wrong + before[span.stop :]
        yield ids, Slip(chain.question, before, text[step.stop :], right, wrong)


def _followed(chain: Unedited, place: int, ids: tuple[int, ...], after: str) -> tuple[int, ...]:
    """The chain with the mistake in place, and the numbers of the later steps as they were computed from it.

    Raises:
        ItemError: More than numbers differ, or the tokens cannot say them.
    """
    trace, begin = chain.trace, _text_of(chain, place).stop
    old, changed = trace.text[begin:], list(ids)
    spans = [span for span, _ in numbers(old)]
    if len(after) != len(old) or _without(old, spans) != _without(after, spans):
        raise ItemError("", "the steps computed anew differ in more than numbers of one length", code="other_length")
    for span in spans:
        new = after[slice(*span)]
        where = Span(begin + span.start, begin + span.stop)
        if new != old[slice(*span)] and not put_number(changed, trace, chain.tokenizer, where, new):
            raise ItemError("", f"the tokenizer has no {new!r} in as many tokens", code="no_other_number")
    return tuple(changed)


def _text_of(chain: Unedited, place: int) -> Span:
    """The characters of a step, as its tokens say them."""
    first, last = chain.spans[place]
    begin = sum(map(len, chain.trace.tokens[:first]))
    return Span(begin, begin + sum(map(len, chain.trace.tokens[first:last])))


def _without(text: str, spans: list[Span]) -> str:
    """A text with every letter of some ranges made one and the same."""
    for span in spans:
        text = text[: span.start] + "\0" * (span.stop - span.start) + text[span.stop :]
    return text


MISTAKEN = Edit(
    "mistaken",
    "the chain with that step's result wrong by one digit, and the later steps as they were",
    _kept,
    before_last,
    keeps_length=True,
    continues=True,
)
