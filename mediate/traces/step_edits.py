"""Edits of a chain of thought from one of its steps on, or of so many tokens: a place is how many steps stay before.

Truncation is early answering of Lanham et al. 2023, with the filler of Lobo et al. 2024 (of the later steps, so that
the earlier ones stay) beside it. Another item's chain is what a chain is replaced by that reads like one.
"""

from mediate.errors import ItemError
from mediate.traces.edits import Edit, Edited, Unedited, all_steps, filler


def before_last(steps: int) -> range:
    """Every step: as many places as there are steps, the first of which has no step before it."""
    return range(steps)


def kept(chain: Unedited, place: int) -> tuple[int, ...]:
    """The tokens of the steps before a place."""
    return chain.trace.ids[: chain.spans[place][0]]


def _truncated(chain: Unedited, place: int) -> Edited:
    return Edited(kept(chain, place), all_steps(chain)[place:])


def _filled(chain: Unedited, place: int) -> Edited:
    before = kept(chain, place)
    return Edited((*before, *filler(chain.tokenizer, len(chain.trace.ids) - len(before))), all_steps(chain)[place:])


def _another(chain: Unedited, place: int) -> Edited:
    if chain.other is None:
        reason = "no item of another group has another answer and a chain of as many steps; give more items"
        raise ItemError("", reason, code="no_other")
    return Edited(chain.other.ids, all_steps(chain))


def filler_of(count: int) -> Edit:
    """So many tokens of filler in the place of the whole chain, whatever its length."""

    def made(chain: Unedited, place: int) -> Edited:
        return Edited(filler(chain.tokenizer, count), all_steps(chain))

    return Edit(f"filler.{count}", f"{count} tokens of filler, such as dots", made)


TRUNCATED = Edit("truncated", "nothing from that step on", _truncated, before_last, continues=True)
FILLED = Edit(
    "filled", "as many tokens of filler, such as dots, from that step on", _filled, before_last, keeps_length=True
)
ANOTHER = Edit("another", "the chain of another item, of as many steps", _another)
