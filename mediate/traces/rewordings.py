"""Paraphrase: some steps of a chain in other words, which a function of their text gives.

Of the steps up to a place, after which a model may write on, as in Lanham et al. 2023; or of the steps from a place on,
as in Lobo et al. 2024. An unchanged answer has two readings, and the numbers cannot tell them apart: the model reads
the chain and its wording does not matter, or it does not read the chain.
"""

from collections.abc import Callable

from mediate.errors import ItemError, one_line
from mediate.pairs.answers import normalise, same_answer
from mediate.traces.edits import Edit, Edited, Unedited, all_steps
from mediate.traces.pieces import decode_after, encode_after, lost_words, reads_as, words_known
from mediate.traces.statement import stated_results
from mediate.traces.step_edits import before_last
from mediate.traces.steps import find_answer, numbers

# The edits' names.
REWORDED, UP_TO = "reworded", "reworded.up_to"
Rewrite = Callable[[str], str]
"""Puts the text of some steps into other words; it does not see the question."""


def reworded_from(rewrite: Rewrite) -> Edit:
    """The steps from a place on in other words."""

    def made(chain: Unedited, place: int) -> Edited:
        begin = chain.spans[place][0]
        ids = chain.trace.ids
        return Edited((*ids[:begin], *_reworded(chain, begin, len(ids), rewrite)), all_steps(chain)[place:])

    return Edit(REWORDED, "the steps from that one on in other words", made, before_last)


def reworded_up_to(rewrite: Rewrite) -> Edit:
    """The steps up to and with a place in other words, and the rest as it was or, continued, as the model writes it."""

    def made(chain: Unedited, place: int) -> Edited:
        stop = chain.spans[place][1]
        words, rest = _reworded(chain, 0, stop, rewrite), chain.trace.ids[stop:]
        return Edited((*words, *rest), all_steps(chain)[: place + 1], len(words))

    return Edit(UP_TO, "the steps up to that one in other words", made, before_last, continues=True)


def stretches(chain: Unedited) -> tuple[str, ...]:
    """The texts that are put into other words, each once: the steps from every place on, and up to every one."""
    text, ends = chain.trace.tokens, [stop for _, stop in chain.spans]
    found = ["".join(text[begin:]) for begin, _ in chain.spans] + ["".join(text[:stop]) for stop in ends]
    return tuple(dict.fromkeys(found))


def _reworded(chain: Unedited, begin: int, stop: int, rewrite: Rewrite) -> tuple[int, ...]:
    """The tokens of a stretch of the chain in other words.

    Raises:
        ItemError: They are none, the same ones, the answer, another result than those of the steps, or words that the
            tokenizer has not; or there was an error.
    """
    old = "".join(chain.trace.tokens[begin:stop])
    try:
        new = rewrite(old)
    except ItemError:
        raise
    except Exception as error:  # a caller's function, which must not cost what was measured
        raise ItemError("", f"the rewriting failed ({one_line(error)})", code="rewriting_failed") from error
    if not isinstance(new, str) or not new.strip():
        raise ItemError("", "the rewriting gave no text; give a function from text to text", code="no_text")
    if new.split() == old.split():
        raise ItemError("", "the rewriting gave the same text", code="unchanged")
    if chain.answer and _gives_away(new, old, chain.answer):
        reason = f"the rewriting states the answer {chain.answer[:40]!r}, which the steps do not"
        raise ItemError("", reason, code="states_answer")
    known = {normalise(old[slice(*span)]) for span, _ in numbers(old)}
    other = next((each for each in stated_results(new) if each not in known), None)
    if other is not None:
        reason = f"the rewriting states {other[:40]!r} as a result, which stands nowhere in the steps"
        raise ItemError("", reason, code="states_other")
    ids = tuple(encode_after(chain.tokenizer, new))
    lost = lost_words(chain.tokenizer, new)
    if lost or not reads_as(decode_after(chain.tokenizer, ids), new):
        words = ", ".join(map(repr, lost[:3])) or repr(new[:40])
        reason = f"the tokenizer has no token for {words} of the rewriting{words_known(chain.tokenizer)}"
        raise ItemError("", reason, code="unknown_words")
    return ids


def _gives_away(new: str, old: str, answer: str) -> bool:
    """Whether a text is no more than the answer, or holds it where the text before did not."""
    return same_answer(new, answer) or (find_answer(new, answer) is not None and find_answer(old, answer) is None)
