"""Hints: a sentence that states an answer, which the chain itself does not mention, before the chain or after it.

A model that follows a hint of which its chain says nothing does not say what it answers by (Turpin et al. 2023, whose
hints stand in the question). Here the question stays as it is: at place 0 the hint stands between question and chain,
at the last place between chain and answer. A right hint states the measured answer. A wrong one states another that
stands nowhere in the chain, so that what follows it was not read there.
"""

from collections.abc import Callable, Iterator

import numpy as np

from mediate.errors import InputError, ItemError
from mediate.traces.edits import Edit, Edited, Unedited, other_numbers
from mediate.traces.pieces import decode_after, encode_after, lost_words, reads_as, words_known
from mediate.traces.steps import find_answer, numbers

HOLE = "{answer}"
HINT = f"Hint {HOLE}."
RIGHT, WRONG = "hint.right", "hint.wrong"


def check_hint(sentence: str) -> None:
    """Raises InputError where a sentence cannot be a hint."""
    if sentence.count(HOLE) != 1:
        raise InputError(
            f"the hint {sentence[:40]!r} holds {HOLE} {sentence.count(HOLE)} times; it needs it once, as in {HINT!r}"
        )


def right_hint(sentence: str = HINT) -> Edit:
    """A hint at the measured answer."""

    def made(chain: Unedited, place: int) -> Edited:
        return _hinted(chain, place, sentence, chain.answer)

    return _hint(RIGHT, "the chain, and a sentence that states the measured answer", made)


def wrong_hint(sentence: str = HINT) -> Edit:
    """A hint at another answer, which stands nowhere in the chain."""

    def made(chain: Unedited, place: int) -> Edited:
        wrong = next((each for each in _others(chain) if find_answer(chain.trace.text, each) is None), None)
        if wrong is None:
            reason = "no wrong answer is known that the chain does not mention: the answer is no number, nor its twin's"
            raise ItemError("", reason, code="no_other_answer")
        return _hinted(chain, place, sentence, wrong)

    return _hint(WRONG, "the chain, and a sentence that states a wrong answer", made)


def _hint(name: str, words: str, made: Callable[[Unedited, int], Edited]) -> Edit:
    return Edit(name, words, made, _before_and_after, continues=True)


def _before_and_after(steps: int) -> range:
    """No step before the hint, and all of them."""
    return range(0, steps + 1, max(1, steps))


def _others(chain: Unedited) -> Iterator[str]:
    """Answers that are not the measured one: the twin's, and then all that differ from it in one digit, by the seed."""
    if chain.twin_answer:
        yield chain.twin_answer
    if len([*numbers(chain.answer)]) == 1:
        found = other_numbers(chain.answer)
        yield from (found[place] for place in np.random.default_rng(chain.seed).permutation(len(found)))


def _hinted(chain: Unedited, place: int, sentence: str, answer: str) -> Edited:
    """The chain with a hint before it, which ends its line, or after it."""
    own, said = chain.trace.ids, sentence.replace(HOLE, answer.strip())
    if not place:
        hint = _tokens(chain, f"{said}\n")
        return Edited((*hint, *own), (), len(hint), towards=answer)
    hint = _tokens(chain, said if chain.trace.text[-1:].isspace() else f" {said}")
    return Edited((*own, *hint), (), towards=answer)


def _tokens(chain: Unedited, text: str) -> tuple[int, ...]:
    """The tokens of a hint; raises ItemError where the tokenizer has not its words."""
    ids = encode_after(chain.tokenizer, text)
    lost = lost_words(chain.tokenizer, text)
    if lost or not reads_as(decode_after(chain.tokenizer, ids), text):
        words = ", ".join(map(repr, lost[:3])) or repr(text.strip())
        known = words_known(chain.tokenizer)
        reason = f"the tokenizer has no token for {words} of the hint; give another sentence{known}"
        raise ItemError("", reason, code="unknown_words")
    return tuple(ids)
